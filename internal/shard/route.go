package shard

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// SlotUse is how many slots of a type a worker has, or a task takes up.
type SlotUse struct {
	Type  string `json:"type,omitempty"` // "" = the default one
	Units int32  `json:"units"`
}

// Label is what a label of a task's worker should be.
type Label struct {
	Key        string `json:"key"`
	Value      string `json:"value"`
	Comparator string `json:"comparator"` // of Comparators
	Weight     int32  `json:"weight,omitempty"`
	Required   bool   `json:"required,omitempty"`
	Number     bool   `json:"number,omitempty"`
}

// Comparators are how a worker's label compares with the one wanted, in the order of the
// core's.
var Comparators = []string{"==", "!=", ">", ">=", "<", "<="}

// Stickies are whether a task goes to the worker that had one of its run before, in the
// order of the core's.
var Stickies = []string{"", "prefer", "only"}

// slotUses are slots as the core knows them.
func slotUses(from []SlotUse) []core.SlotUse {
	var list []core.SlotUse
	for _, use := range from {
		list = append(list, core.SlotUse{Type: use.Type, Units: use.Units})
	}
	return list
}

// coreLabels are labels as the core knows them.
func coreLabels(from []Label) []core.Label {
	var list []core.Label
	for _, l := range from {
		list = append(list, core.Label{
			Key: l.Key, Value: l.Value, Number: l.Number, Weight: l.Weight, Required: l.Required,
			Comparator: core.Comparator(max(0, slices.Index(Comparators, l.Comparator))),
		})
	}
	return list
}

// sticky is that of a task of w.
func (w *Workflow) sticky(t *Task) core.Sticky {
	name := t.Sticky
	if name == "" {
		name = w.Sticky
	}
	return core.Sticky(max(0, slices.Index(Stickies, name)))
}

// route is what a run says of where it runs; nil if nothing.
func (r *NewRun) route() *core.Flow {
	if len(r.Labels) == 0 && r.Worker == 0 {
		return nil
	}
	return &core.Flow{Labels: coreLabels(r.Labels), Worker: r.Worker}
}

// routed adds to what the expressions gave for a run what it said itself.
func routed(said, asked *core.Flow, share string) *core.Flow {
	if asked == nil || len(asked.Labels) == 0 && asked.Worker == 0 {
		return said
	}
	if said == nil {
		said = &core.Flow{Share: share}
	}
	said.Labels, said.Worker = asked.Labels, asked.Worker
	return said
}

// askedAgain is what the run that a new one replays said of where it runs. Its worker may
// be gone.
func askedAgain(was *core.Flow) *core.Flow {
	if was == nil || len(was.Labels) == 0 {
		return nil
	}
	return &core.Flow{Labels: was.Labels}
}
