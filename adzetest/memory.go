package adzetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/journal"
	"github.com/adzehq/adze/internal/shard"
)

// memory stands in for Postgres: the tables as maps. It is the shard's Store, its
// Journal, which commits at once, and its Gate, which is always open.
type memory struct {
	mu        sync.Mutex
	versions  map[id.ID]version
	current   map[string]id.ID // version by the workflow's name
	tasks     map[id.ID]core.NewTask
	runs      map[id.ID]core.NewTask // of graphs
	order     []id.ID                // of all runs, ascending
	results   map[id.ID]core.Result
	openRuns  map[id.ID]core.OpenRun
	ended     map[id.ID]core.RunResult // of runs of graphs
	attempts  map[id.ID][]core.Attempt
	moments   map[id.ID][]core.Moment
	open      map[id.ID]core.OpenTask
	events    eventRows
	schedules scheduleRows
	written   written
	durable   durableRows
	settings  map[core.SettingKey]core.Setting
}

type version struct {
	name string
	json string
}

func newMemory() *memory {
	return &memory{
		versions: map[id.ID]version{}, current: map[string]id.ID{},
		tasks: map[id.ID]core.NewTask{}, results: map[id.ID]core.Result{},
		runs: map[id.ID]core.NewTask{}, openRuns: map[id.ID]core.OpenRun{}, ended: map[id.ID]core.RunResult{},
		attempts: map[id.ID][]core.Attempt{}, moments: map[id.ID][]core.Moment{}, open: map[id.ID]core.OpenTask{},
		events: newEventRows(), schedules: newScheduleRows(), written: newWritten(), durable: newDurableRows(),
		settings: map[core.SettingKey]core.Setting{},
	}
}

// Append implements shard.Journal.
func (m *memory) Append(e journal.Entry) {
	m.write(e.Effects)
	e.Done(nil)
}

func (m *memory) write(e *core.Effects) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writeSettings(e)
	for _, t := range e.Tasks {
		m.tasks[t.ID] = t
		if t.Run == 0 {
			m.order = append(m.order, t.ID)
		}
	}
	for _, r := range e.Runs {
		m.runs[r.ID] = r
		m.order = append(m.order, r.ID)
	}
	for _, r := range e.RunResults {
		m.ended[r.Run] = r
	}
	for _, r := range e.OpenRuns {
		m.openRuns[r.ID] = r
	}
	for _, closed := range e.ClosedRuns {
		delete(m.openRuns, closed)
	}
	for _, r := range e.Results {
		m.results[r.Task] = r
	}
	for _, a := range e.Attempts {
		m.attempts[a.Task] = append(m.attempts[a.Task], a)
	}
	for _, happened := range e.Moments {
		m.moments[happened.Task] = append(m.moments[happened.Task], happened)
	}
	for _, o := range e.Open {
		m.open[o.ID] = o
	}
	for _, closed := range e.Closed {
		delete(m.open, closed)
	}
	for _, change := range e.Due {
		if row, open := m.open[change.Task]; open && row.State == core.OpenWaiting {
			row.Due = change.Due
			m.open[change.Task] = row
		}
	}
	m.events.write(e)
	m.schedules.write(e)
	m.written.write(e)
	m.durable.write(e)
}

// Reserve implements shard.Gate.
func (m *memory) Reserve(context.Context, id.ID, int64, bool) error { return nil }

// Release implements shard.Gate.
func (m *memory) Release(id.ID, int64) {}

// Restore implements shard.Store: a test begins with nothing.
func (m *memory) Restore(_ context.Context, _ int32, epoch int64) (*core.Restore, error) {
	return &core.Restore{Epoch: epoch}, nil
}

// Definitions implements shard.Store.
func (m *memory) Definitions(context.Context, int32) ([]shard.StoredDefinition, error) {
	return nil, nil
}

