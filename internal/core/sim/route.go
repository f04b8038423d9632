package sim

import (
	"encoding/json"
	"slices"

	"github.com/adzehq/adze/internal/core"
)

const (
	// slotType is a type of slots that some tasks take up one of; the others one of the
	// default type.
	slotType = "grill"
	// labelKey is a label that some tasks want.
	labelKey = "zone"
)

var zones = []string{"a", "b"}

// drawNeed draws what the worker of a task must have.
func (h *history) drawNeed(d *core.Definition) {
	if h.rand.IntN(8) < h.typeShare {
		d.Slots = []core.SlotUse{{Type: slotType, Units: 1}}
	}
	if h.rand.IntN(8) < h.labelShare {
		d.Labels = []core.Label{{Key: labelKey, Value: pick(h, zones), Weight: int32(1 + h.rand.IntN(2)), Required: h.rand.IntN(2) == 0}}
	}
}

// drawLabels draws what a worker says of itself.
func (h *history) drawLabels() map[string]string {
	if h.rand.IntN(4) == 0 {
		return nil
	}
	return map[string]string{labelKey: pick(h, zones)}
}

// relabel changes a worker's labels.
func (h *history) relabel(a *agent) *Violation {
	a.labels = h.drawLabels()
	return h.apply(&core.Relabel{Worker: a.id, Labels: a.labels})
}

// takeRelabel: a worker lines up anew with what it says of itself.
func (m *model) takeRelabel(in *core.Relabel) {
	if w := m.workers[in.Worker]; w != nil {
		w.labels = in.Labels
		m.forgetTurns(w)
	}
}

// className names what the same workers can run, as rows do.
func className(d *core.Definition) string {
	if (d.Queue == "" || d.Queue == d.Action) && len(d.Slots)+len(d.Labels) == 0 {
		return d.Action
	}
	encoded, err := json.Marshal(core.Need{Queue: d.Queue, Action: d.Action, Slots: d.Slots, Labels: d.Labels})
	if err != nil { // it has numbers and texts only
		panic(err)
	}
	return d.Action + " " + string(encoded)
}

// classNames are those of all definitions, by tenant.
func (h *history) classNames() map[lane]bool {
	names := map[lane]bool{}
	for i := range h.definitions {
		names[laneOf(h.definitions[i].Tenant, className(&h.definitions[i]), "")] = true
	}
	for _, g := range h.graphs {
		for i := range g.Nodes {
			names[laneOf(g.Tenant, className(&g.Nodes[i].Definition), "")] = true
		}
	}
	return names
}

// slotOf is the type of slots that t takes up one of.
func (t *task) slotOf() string {
	for _, use := range t.def.Slots {
		return use.Type
	}
	return ""
}

// serves tells whether w may be given t, if it has a free slot for it.
func (w *worker) serves(t *task) bool {
	_, may := w.score(t)
	return may && w.offers(t)
}

// offers tells whether w runs such tasks, by its word.
func (w *worker) offers(t *task) bool {
	return w.tenant == t.row.Tenant && slices.Contains(w.actions, t.def.Action)
}

// score is how well w meets the labels of t; may is false if it lacks one that is required.
func (w *worker) score(t *task) (score int32, may bool) {
	for _, l := range t.def.Labels {
		switch {
		case w.labels[l.Key] == l.Value:
			score += l.Weight
		case l.Required:
			return 0, false
		}
	}
	return score, true
}

// inUse counts the slots of a type that w may still use.
func (w *worker) inUse(typ string) (n int) {
	for _, taken := range w.held {
		if taken == typ {
			n++
		}
	}
	return n
}

func (w *worker) slotsOf(typ string) int {
	if typ == "" {
		return int(w.slots)
	}
	return int(w.typed)
}

// free tells whether w is given something new that takes up a slot of a type.
func (w *worker) free(typ string) bool {
	return w.away == 0 && !w.paused && !w.spared && w.inUse(typ) < w.slotsOf(typ)
}

// checkBestWorker: no worker with a free slot meets the labels of t better.
func (m *model) checkBestWorker(a *core.Assignment, t *task, w *worker) *Violation {
	if len(t.def.Labels) == 0 {
		return nil
	}
	has, _ := w.score(t)
	for _, other := range m.workers {
		if score, _ := other.score(t); other.serves(t) && other.free(t.slotOf()) && score > has {
			return broken(labelsCount, "task %d is given to worker %d (%v), and worker %d (%v) is free", a.Task, w.id, w.labels, other.id, other.labels)
		}
	}
	return nil
}
