package core

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// routed is a history of tasks that differ in what they need, and of workers that differ
// in what they have, with a model of what each worker holds.
type routed struct {
	*rig
	rand    *rand.Rand
	defs    []Definition
	workers map[id.ID]*machine
	running map[id.ID]Assignment
	waiting map[id.ID]Definition
	paused  map[string]bool // workflows
	wide    bool            // there are tasks of several slots
}

// machine is a worker of the model.
type machine struct {
	labels map[string]string
	slots  map[string]int32
	used   map[string]int32
	paused bool
}

func usesOf(d *Definition) []SlotUse {
	if len(d.Slots) == 0 {
		return []SlotUse{{Units: 1}}
	}
	return d.Slots
}

// fits tells whether m has room for d, or would if it ran nothing.
func (m *machine) fits(d *Definition, empty bool) bool {
	for _, use := range usesOf(d) {
		used := m.used[use.Type]
		if empty {
			used = 0
		}
		if used+use.Units > m.slots[use.Type] {
			return false
		}
	}
	return !m.paused
}

// score is that of m for d; false if it lacks a label that is required.
func (m *machine) score(d *Definition) (score int32, may bool) {
	for _, l := range d.Labels {
		if m.labels[l.Key] == l.Value {
			score += l.Weight
		} else if l.Required {
			return 0, false
		}
	}
	return score, true
}

const routedWorkers = 4

func newRouted(t *testing.T, seed uint64, wide bool) *routed {
	h := &routed{
		rig: newRig(t, Definition{}), rand: rand.New(rand.NewPCG(seed, 1)), workers: map[id.ID]*machine{},
		wide: wide, running: map[id.ID]Assignment{}, waiting: map[id.ID]Definition{}, paused: map[string]bool{},
	}
	h.Shard = NewSized(1, WindowMax)
	for i, d := range []Definition{
		{},
		{Slots: []SlotUse{{"", 3}}},
		{Slots: []SlotUse{{"", 1}, {"gpu", 1}}},
		{Slots: []SlotUse{{"gpu", 2}}},
		{Labels: []Label{{Key: "zone", Value: "a", Required: true, Weight: 1}}},
		{Labels: []Label{{Key: "zone", Value: "a", Weight: 2}, {Key: "disk", Value: "b", Weight: 1}}},
	} {
		if !wide {
			d.Slots = nil
		}
		d.Version, d.Tenant, d.Action = id.ID(20+i), tenant, "act"
		d.Queue, d.Workflow = []string{"", "q"}[i%2], string(rune('p'+i%3))
		h.defs = append(h.defs, d)
		h.apply(&Define{Definition: d})
	}
	h.apply(&Restore{Epoch: 1})
	for w := range id.ID(routedWorkers) {
		h.workers[w+1] = &machine{}
		h.rejoin(w + 1)
	}
	return h
}

// rejoin has a worker that runs nothing come anew, with other slots and labels.
func (h *routed) rejoin(w id.ID) {
	m := h.workers[w]
	letter := func() string { return string(rune('a' + h.rand.IntN(2))) }
	m.labels = map[string]string{"zone": letter(), "disk": letter()}
	m.slots = map[string]int32{"": 1 + h.rand.Int32N(5), "gpu": h.rand.Int32N(4)}
	m.used = map[string]int32{}
	h.see(h.apply(&Join{
		Worker: w, Tenant: tenant, Actions: []string{"act"}, Slots: m.slots[""], Labels: m.labels,
		Types: []SlotUse{{"gpu", m.slots["gpu"]}},
	}))
}

