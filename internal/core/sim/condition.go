package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// strongest are the actions of conditions, from the strongest to the weakest.
var strongest = []core.WaitAction{core.WaitSkip, core.WaitCancel, core.WaitGo}

// group is some conditions of one action, of which one suffices.
type group []int32

// groupsOf are the groups of an action; none if nothing is said of it.
func groupsOf(conditions []core.Condition, action core.WaitAction) map[int32]group {
	groups := map[int32]group{}
	for i, c := range conditions {
		if c.Action == action {
			groups[c.Group] = append(groups[c.Group], int32(i))
		}
	}
	return groups
}

// follows is the rule of actions: one condition of each group is met.
func follows(conditions []core.Condition, action core.WaitAction, met func(int32) bool) bool {
	groups := groupsOf(conditions, action)
	for _, g := range groups {
		if !slices.ContainsFunc(g, met) {
			return false
		}
	}
	return len(groups) > 0
}

// fateByConditions is the rules of a node's conditions when its parents have ended.
func (p *progress) fateByConditions(node int32) fate {
	conditions := p.graph.Nodes[node].Conditions
	now := func(place int32) bool { return p.holds(node, place) }
	ever := func(place int32) bool { return now(place) || conditions[place].Kind != core.OnParent }
	switch {
	case follows(conditions, core.WaitSkip, now):
		return isSkipped
	case follows(conditions, core.WaitCancel, now):
		return isCancelled
	case len(groupsOf(conditions, core.WaitGo)) == 0 || follows(conditions, core.WaitGo, now):
		return begins
	case follows(conditions, core.WaitGo, ever):
		return pauses
	}
	return isCancelled
}

// holds tells whether a condition of a node over one of its parents does.
func (p *progress) holds(node, place int32) bool {
	return p.said(p.graph.Nodes[node].Parents, func(v core.Verdict) bool { return v.Node == node && v.Holds&(1<<place) != 0 })
}

// left are the conditions of a node that are left to wait for when its parents have
// ended: of the actions that may still follow, the groups that are not met.
func (r *graphRun) left(node int32, now core.Time) []core.Condition {
	var left []core.Condition
	conditions := r.graph.Nodes[node].Conditions
	for i, c := range conditions {
		lost := func(g group) bool {
			return !slices.ContainsFunc(g, func(place int32) bool { return r.holds(node, place) || conditions[place].Kind != core.OnParent })
		}
		groups := groupsOf(conditions, c.Action)
		dead := false
		for _, g := range groups {
			dead = dead || lost(g)
		}
		decided := slices.ContainsFunc(groups[c.Group], func(place int32) bool { return r.holds(node, place) })
		if c.Kind == core.OnParent || dead || decided {
			continue
		}
		if c.Kind == core.OnSleep {
			c.Due = max(now, r.row.RunAt) + core.Time(c.ForMS)
		}
		if c.Scoped {
			c.Scope = r.scope(node, int32(i))
		}
		left = append(left, c)
	}
	return left
}

// scope is that of one of the scoped conditions, which a run has in their order.
func (r *graphRun) scope(node, place int32) string {
	scopes := r.row.Scopes
	for i, n := range r.graph.Nodes {
		for j, c := range n.Conditions {
			switch {
			case !c.Scoped:
			case int32(i) == node && int32(j) == place:
				return scopes[0]
			default:
				scopes = scopes[1:]
			}
		}
	}
	return ""
}

// pause has the task of a node wait before it begins.
func (m *model) pause(st *step, r *graphRun, t *task) *Violation {
	want := core.Wait{Task: t.row.ID, Tenant: t.row.Tenant, Run: r.row.ID, Conditions: r.left(t.row.Node, st.now)}
	if v := m.expectWait(st, want); v != nil {
		return v
	}
	t.state, t.due, t.readied = core.OpenWaiting, m.nextSleep(t), false
	return m.takeMets(st)
}

// action is what follows from what is met by now, the strongest of it.
func (a *awaited) action() (core.WaitAction, bool) {
	for _, action := range strongest {
		if follows(a.Conditions, action, func(i int32) bool { return a.met[i] }) {
			return action, true
		}
	}
	return 0, false
}

// endPause expects the result of a task that ends while it waits to begin.
func (m *model) endPause(st *step, t *task, action core.WaitAction) *Violation {
	want := core.Cancelled
	if action == core.WaitSkip {
		want = core.Skipped
	}
	r := st.takeResult(t.row.ID)
	if r == nil || r.Status != want {
		return broken(pausesEnd, "task %d has the result %s, and must be %v by now", t.row.ID, show(r), want)
	}
	return m.endTask(st, t, r, nil)
}

// drawNodeConditions draws what a node waits for, or is skipped or cancelled by.
func (h *history) drawNodeConditions(parents []int32) []core.Condition {
	var conditions []core.Condition
	for range 1 + h.rand.IntN(4) {
		c := core.Condition{
			Action: pick(h, []core.WaitAction{core.WaitGo, core.WaitGo, core.WaitGo, core.WaitCancel, core.WaitSkip}),
			Group:  int32(h.rand.IntN(2)),
		}
		switch kind := h.rand.IntN(4); {
		case kind == 0 && len(parents) > 0:
			c.Kind, c.Parent = core.OnParent, pick(h, parents)
		case kind <= 1:
			c.Kind, c.ForMS = core.OnSleep, 1+int64(h.rand.IntN(pick(h, []int{10, 5_000, 60_000})))
		default:
			c.Kind, c.Key, c.Filter, c.Scoped = core.OnEvent, pick(h, eventKeys), pick(h, filters), h.rand.IntN(3) == 0
		}
		conditions = append(conditions, c)
	}
	return conditions
}

// drawScopes draws the scopes of a run of a graph.
func (h *history) drawScopes(g *core.Graph) []string {
	var drawn []string
	for _, n := range g.Nodes {
		for _, c := range n.Conditions {
			if c.Scoped {
				drawn = append(drawn, pick(h, scopes))
			}
		}
	}
	return drawn
}

// drawHolds draws which conditions of a node over one of its parents hold.
func (h *history) drawHolds(n *core.Node, parent int32) (holds uint32) {
	for place, c := range n.Conditions {
		if c.Kind == core.OnParent && c.Parent == parent && h.rand.IntN(3) > 0 {
			holds |= 1 << place
		}
	}
	return holds
}
