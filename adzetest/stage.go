package adzetest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/embed"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// stage is an engine for one attempt: it assigns that, and knows how its children ended.
// Whatever else it is asked it has not got.
type stage struct {
	shard.Client
	assigned shard.Assignment
	children map[id.ID]shard.Outcome
	ended    chan struct{} // closed with the attempt's end
	end      sync.Once     // closes it
}

func newStage(assigned shard.Assignment, children []adze.ChildResult) *stage {
	s := &stage{assigned: assigned, children: map[id.ID]shard.Outcome{}, ended: make(chan struct{})}
	for _, c := range children {
		one := id.ID(c.ID)
		s.children[one] = shard.Outcome{
			ID: one, Status: ends[c.Status], Attempt: int32(c.Attempt), Error: c.Error, Output: c.Output,
		}
	}
	return s
}

var ends = map[adze.Status]core.Status{
	adze.Succeeded: core.Succeeded, adze.Failed: core.Failed, adze.Cancelled: core.Cancelled,
}

// Define implements shard.Client.
func (s *stage) Define(_ context.Context, _ id.ID, definitions []shard.Definition) ([]shard.Defined, error) {
	return make([]shard.Defined, len(definitions)), nil
}

// Await implements shard.Client.
func (s *stage) Await(_ context.Context, _ id.ID, ids []id.ID, deliver func(shard.Outcome)) error {
	for _, one := range ids {
		outcome, known := s.children[one]
		if !known {
			outcome = shard.Outcome{ID: one}
		}
		deliver(outcome)
	}
	return nil
}

// Attach implements shard.Client.
func (s *stage) Attach(_ context.Context, _ id.ID, hello shard.Hello) (shard.Session, error) {
	if !slices.Contains(hello.Actions, s.assigned.Action) {
		return nil, fault.New(fault.NotFound, "task", "the code has no task %s", s.assigned.Action)
	}
	down := make(chan shard.Down, 2)
	down <- shard.Down{Assignments: []shard.Assignment{s.assigned}}
	return &stageSession{stage: s, down: down}, nil
}

// stageSession is the session of the worker on a stage. It settles the end of the attempt.
type stageSession struct {
	stage *stage
	down  chan shard.Down
}

// Worker implements shard.Session.
func (s *stageSession) Worker() id.ID { return 1 }

// Recv implements shard.Session.
func (s *stageSession) Recv(ctx context.Context) (shard.Down, error) {
	select {
	case down := <-s.down:
		return down, nil
	case <-ctx.Done():
		return shard.Down{}, ctx.Err()
	}
}

// Report implements shard.Session.
func (s *stageSession) Report(_ context.Context, items []core.ReportItem, _ ...shard.EntrySpawn) error {
	for i := range items {
		item := &items[i]
		if item.Kind == core.ReportStarted || item.Kind == core.ReportEntry {
			continue
		}
		s.down <- shard.Down{Settled: []core.Settlement{{Task: item.Task, Token: item.Token}}}
		s.stage.end.Do(func() { close(s.stage.ended) })
	}
	return nil
}

// Emit implements shard.Session: what is written goes nowhere.
func (s *stageSession) Emit(context.Context, []core.LogLine, []core.Chunk) error { return nil }

// Relabel implements shard.Session.
func (s *stageSession) Relabel(context.Context, map[string]string) error { return nil }

// Resize implements shard.Session.
func (s *stageSession) Resize(context.Context, int32) error { return nil }

// Close implements shard.Session.
func (s *stageSession) Close(core.LeaveReason) {}

// stageReader knows of each workflow that somebody registered it.
type stageReader struct{ embed.Reader }

// GetWorkflow implements embed.Reader.
func (stageReader) GetWorkflow(_ context.Context, _ id.ID, request *wire.GetWorkflowRequest) (*wire.GetWorkflowResponse, error) {
	return &wire.GetWorkflowResponse{Workflow: &wire.Workflow{Name: request.Name}}, nil
}

// assignment gives the attempt that goes on from the end of a history.
func assignment(h *adze.History) (shard.Assignment, error) {
	task := id.ID(h.Run)
	a := shard.Assignment{
		Assignment: core.Assignment{Task: task, Token: 1, Attempt: 1},
		Workflow:   h.Task, Name: h.Task, Action: h.Task, Input: h.Input, Metadata: h.Metadata,
	}
	if h.Node != nil {
		a.Run, a.Task, a.Name, a.Action = task, id.ID(h.Node.ID), h.Node.Name, h.Task+":"+h.Node.Name
		for parent, output := range h.Node.Outputs {
			a.Parents = append(a.Parents, shard.ParentOutput{Task: parent, Output: output})
		}
	}
	for i := range h.Log {
		if err := enter(&a, &h.Log[i]); err != nil {
			return a, fault.At(fmt.Sprintf("log[%d]", i), err)
		}
	}
	return a, nil
}

// enter adds an entry to the log of an assignment, with what of it is met.
func enter(a *shard.Assignment, e *adze.EntryInfo) error {
	kind := core.ParseEntryKind(e.Kind)
	if kind == 0 || e.Index != len(a.Log)+1 {
		return fault.New(fault.Invalid, "", "is entry %d of kind %q; record the history anew", e.Index, e.Kind)
	}
	a.Log = append(a.Log, core.Entry{
		Task: a.Task, Index: int32(e.Index), Kind: kind, Name: e.Name, At: core.Time(e.At.UnixMilli()),
		Data: core.Payload(e.Data), Error: e.Error, Conditions: make([]core.Condition, e.Conditions),
	})
	for order, m := range e.Mets {
		if m.Condition < 0 || m.Condition >= e.Conditions {
			return fault.New(fault.Invalid, fmt.Sprintf("mets[%d].condition", order), "is %d of %d; record the history anew", m.Condition, e.Conditions)
		}
		a.Mets = append(a.Mets, core.Met{
			Task: a.Task, Index: int32(e.Index), Condition: int32(m.Condition), Order: int64(order),
			At: core.Time(m.At.UnixMilli()), Event: id.ID(m.Event), Data: core.Payload(m.Data),
		})
	}
	return nil
}
