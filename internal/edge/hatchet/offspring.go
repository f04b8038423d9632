package hatchet

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchet/ledger"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// textChildCancelled is what a durable task is told of a child that was cancelled.
const textChildCancelled = "task was cancelled" // Trap 39

// triggerRuns starts children, or finds them, and answers in their order.
func (v *invocation) triggerRuns(d *durableStream, m *wire.DurableTaskTriggerRunsRequest) {
	nodes, fresh, runs, err := v.children(m.GetTriggerOpts())
	if err != nil {
		v.refuse(err)
		return
	}
	if len(fresh) > 0 {
		started, err := d.server.start(v.life, v.attempt.Owner, v.attempt.external.String(), runs)
		if err == nil {
			err = v.born(fresh, started)
		}
		if err != nil {
			v.drop(fresh)
			v.refuse(asHere(err, runs))
			return
		}
	}
	ack := &wire.DurableTaskEventTriggerRunsAckResponse{
		DurableTaskExternalId: v.attempt.external.String(), InvocationCount: v.attempt.number(),
		RunEntries: make([]*wire.DurableTaskRunAckEntry, len(nodes)),
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, n := range nodes {
		ack.RunEntries[i] = &wire.DurableTaskRunAckEntry{NodeId: n.Node, BranchId: n.Branch, WorkflowRunExternalId: n.Child.String()}
	}
	v.tell(&wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_TriggerRunsAck{TriggerRunsAck: ack}})
	v.deliver(false)
}

// children are the nodes of what a request asks for, and of them those that are to be
// started, with how.
func (v *invocation) children(requests []*wire.TriggerWorkflowRequest) (nodes, fresh []*ledger.Node, runs []shard.NewRun, err error) {
	if err := admit.Count("trigger_opts", len(requests), admit.RunsMax); err != nil {
		return nil, nil, nil, err
	}
	wanted := make([]shard.NewRun, len(requests))
	for i, request := range requests {
		if wanted[i], err = newRun(request); err != nil {
			return nil, nil, nil, fault.At(fmt.Sprintf("trigger_opts[%d]", i), err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := map[*ledger.Node]bool{}
	for i, request := range requests {
		n, err := v.ledger.Run(&ledger.Child{
			Workflow: request.GetName(), Input: []byte(request.GetInput()), Key: wanted[i].Key, Indexed: request.ChildKey == nil,
		})
		if err != nil {
			for _, n := range fresh {
				v.ledger.Drop(n)
			}
			return nil, nil, nil, err
		}
		nodes = append(nodes, n)
		if n.Recorded() || seen[n] {
			continue
		}
		seen[n] = true
		wanted[i].Key = branchKey(wanted[i].Key, n.Place)
		fresh, runs = append(fresh, n), append(runs, wanted[i])
	}
	return nodes, fresh, runs, nil
}

// branchKey is the native key of a child: those of another branch than the first are
// others.
func branchKey(key string, at ledger.Place) string {
	switch {
	case key == "":
		return fmt.Sprintf("n:%d:%d", at.Branch, at.Node)
	case at.Branch == 1:
		return key
	}
	return fmt.Sprintf("b:%d:%s", at.Branch, key)
}

// born records that children are there, and waits for their ends.
func (v *invocation) born(nodes []*ledger.Node, started []Triggered) (refused error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	entries := make([]*core.NewEntry, 0, len(nodes))
	for i, n := range nodes {
		if started[i].Err != nil {
			refused = fmt.Errorf("%s: %w", CollisionText, started[i].Err)
			continue
		}
		if started[i].LeftOut { // in silence it would be waited for without end
			refused = fault.New(fault.Invalid, "trigger_opts", "have a child whose idempotency key cannot be worked out from its input")
			continue
		}
		entries = append(entries, v.ledger.Born(n, started[i].ID))
	}
	if len(entries) > 0 {
		v.record(entries...)
	}
	return refused
}

// drop forgets the nodes of children that were not started.
func (v *invocation) drop(nodes []*ledger.Node) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range nodes {
		if !n.Recorded() {
			v.ledger.Drop(n)
		}
	}
}

// childEnd is what a durable task is told of the end of a child. Trap 26: the output of a
// run of one task is told as it is, those of others by task. nil: it cannot be read.
func (s *Server) childEnd(ctx context.Context, tenant, child id.ID, o *shard.Outcome) *outcome {
	results, err := s.runs.Results(ctx, tenant, child, o)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Warn("end of a child could not be read, its parent will ask again", "run", child, "error", err)
		}
		return nil
	}
	end := &outcome{known: true}
	outputs := map[string]json.RawMessage{}
	for _, r := range results {
		switch {
		case r.Error == nil:
			outputs[r.TaskName] = json.RawMessage(r.GetOutput())
		case *r.Error != "" && end.failure == nil:
			end.failure = r.Error
		}
	}
	switch {
	case end.failure != nil:
	case o.Status == core.Cancelled || len(outputs) == 0:
		text := textChildCancelled
		end.failure = &text
	case results[0].TaskRunExternalId == child.String(): // Trap 14
		end.payload = outputs[results[0].TaskName]
	default:
		if end.payload, err = json.Marshal(outputs); err != nil {
			text := fmt.Sprintf("the outputs of the child are no JSON: %s", err)
			end.failure = &text
		}
	}
	return end
}
