package sim

import "github.com/adzehq/adze/internal/core"

// conditionSabotages are ways to break the promises of nodes that wait.
var conditionSabotages = map[string]attack{
	"a run forgets its scopes":             {nothingLost, forgetScopes},
	"a node waits for nothing":             {waitsRight, dropWaitOfNode},
	"a node waits for longer":              {waitsRight, delayWaitOfNode},
	"a node waits for events of others":    {waitsRight, moveScope},
	"a node waits for what is met":         {waitsRight, addToWait},
	"a node that waits is not skipped":     {pausesEnd, dropPauseEnd},
	"a node that waits is not cancelled":   {pausesEnd, changePauseEnd(core.Cancelled, core.Skipped)},
	"a node that waits is cancelled":       {pausesEnd, changePauseEnd(core.Skipped, core.Cancelled)},
	"a node that waits ends for no reason": {rightCause, inventPauseEnd},
	"a node that may go is cancelled":      {nodesInOrder, cancelInstead},
}

func forgetScopes(_ *history, st *step) bool {
	return changeWhere(st.out.Runs, func(r core.NewTask) bool { return len(r.Scopes) > 0 }, func(r *core.NewTask) { r.Scopes = nil })
}

func ofNode(w core.Wait) bool { return w.Index == 0 }

func dropWaitOfNode(_ *history, st *step) bool { return dropWhere(&st.out.Waits, ofNode) }

// changeCondition changes the first condition that fits of a wait of a node.
func changeCondition(st *step, fits func(core.Condition) bool, change func(*core.Condition)) bool {
	for i := range st.out.Waits {
		if w := &st.out.Waits[i]; ofNode(*w) && changeWhere(w.Conditions, fits, change) {
			return true
		}
	}
	return false
}

func delayWaitOfNode(_ *history, st *step) bool {
	return changeCondition(st, func(c core.Condition) bool { return c.Kind == core.OnSleep }, func(c *core.Condition) { c.Due++ })
}

func moveScope(_ *history, st *step) bool {
	return changeCondition(st, func(c core.Condition) bool { return c.Scoped }, func(c *core.Condition) { c.Scope += "z" })
}

func addToWait(_ *history, st *step) bool {
	return changeWhere(st.out.Waits, ofNode, func(w *core.Wait) { w.Conditions = append(w.Conditions, core.Condition{Kind: core.OnParent}) })
}

// pauses tells whether a result is of a task that waits to begin, and of no cancel.
func (h *history) pauses(r core.Result) bool {
	run := h.model.runs[r.Run]
	return h.model.awaited[core.WaitKey{Task: r.Task}] != nil && run != nil && !run.cancelled
}

// withoutCancel tells whether nobody asks to cancel in a step.
func withoutCancel(st *step) bool {
	switch in := st.in.(type) {
	case *core.Push, *core.Tick:
		return true
	case *core.Loaded:
		return in.Load.Kind == core.LoadDue
	}
	return false
}

func dropPauseEnd(h *history, st *step) bool {
	return withoutCancel(st) && dropWhere(&st.out.Results, func(r core.Result) bool { return h.pauses(r) && r.Status == core.Skipped })
}

func changePauseEnd(from, to core.Status) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		return withoutCancel(st) && changeWhere(st.out.Results, func(r core.Result) bool {
			return h.pauses(r) && r.Status == from
		}, func(r *core.Result) {
			r.Status, r.Error = to, map[core.Status]string{core.Cancelled: "it says so"}[to]
		})
	}
}

func inventPauseEnd(h *history, st *step) bool {
	for _, a := range h.model.sortedAwaited() {
		t := h.model.tasks[a.Task]
		if _, tick := st.in.(*core.Tick); !tick || a.Index > 0 || t == nil || h.shard.Live(a.Task).State != core.OpenWaiting {
			continue
		}
		st.out.Results = append(st.out.Results, core.Result{
			Task: a.Task, Tenant: a.Tenant, Version: t.row.Version, Run: a.Run, Node: t.row.Node,
			Status: core.Failed, Finished: st.now, Error: "for no reason", Attempt: 1,
		})
		return true
	}
	return false
}

// cancelInstead ends a node that begins, as if its conditions could never be met.
func cancelInstead(h *history, st *step) bool {
	for _, t := range st.out.Tasks {
		if t.Run == 0 || len(h.places[t.ID].graph.Nodes[t.Node].Conditions) == 0 {
			continue
		}
		st.out.Results = append(st.out.Results, core.Result{
			Task: t.ID, Tenant: t.Tenant, Version: t.Version, Run: t.Run, Node: t.Node,
			Status: core.Cancelled, Finished: st.now, Error: "never",
		})
		return dropWhere(&st.out.Tasks, func(other core.NewTask) bool { return other.ID == t.ID })
	}
	return false
}
