package sim

import (
	"cmp"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// store is the tables as maps. Two of them live in a history: one that has all
// effects, and the committed one, which lags and is all that a crash leaves.
type store struct {
	tasks    map[id.ID]core.NewTask
	results  map[id.ID]core.Result
	attempts map[attemptKey]core.Attempt
	moments  map[momentKey]core.Moment
	open     map[id.ID]core.OpenTask
	lowWater id.ID

	runs       map[id.ID]core.NewTask
	runResults map[id.ID]core.RunResult
	openRuns   map[id.ID]core.OpenRun

	lines  map[writtenKey]core.LogLine
	chunks map[writtenKey]core.Chunk

	events    events
	schedules scheduleStore
	once      map[id.ID]core.OnceKey // by run
	settings  map[core.SettingKey]core.Setting
	rates     map[core.RateName]core.RateState
	durableRows
}

type attemptKey struct {
	task   id.ID
	number int32
}

func newStore() *store {
	return &store{
		tasks:    map[id.ID]core.NewTask{},
		results:  map[id.ID]core.Result{},
		attempts: map[attemptKey]core.Attempt{},
		moments:  map[momentKey]core.Moment{},
		open:     map[id.ID]core.OpenTask{},

		runs:       map[id.ID]core.NewTask{},
		runResults: map[id.ID]core.RunResult{},
		openRuns:   map[id.ID]core.OpenRun{},

		lines:  map[writtenKey]core.LogLine{},
		chunks: map[writtenKey]core.Chunk{},

		events: newEvents(), schedules: newScheduleStore(), once: map[id.ID]core.OnceKey{}, settings: map[core.SettingKey]core.Setting{}, rates: map[core.RateName]core.RateState{},

		durableRows: newDurableRows(),
	}
}

// apply writes the rows of one pass as the journal does: plain inserts, so that
// a row that is there already is an error, and Open before Closed.
func (s *store) apply(e *core.Effects) *Violation {
	if v := first(s.events.apply(e), s.schedules.apply(e), s.applyRuns(e), s.applyTasks(e), s.applyResults(e), s.applyMoments(e), s.applyWritten(e), s.applyOnce(e)); v != nil {
		return v
	}
	s.applySettings(e)
	s.applyRates(e)
	for _, o := range e.Open {
		s.open[o.ID] = o
	}
	for _, closed := range e.Closed {
		delete(s.open, closed)
	}
	if v := s.applyDurable(e, s.open); v != nil {
		return v
	}
	if e.LowWater != 0 {
		if e.LowWater < s.lowWater {
			return broken(recoverable, "low water falls from %d to %d", s.lowWater, e.LowWater)
		}
		s.lowWater = e.LowWater
	}
	return nil
}

func (s *store) applyTasks(e *core.Effects) *Violation {
	for _, t := range e.Tasks {
		p := oneResult
		if t.Run != 0 {
			p = nodesInOrder
		}
		if _, twice := s.tasks[t.ID]; twice {
			return broken(p, "task %d is inserted twice", t.ID)
		}
		if r, ended := s.results[t.ID]; ended {
			return broken(p, "task %d is inserted after it ended as %v", t.ID, r.Status)
		}
		t.Input, t.Metadata = nil, nil
		s.tasks[t.ID] = t
	}
	return nil
}

func (s *store) applyResults(e *core.Effects) *Violation {
	for _, r := range e.Results {
		_, known := s.tasks[r.Task]
		_, ofRun := s.runs[r.Run] // a node may end without a task
		if !known && (!ofRun || r.Attempt != 0) {
			return broken(nothingLost, "result of task %d, which was never stored", r.Task)
		}
		if first, twice := s.results[r.Task]; twice {
			return broken(oneResult, "task %d ended as %v, and again as %v", r.Task, first.Status, r.Status)
		}
		s.results[r.Task] = r
	}
	for _, a := range e.Attempts {
		key := attemptKey{a.Task, a.Number}
		if first, twice := s.attempts[key]; twice {
			return broken(retriesRight, "attempt %d of task %d ended as %v, and again as %v",
				a.Number, a.Task, first.Outcome, a.Outcome)
		}
		s.attempts[key] = a
	}
	return nil
}

func (s *store) applyRuns(e *core.Effects) *Violation {
	for _, r := range e.Runs {
		if _, twice := s.runs[r.ID]; twice {
			return broken(runsEnd, "run %d is inserted twice", r.ID)
		}
		r.Input, r.Metadata = nil, nil
		s.runs[r.ID] = r
	}
	for _, r := range e.RunResults {
		if _, known := s.runs[r.Run]; !known {
			return broken(nothingLost, "result of run %d, which was never stored", r.Run)
		}
		if first, twice := s.runResults[r.Run]; twice {
			return broken(runsEnd, "run %d ended as %v, and again as %v", r.Run, first.Status, r.Status)
		}
		s.runResults[r.Run] = r
	}
	for _, o := range e.OpenRuns {
		s.openRuns[o.ID] = o
	}
	for _, closed := range e.ClosedRuns {
		delete(s.openRuns, closed)
	}
	return nil
}

// clone is what the next owner finds.
func (s *store) clone() *store {
	c := newStore()
	maps.Copy(c.tasks, s.tasks)
	maps.Copy(c.results, s.results)
	maps.Copy(c.attempts, s.attempts)
	maps.Copy(c.moments, s.moments)
	maps.Copy(c.open, s.open)
	maps.Copy(c.runs, s.runs)
	maps.Copy(c.runResults, s.runResults)
	maps.Copy(c.openRuns, s.openRuns)
	maps.Copy(c.lines, s.lines)
	maps.Copy(c.chunks, s.chunks)
	c.events, c.schedules = s.events.clone(), s.schedules.clone()
	maps.Copy(c.once, s.once)
	maps.Copy(c.settings, s.settings)
	maps.Copy(c.rates, s.rates)
	c.lowWater = s.lowWater
	c.durableRows = s.durableRows.clone()
	return c
}

// load answers l as record does.
func (s *store) load(l core.Load) *core.Loaded {
	loaded := s.loadRows(l)
	for _, run := range s.runsOf(loaded) {
		if _, ended := s.runResults[run]; s.openRuns[run].ID == run && !ended {
			loaded.Runs = s.appendOpenRun(loaded.Runs, run)
		}
	}
	return loaded
}

// runsOf are the runs that something loaded is of, or that are loaded themselves,
// ascending.
func (s *store) runsOf(loaded *core.Loaded) []id.ID {
	var runs []id.ID
	for _, o := range loaded.Rows {
		runs = append(runs, o.Run)
	}
	if loaded.Load.Kind == core.LoadTasks || loaded.Load.Kind == core.LoadWhy {
		runs = append(runs, loaded.Load.Tasks...)
	}
	if loaded.Load.Kind == core.LoadChildren {
		for _, c := range loaded.Children {
			runs = append(runs, c.Run)
		}
	}
	slices.Sort(runs)
	return slices.Compact(slices.DeleteFunc(runs, func(run id.ID) bool { return run == 0 }))
}

func (s *store) loadRows(l core.Load) *core.Loaded {
	loaded := &core.Loaded{Load: l}
	switch l.Kind {
	case core.LoadTasks, core.LoadWhy, core.LoadWake:
		loaded.Rows = s.stored(l.Tasks)
		loaded.Waits = s.waitsOf(loaded.Rows)
		for _, row := range loaded.Rows {
			loaded.Ahead = append(loaded.Ahead, s.ahead(row))
		}
		return loaded
	case core.LoadPast, core.LoadEnded, core.LoadChildren, core.LoadKeys:
		s.loadFamily(loaded)
		return loaded
	case core.LoadOnce, core.LoadOnceDue, core.LoadOnceEnded:
		s.loadOnce(loaded)
		return loaded
	}
	var rows []core.OpenTask
	for _, o := range s.open {
		if matches(l, o) && l.After.Before(orderIn(l, o)) {
			rows = append(rows, o)
		}
	}
	slices.SortFunc(rows, func(a, b core.OpenTask) int { return compareOrder(orderIn(l, a), orderIn(l, b)) })
	for _, o := range rows {
		if l.Kind == core.LoadDue && o.Due > l.Until {
			loaded.NextDue = o.Due
			break
		}
		if len(loaded.Rows) == l.Limit {
			break
		}
		loaded.Rows = append(loaded.Rows, o)
	}
	loaded.Waits = s.waitsOf(loaded.Rows)
	return loaded
}

// ahead counts the rows of its lane that go before a row.
func (s *store) ahead(row core.OpenTask) (n core.Ahead) {
	line := core.Load{Kind: core.LoadLane, Tenant: row.Tenant, Queue: row.Queue, Key: row.Key}
	for _, o := range s.open {
		if !matches(line, row) || !matches(line, o) {
			continue
		}
		if orderIn(line, o).Before(orderIn(line, row)) {
			n.ByRank++
		}
		if o.ID < row.ID {
			n.ByID++
		}
	}
	return n
}

func matches(l core.Load, o core.OpenTask) bool {
	if l.Kind == core.LoadDue {
		return o.State != core.OpenRunning && o.Due > 0
	}
	return o.State == core.OpenReady && laneOf(o.Tenant, o.Queue, o.Key) == laneOf(l.Tenant, l.Queue, l.Key)
}

func orderIn(l core.Load, o core.OpenTask) core.Order {
	if l.Kind == core.LoadDue {
		return core.Order{Rank: int64(o.Due), ID: o.ID}
	}
	if l.ByID {
		return core.Order{ID: o.ID}
	}
	return core.Order{Rank: o.Rank, ID: o.ID}
}

func compareOrder(a, b core.Order) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.ID, b.ID))
}