// Define implements shard.Store.
func (m *memory) Define(_ context.Context, _ id.ID, definitions []shard.Definition, next func() id.ID) ([]shard.Defined, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]shard.Defined, len(definitions))
	for i, d := range definitions {
		named := m.find(version{d.Name, string(d.JSON)})
		if named == 0 {
			named = next()
			m.versions[named] = version{d.Name, string(d.JSON)}
		}
		all[i] = shard.Defined{Version: named, Created: m.current[d.Name] != named}
		m.current[d.Name] = named
	}
	return all, nil
}

// DropWorkflow implements shard.Store.
func (m *memory) DropWorkflow(_ context.Context, _ id.ID, name string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.current[name] != 0
	delete(m.current, name)
	return known, nil
}

func (m *memory) find(wanted version) id.ID {
	for named, v := range m.versions {
		if v == wanted {
			return named
		}
	}
	return 0
}

// LoadLanes implements shard.Store.
func (m *memory) LoadLanes(ctx context.Context, shard int32, loads []core.Load) (all []*core.Loaded, err error) {
	for _, load := range loads {
		loaded, err := m.Load(ctx, shard, load)
		if err != nil {
			return nil, err
		}
		all = append(all, loaded)
	}
	return all, nil
}

// Load implements shard.Store.
func (m *memory) Load(_ context.Context, _ int32, load core.Load) (*core.Loaded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	loaded := &core.Loaded{Load: load}
	for _, row := range m.candidates(load) {
		if load.Kind == core.LoadDue && row.Due > load.Until {
			loaded.NextDue = row.Due
			break
		}
		if !byID(load.Kind) && len(loaded.Rows) == load.Limit {
			break
		}
		loaded.Rows = append(loaded.Rows, row)
	}
	if load.Kind == core.LoadWhy {
		loaded.Ahead = make([]core.Ahead, len(loaded.Rows)) // what waits here is few
	}
	m.loadDurable(&load, loaded)
	loaded.Runs = m.runsOf(loaded)
	return loaded, nil
}

// candidates are the rows that load may give, in its order.
func (m *memory) candidates(load core.Load) []core.OpenTask {
	var rows []core.OpenTask
	for _, row := range m.open {
		if asked(&load, &row) && (byID(load.Kind) || load.After.Before(place(&load, &row))) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b core.OpenTask) int {
		if place(&load, &a).Before(place(&load, &b)) {
			return -1
		}
		return 1
	})
	return rows
}

func byID(kind core.LoadKind) bool { return kind == core.LoadTasks || kind == core.LoadWhy }

func asked(load *core.Load, row *core.OpenTask) bool {
	switch load.Kind {
	case core.LoadDue:
		return row.State != core.OpenRunning && row.Due > 0
	case core.LoadTasks, core.LoadWhy:
		return slices.Contains(load.Tasks, row.ID)
	case core.LoadLane:
		return row.State == core.OpenReady &&
			row.Tenant == load.Tenant && row.Queue == load.Queue && row.Key == load.Key
	}
	return false
}

func place(load *core.Load, row *core.OpenTask) core.Order {
	switch {
	case load.Kind == core.LoadDue:
		return core.Order{Rank: int64(row.Due), ID: row.ID}
	case load.ByID:
		return core.Order{ID: row.ID}
	}
	return core.Order{Rank: row.Rank, ID: row.ID}
}

// Payloads implements shard.Store.
func (m *memory) Payloads(ctx context.Context, ids []id.ID) ([]core.NewTask, error) {
	return m.Inputs(ctx, ids)
}

// Inputs implements shard.Store.
func (m *memory) Inputs(_ context.Context, ids []id.ID) ([]core.NewTask, error) {
	return pick(m, m.tasks, ids), nil
}

// Outcomes implements shard.Store.
func (m *memory) Outcomes(_ context.Context, _ id.ID, ids []id.ID) ([]shard.Outcome, error) {
	return outcomes(pick(m, m.results, ids)), nil
}

