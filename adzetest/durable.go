package adzetest

import (
	"cmp"
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// durableRows are the tables of durable tasks, what they wait for and what they spawn.
type durableRows struct {
	entries  map[id.ID][]core.Entry // by task, by index
	mets     map[id.ID][]core.Met   // by task, by order
	replies  map[id.ID]core.Reply
	values   map[valueName]core.Value
	waits    map[core.WaitKey]core.Wait
	children map[id.ID][]core.Child // by parent
}

type valueName struct {
	task id.ID
	name string
}

func newDurableRows() durableRows {
	return durableRows{
		entries: map[id.ID][]core.Entry{}, mets: map[id.ID][]core.Met{},
		replies: map[id.ID]core.Reply{}, values: map[valueName]core.Value{},
		waits: map[core.WaitKey]core.Wait{}, children: map[id.ID][]core.Child{},
	}
}

func (r *durableRows) write(e *core.Effects) {
	for _, entry := range e.Entries {
		r.entries[entry.Task] = append(r.entries[entry.Task], entry)
	}
	for _, met := range e.Mets {
		r.mets[met.Task] = append(r.mets[met.Task], met)
	}
	for _, reply := range e.Replies {
		if _, answered := r.replies[reply.Event]; !answered {
			r.replies[reply.Event] = reply
		}
	}
	for _, value := range e.Values {
		r.values[valueName{value.Task, value.Name}] = value
	}
	for _, wait := range e.Waits {
		r.waits[core.WaitKey{Task: wait.Task, Index: wait.Index}] = wait
	}
	for _, closed := range e.ClosedWaits {
		delete(r.waits, closed)
	}
	for _, child := range e.Children {
		r.children[child.Parent] = append(r.children[child.Parent], child)
	}
}

// Logs implements shard.Store.
func (m *memory) Logs(_ context.Context, tasks []id.ID) (entries []core.Entry, mets []core.Met, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, task := range tasks {
		entries, mets = append(entries, m.durable.entries[task]...), append(mets, m.durable.mets[task]...)
	}
	return entries, mets, nil
}

// Value implements shard.Store.
func (m *memory) Value(_ context.Context, task id.ID, name string) (core.Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.durable.values[valueName{task, name}], nil
}

// Replies implements shard.Store.
func (m *memory) Replies(_ context.Context, _ id.ID, events []id.ID) ([]core.Reply, error) {
	return pick(m, m.durable.replies, events), nil
}

// Requests implements shard.Store.
func (m *memory) Requests(_ context.Context, ids []id.ID) ([]core.NewTask, error) {
	var requests []core.NewTask
	for _, event := range pick(m, m.events.of, ids) {
		if event.Target != 0 {
			requests = append(requests, core.NewTask{ID: event.ID, Tenant: event.Tenant})
		}
	}
	return requests, nil
}

// deeds tells what a task did: its log and its children.
func (m *memory) deeds(response *wire.GetRunResponse, task id.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	response.Log = outline.LogToWire(m.durable.entries[task])
	response.Mets = outline.MetsToWire(m.durable.mets[task])
	response.Moments = outline.MomentsToWire(m.moments[task])
	for _, child := range m.durable.children[task] {
		response.Children = append(response.Children, &wire.Child{
			RunId: uint64(child.Run), Key: child.Key, ParentId: uint64(task),
		})
	}
}

// loadDurable answers the loads that are about durable tasks and children.
func (m *memory) loadDurable(load *core.Load, loaded *core.Loaded) {
	switch load.Kind {
	case core.LoadPast:
		for i := range load.Past {
			loaded.Past = append(loaded.Past, m.past(&load.Past[i]))
		}
	case core.LoadEnded:
		loaded.Ended = slices.DeleteFunc(slices.Clone(load.Tasks), func(run id.ID) bool { return !m.hasEnded(run) })
	case core.LoadKeys, core.LoadChildren:
		for _, child := range m.durable.children[load.Tasks[0]] {
			if load.Kind == core.LoadChildren && m.hasEnded(child.Run) {
				continue
			}
			loaded.Children = append(loaded.Children, core.ChildRun{Run: child.Run, Cancel: child.Cancel, Key: child.Key})
			if row, open := m.open[child.Run]; open && load.Kind == core.LoadChildren {
				loaded.Rows = append(loaded.Rows, row)
			}
		}
	}
	loaded.Waits = m.waitsOf(loaded.Rows)
}

func (m *memory) hasEnded(run id.ID) bool {
	_, task := m.results[run]
	_, graph := m.ended[run]
	return task || graph
}

// waitsOf are the waits of rows, by task and index, with what of them is met.
func (m *memory) waitsOf(rows []core.OpenTask) []core.Wait {
	var waits []core.Wait
	for key, wait := range m.durable.waits {
		if !slices.ContainsFunc(rows, func(row core.OpenTask) bool { return row.ID == key.Task }) {
			continue
		}
		for _, met := range m.durable.mets[key.Task] {
			if met.Index == key.Index {
				wait.Met = append(slices.Clip(wait.Met), met.Condition)
			}
		}
		waits = append(waits, wait)
	}
	slices.SortFunc(waits, func(a, b core.Wait) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Index, b.Index))
	})
	return waits
}

// past is the first event that a look-back asks for.
func (m *memory) past(asked *core.Lookback) core.Past {
	c := &asked.Condition
	for _, number := range m.events.order {
		e := m.events.of[number]
		if e.ID > c.After && e.Tenant == asked.Tenant && e.Target == asked.Target && e.Key == c.Key &&
			(!c.Scoped || e.Scope == c.Scope) && meetsFilter(c.Filter, &e) {
			return core.Past{Event: e.ID, Payload: e.Payload}
		}
	}
	return core.Past{}
}

// meetsFilter tells whether a filter holds for an event; one that cannot be evaluated
// does not.
func meetsFilter(filter string, e *core.NewEvent) bool {
	if filter == "" {
		return true
	}
	program, err := expr.Event.Compile(filter)
	if err != nil {
		return false
	}
	event, err := expr.Parse(e.Payload)
	if err != nil {
		return false
	}
	metadata := expr.Value{}
	if e.Metadata != nil {
		if metadata, err = expr.Parse(e.Metadata); err != nil {
			return false
		}
	}
	holds, err := program.Holds(event, metadata, expr.Text(e.Key), expr.Text(e.Scope), expr.Value{})
	return err == nil && holds
}

// begins is what a task of a graph waits for before it begins; nil if for nothing.
func (m *memory) begins(task id.ID) *core.Wait {
	m.mu.Lock()
	defer m.mu.Unlock()
	waits := m.waitsOf([]core.OpenTask{{ID: task}})
	if len(waits) == 0 || waits[0].Index > 0 {
		return nil
	}
	return &waits[0]
}
