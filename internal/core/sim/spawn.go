package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

var childKeys = []string{"a", "b", "c", "d"}

// orphansOneIn is how many spawns there are for one that the owner does not survive: the next
// one has to read which children there are.
const orphansOneIn = 24

// spawn has a running task ask for children, some of whom it may have already.
func (h *history) spawn(a *agent) *Violation {
	if len(a.running) == 0 {
		return nil
	}
	r := pick(h, a.running)
	for _, other := range a.running { // who has children, it may be since before a crash, asks for more
		if h.model.hasChildren(other.Task) && h.rand.IntN(2) == 0 {
			r = other
		}
	}
	in := &core.Spawn{Tenant: h.bearer(a, r), Parent: r.Task, Token: r.Token}
	if h.rand.IntN(20) == 0 {
		in.Token--
	}
	for range 1 + h.rand.IntN(3) {
		in.Items = append(in.Items, core.SpawnItem{
			Key: pick(h, childKeys), Policy: pick(h, []core.ClosePolicy{core.CloseLeave, core.CloseCancel}),
		})
	}
	return h.ask(in)
}

// ask asks for children, with new ids for them.
func (h *history) ask(in *core.Spawn) *Violation {
	for i := range in.Items {
		item := &in.Items[i]
		submit := h.drawSubmit(1, in.Tenant)
		item.Task, item.Run, item.Once = nil, nil, nil
		if h.rand.IntN(5) == 0 {
			item.Once = h.drawOnce(in.Tenant)
		}
		if len(submit.Tasks) > 0 {
			item.Task = &submit.Tasks[0]
			item.Task.Parent = in.Parent
			h.doomOneIn(doomedChildOneIn, item.Task)
			continue
		}
		item.Run = &submit.Runs[0]
		item.Run.Task.Parent = in.Parent
		h.doomOneIn(doomedChildOneIn, &item.Run.Task)
	}
	h.lastRef++
	in.Ref = h.lastRef
	h.asked[in.Ref] = len(in.Items)
	h.spawns[in.Ref] = in
	return h.apply(in)
}

// askAgain notes that a spawn is to be asked for again.
func (h *history) askAgain(a core.Answer) {
	if in := h.spawns[a.Ref]; in != nil {
		delete(h.spawns, a.Ref)
		h.toAsk = append(h.toAsk, &core.Spawn{Tenant: in.Tenant, Parent: in.Parent, Token: in.Token, Items: slices.Clone(in.Items)})
	}
}

// respawn asks again for what could not be answered.
func (h *history) respawn() *Violation {
	if len(h.toAsk) == 0 {
		return nil
	}
	in := h.toAsk[0]
	h.toAsk = h.toAsk[1:]
	return h.ask(in)
}

// drawSubmit draws n tasks and runs of a tenant.
func (h *history) drawSubmit(n int, tenant id.ID) *core.Submit {
	in := &core.Submit{}
	for range n {
		if g := h.graphOf(tenant); g != nil && h.rand.IntN(4) == 0 {
			in.Runs = append(in.Runs, h.newRunOf(g))
			continue
		}
		in.Tasks = append(in.Tasks, h.newTask(h.definitionOf(tenant)))
	}
	return in
}

// fork submits a durable task anew with the beginning of its log.
func (h *history) fork() *Violation {
	var forkable []id.ID
	for _, target := range h.own {
		if len(h.committed.logs[target]) > 0 {
			forkable = append(forkable, target)
		}
	}
	if len(forkable) == 0 {
		return nil
	}
	old := pick(h, forkable)
	log := h.committed.logs[old]
	kept := h.rand.IntN(len(log) + 1) // the last may be a wait that is not over
	row := h.newTask(h.model.definitions[h.committed.tasks[old].Version])
	row.ReplayOf = old
	if row.ID%forkDoomedOneIn == 0 {
		row.Flow = &core.Flow{Share: row.Key, Failed: doomedText}
	}
	in := &core.Fork{Task: row, Entries: slices.Clone(log[:kept])}
	for _, m := range h.committed.mets[old] {
		if int(m.Index) <= kept {
			m.Worker, m.Token = 0, 0
			in.Mets = append(in.Mets, m)
		}
	}
	h.origins[row.ID] = old
	if origin, ok := h.origins[old]; ok {
		h.origins[row.ID] = origin
	}
	return h.apply(in)
}