func outcomes(results []core.Result) []shard.Outcome {
	all := make([]shard.Outcome, len(results))
	for i, r := range results {
		all[i] = shard.Outcome{ID: r.Task, Status: r.Status, Attempt: r.Attempt, Error: r.Error, Output: r.Output}
	}
	return all
}

// RunOutcomes implements shard.Store.
func (m *memory) RunOutcomes(_ context.Context, _ id.ID, ids []id.ID) ([]core.RunResult, error) {
	return pick(m, m.ended, ids), nil
}

// Runs implements shard.Store.
func (m *memory) Runs(_ context.Context, ids []id.ID) ([]core.NewTask, error) {
	return pick(m, m.runs, ids), nil
}

// Results implements shard.Store.
func (m *memory) Results(_ context.Context, _, first, last id.ID) ([]shard.Outcome, error) {
	var ids []id.ID
	for one := first; one <= last; one++ {
		ids = append(ids, one)
	}
	return outcomes(pick(m, m.results, ids)), nil
}

// Joined implements shard.Store.
func (m *memory) Joined(context.Context, id.ID, id.ID, shard.Hello) (bool, error) { return false, nil }

// Introduced implements shard.Store.
func (m *memory) Introduced(context.Context, id.ID, id.ID, shard.Hello) error { return nil }

// PausedAway implements shard.Store: no program of a test is paused.
func (m *memory) PausedAway(context.Context, id.ID, []id.ID, bool) ([]id.ID, error) { return nil, nil }

func pick[V any](m *memory, rows map[id.ID]V, ids []id.ID) []V {
	m.mu.Lock()
	defer m.mu.Unlock()
	var picked []V
	for _, one := range ids {
		if row, known := rows[one]; known {
			picked = append(picked, row)
		}
	}
	return picked
}

// newest gives ids of runs below before (0 = all), the newest first.
func (m *memory) newest(before id.ID) []id.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Clone(m.order)
	slices.SortFunc(all, func(a, b id.ID) int { return cmp.Compare(b, a) })
	if before == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(one id.ID) bool { return one >= before })
}

// record is all that is stored of a run.
type record struct {
	row      core.NewTask
	workflow shard.Workflow
	result   *core.Result    // of a run of one task
	attempts []core.Attempt  // likewise
	ended    *core.RunResult // of a run of a graph
	tasks    []*core.Result  // likewise, by place; nil if it has not ended
	begun    []bool          // likewise: it has a row
}

func (r *record) graph() bool { return r.workflow.IsGraph() }

func (m *memory) stored(run id.ID) (r record, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, isTask := m.tasks[run]
	isTask = isTask && row.Run == 0
	if !isTask {
		row = m.runs[run]
	}
	if row.ID == 0 {
		return r, fault.New(fault.NotFound, "run_id", "no run %s", run)
	}
	if err := json.Unmarshal([]byte(m.versions[row.Version].json), &r.workflow); err != nil {
		return r, fmt.Errorf("decode workflow: %w", err)
	}
	r.row = row
	if isTask {
		r.result, r.attempts = look(m.results, run), slices.Clone(m.attempts[run])
		return r, nil
	}
	r.ended = look(m.ended, run)
	for i := range r.workflow.Tasks {
		task := run + 1 + id.ID(i)
		_, begun := m.tasks[task]
		r.tasks, r.begun = append(r.tasks, look(m.results, task)), append(r.begun, begun)
	}
	return r, nil
}

// look finds a row, or nil.
func look[V any](rows map[id.ID]V, one id.ID) *V {
	if row, known := rows[one]; known {
		return &row
	}
	return nil
}

// definition is the JSON of the current version of a workflow.
func (m *memory) definition(name string) (id.ID, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	current, known := m.current[name]
	if !known {
		return 0, "", fault.New(fault.NotFound, "name", "no workflow %q", name)
	}
	return current, m.versions[current].json, nil
}