// stored reads the checkpoint rows of tasks; one without a row is left out.
func (s *store) stored(tasks []id.ID) []core.OpenTask {
	var rows []core.OpenTask
	for _, t := range tasks {
		if o, ok := s.open[t]; ok {
			rows = append(rows, o)
		}
	}
	return rows
}

// restore reads what a new owner starts from.
func (s *store) restore(epoch int64) *core.Restore {
	r := &core.Restore{Epoch: epoch, LowWater: s.lowWater, Schedules: s.schedules.restore()}
	depth := map[lane]int64{}
	for _, o := range s.open {
		switch o.State {
		case core.OpenRunning:
			r.Running = append(r.Running, o)
			continue
		case core.OpenReady:
			depth[laneOf(o.Tenant, o.Queue, o.Key)]++
		case core.OpenDelayed, core.OpenWaiting:
			r.Delayed++
		}
		if o.Due > 0 && (r.NextDue == 0 || o.Due < r.NextDue) {
			r.NextDue = o.Due
		}
	}
	for l, n := range depth {
		r.Lanes = append(r.Lanes, core.LaneDepth{Tenant: l.tenant, Queue: l.queue, Key: l.key, Depth: n})
	}
	for _, t := range s.tasks {
		_, ended := s.results[t.ID]
		_, checkpointed := s.open[t.ID]
		if t.ID >= s.lowWater && !ended && !checkpointed {
			r.Fresh = append(r.Fresh, t)
		}
	}
	for run := range s.runs {
		if _, ended := s.runResults[run]; !ended {
			r.Runs = s.appendOpenRun(r.Runs, run)
		}
	}
	s.restoreDurable(r)
	// Maps have no order; a history must replay exactly.
	slices.SortFunc(r.Runs, func(a, b core.OpenRun) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Running, func(a, b core.OpenTask) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Fresh, func(a, b core.NewTask) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Lanes, func(a, b core.LaneDepth) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Key, b.Key))
	})
	return r
}

