package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Explained is why a run is not done yet.
type Explained struct {
	Workflow string
	Ended    bool         // it is
	Reasons  []TaskReason // of its tasks that have not ended
}

// TaskReason is why a task is not done yet.
type TaskReason struct {
	core.Reason
	Task    string   // its name in the workflow
	Parents []string // it has not begun, and waits for these; then nothing else is told
	Begun   bool
}

// Why implements Client.
func (r *Runtime) Why(ctx context.Context, tenant, run id.ID) (Explained, error) {
	reasons, err := r.reasons(ctx, tenant, []id.ID{run})
	if err != nil {
		return Explained{}, err
	}
	if len(reasons) == 0 {
		return r.whyNot(ctx, tenant, run)
	}
	root := reasons[0]
	v := r.catalog.version(root.Version)
	told := Explained{Workflow: v.Workflow}
	if root.Cause != core.CauseTasks {
		told.Reasons = []TaskReason{{Reason: root, Task: v.taskName(&root), Begun: true}}
		return told, nil
	}
	if reasons, err = r.reasons(ctx, tenant, root.Open); err != nil {
		return Explained{}, err
	}
	for i := range reasons {
		told.Reasons = append(told.Reasons, TaskReason{Reason: reasons[i], Task: v.taskName(&reasons[i]), Begun: true})
	}
	for _, next := range root.Next {
		told.Reasons = append(told.Reasons, v.awaiting(next))
	}
	return told, nil
}

// whyNot is Why of a run that is not open.
func (r *Runtime) whyNot(ctx context.Context, tenant, run id.ID) (Explained, error) {
	ended, err := r.hasEnded(ctx, tenant, []id.ID{run})
	if err != nil {
		return Explained{}, err
	}
	if !ended[run] {
		return Explained{}, fault.New(fault.NotFound, "run_id", "no run %s", run)
	}
	return Explained{Ended: true}, nil
}

// reasons asks why tasks or runs are not done yet; those that are not open are left out.
func (r *Runtime) reasons(ctx context.Context, tenant id.ID, ids []id.ID) ([]core.Reason, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	answers, err := r.ask(ctx, len(ids), func(ref uint64) message {
		return message{input: &core.Ask{Ref: ref, Tenant: tenant, Tasks: ids}}
	})
	if err != nil {
		return nil, err
	}
	of := make(map[id.ID]*core.Reason, len(answers))
	for _, a := range answers {
		of[a.Task] = a.Reason
	}
	reasons := make([]core.Reason, 0, len(ids))
	for _, asked := range ids {
		if reason := of[asked]; reason != nil {
			reasons = append(reasons, *reason)
		}
	}
	return reasons, nil
}

// taskName is what the task of a reason is called; empty of a run that waits as a whole.
func (v *version) taskName(r *core.Reason) string {
	if v.graph != nil && r.Run != 0 {
		return v.graph.Nodes[r.Node].Name
	}
	return ""
}

func (v *version) awaiting(next core.Awaiting) TaskReason {
	reason := TaskReason{Task: v.graph.Nodes[next.Node].Name}
	for _, parent := range next.Parents {
		reason.Parents = append(reason.Parents, v.graph.Nodes[parent].Name)
	}
	return reason
}

// Overview is where queues, limits and rate limits stand.
type Overview struct {
	Queues []core.QueueStat
	Limits []core.LimitStat
	Rates  []core.RateStat
}

// Overview implements Client.
func (r *Runtime) Overview(ctx context.Context, tenant id.ID) (Overview, error) {
	var o Overview
	done := make(chan struct{})
	err := r.send(message{do: func(mind *core.Shard) {
		o = Overview{mind.Queues(tenant, r.now()), mind.Limits(tenant), mind.Rates(tenant, r.now())}
		close(done)
	}})
	if err != nil {
		return Overview{}, err
	}
	select {
	case <-done:
		return o, nil
	case <-ctx.Done():
		return Overview{}, ctx.Err()
	case <-r.failed:
		return Overview{}, r.unavailable()
	}
}