// see holds what the core gave out against the model.
func (h *routed) see(out *Effects) {
	for _, a := range out.Assigned {
		d, waits := h.waiting[a.Task]
		require.True(h.t, waits, "task %d was not waiting", a.Task)
		require.False(h.t, h.paused[d.Workflow], "task %d of a paused workflow began", a.Task)
		m := h.workers[a.Worker]
		score, may := m.score(&d)
		require.True(h.t, may && m.fits(&d, false), "worker %d cannot have task %d: %+v, %+v", a.Worker, a.Task, m, d.Slots)
		for w, other := range h.workers {
			better, may := other.score(&d)
			if !h.wide && may && other.fits(&d, false) { // where none is kept for others
				require.LessOrEqual(h.t, better, score, "worker %d was better for task %d than %d", w, a.Task, a.Worker)
			}
		}
		for _, use := range usesOf(&d) {
			m.used[use.Type] += use.Units
		}
		delete(h.waiting, a.Task)
		h.running[a.Task] = a
	}
	h.nothingIdles()
}

// nothingIdles demands that no worker has room for what waits and may begin, but for one
// that is kept for something else.
func (h *routed) nothingIdles() {
	for task, d := range h.waiting {
		for w, m := range h.workers {
			_, may := m.score(&d)
			kept := h.Shard.workers[w].reserved != nil
			require.False(h.t, may && !kept && m.fits(&d, false) && !h.paused[d.Workflow],
				"worker %d has room, and task %d waits", w, task)
		}
	}
}

// endOldest completes the oldest task that runs, if there is one.
func (h *routed) endOldest() {
	if len(h.running) == 0 {
		return
	}
	a := h.running[slices.Min(slices.Collect(maps.Keys(h.running)))]
	d := h.defs[a.Version-20]
	for _, use := range usesOf(&d) {
		h.workers[a.Worker].used[use.Type] -= use.Units
	}
	delete(h.running, a.Task)
	h.see(h.done(a))
}

func (h *routed) step() {
	w := id.ID(1 + h.rand.IntN(routedWorkers))
	m := h.workers[w]
	switch h.rand.IntN(10) {
	case 0:
		m.paused = !m.paused
		h.see(h.apply(&PauseWorkers{Ref: 1, Tenant: tenant, Workers: []id.ID{w}, Paused: m.paused}))
	case 1:
		name := string(rune('p' + h.rand.IntN(3)))
		h.paused[name] = !h.paused[name]
		h.see(h.pauses(SettingWorkflow, name, h.paused[name], 0))
	case 2:
		m.labels = map[string]string{"zone": string(rune('a' + h.rand.IntN(2)))}
		h.see(h.apply(&Relabel{Worker: w, Labels: m.labels}))
	case 3, 4, 5:
		h.endOldest()
	default:
		d := h.defs[h.rand.IntN(len(h.defs))]
		task := h.ids.Next(int64(h.now))
		h.waiting[task] = d
		h.see(h.apply(&Submit{Tasks: []NewTask{{ID: task, Tenant: tenant, Version: d.Version}}}))
	}
}

// finish has everything end: all go on, and one worker can run each.
func (h *routed) finish() {
	for name, paused := range h.paused {
		if paused {
			h.paused[name] = false
			h.see(h.pauses(SettingWorkflow, name, false, 0))
		}
	}
	for w, m := range h.workers {
		m.paused = false
		h.see(h.apply(&PauseWorkers{Ref: 1, Tenant: tenant, Workers: []id.ID{w}}))
	}
	const able = id.ID(99)
	h.workers[able] = &machine{labels: map[string]string{"zone": "a"}, slots: map[string]int32{"": 5, "gpu": 5}, used: map[string]int32{}}
	h.see(h.apply(&Join{
		Worker: able, Tenant: tenant, Actions: []string{"act"}, Slots: 5, Labels: h.workers[able].labels, Types: []SlotUse{{"gpu", 5}},
	}))
	for len(h.running) > 0 {
		h.endOldest()
	}
	require.Empty(h.t, h.waiting)
	require.Zero(h.t, h.Stats().Resident)
	require.Zero(h.t, h.Stats().SlotsUsed)
	for w := range h.workers {
		require.Nil(h.t, h.Shard.workers[w].reserved, "worker %d is kept for nothing", w)
	}
}

func TestTasksGoToWorkersThatHaveWhatTheyNeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		h := newRouted(t, seed, seed%2 == 0)
		for range 150 {
			h.step()
		}
		h.finish()
	}
}