// appendOpenRun reads an open run as a new owner does: from its checkpoint row, or
// above the low-water mark; how its nodes ended is in the range of ids after it.
func (s *store) appendOpenRun(runs []core.OpenRun, run id.ID) []core.OpenRun {
	row, saved := s.openRuns[run]
	if !saved {
		if _, waits := s.open[run]; waits || run < s.lowWater {
			return runs
		}
		t := s.runs[run]
		row = core.OpenRun{ID: t.ID, Tenant: t.Tenant, Version: t.Version, RunAt: t.RunAt, Priority: t.Priority, Key: t.Key}
	}
	row.Flow = s.runs[run].Flow
	row.Scopes = s.runs[run].Scopes
	row.Saved = saved
	for node := int32(0); node < nodesMax; node++ {
		if result, ok := s.results[run+1+id.ID(node)]; ok && result.Run == run {
			row.Ended = append(row.Ended, core.EndedNode{Node: node, Status: result.Status, Worker: result.Worker, Verdicts: result.Verdicts})
		}
	}
	return append(runs, row)
}

// lane is a line of tasks that go strictly one after the other.
type lane struct {
	tenant id.ID
	queue  string
	key    string
}

func laneOf(tenant id.ID, queue, key string) lane { return lane{tenant, queue, key} }
