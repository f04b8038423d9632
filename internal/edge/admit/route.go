package admit

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
)

// Bounds of routing.
const (
	WorkersMax       = 1_000     // that a request pauses or resumes
	SlotTypesMax     = 20        // of a worker or a task
	LabelsWantedMax  = 20        // of a task or a run
	LabelsMax        = 100       // of a worker
	LabelWeightMax   = 1_000_000 // and its negative
	LabelWeightUsual = 100       // of one that says nothing
)

// route checks where the tasks of w run, and fills in what was left out.
func route(w *shard.Workflow) error {
	if err := sticky(w.Sticky); err != nil {
		return err
	}
	for i := range w.Tasks {
		t := &w.Tasks[i]
		if err := taskRoute(t); err != nil {
			return fault.At(taskPlace(i), err)
		}
	}
	return nil
}

func taskRoute(t *shard.Task) (err error) {
	if err = slots("slots", t.Slots, 1); err != nil {
		return err
	}
	if t.Labels, err = wanted(t.Labels); err != nil {
		return err
	}
	return sticky(t.Sticky)
}

func sticky(name string) error {
	if !slices.Contains(shard.Stickies, name) {
		return invalid("sticky", "is unknown; say prefer or only, or leave it out")
	}
	return nil
}

// slots checks those of a worker, or that a task takes up; each type comes once.
func slots(field string, list []shard.SlotUse, least int64) error {
	if len(list) > SlotTypesMax {
		return invalid(field, "has %d types, at most %d are allowed", len(list), SlotTypesMax)
	}
	for i, use := range list {
		place := fmt.Sprintf("%s[%d].", field, i)
		if use.Type != "" {
			if err := name(place+"type", use.Type); err != nil {
				return err
			}
		}
		if slices.ContainsFunc(list[:i], func(other shard.SlotUse) bool { return other.Type == use.Type }) {
			return invalid(place+"type", "%q comes twice; add them up", use.Type)
		}
		if err := between(place+"units", int64(use.Units), least, SlotsMax); err != nil {
			return err
		}
	}
	return nil
}

// wanted checks the labels that a task or run wants, and gives them by key with what was
// left out.
func wanted(list []shard.Label) ([]shard.Label, error) {
	if len(list) > LabelsWantedMax {
		return nil, invalid("labels", "has %d entries, at most %d are allowed", len(list), LabelsWantedMax)
	}
	list = slices.Clone(list)
	for i := range list {
		if err := wantedLabel(&list[i]); err != nil {
			return nil, fault.At(fmt.Sprintf("labels[%d]", i), err)
		}
	}
	slices.SortStableFunc(list, func(a, b shard.Label) int { return cmp.Compare(a.Key, b.Key) })
	return list, nil
}

func wantedLabel(l *shard.Label) error {
	if l.Key == "" {
		return invalid("key", "is empty; name the label")
	}
	if err := text("key", l.Key, LabelBytesMax); err != nil {
		return err
	}
	if err := text("value", l.Value, LabelBytesMax); err != nil {
		return err
	}
	if l.Comparator == "" {
		l.Comparator = shard.Comparators[0]
	}
	at := slices.Index(shard.Comparators, l.Comparator)
	if at < 0 {
		return invalid("comparator", "is unknown; there are %s", strings.Join(shard.Comparators, " "))
	}
	if at > 1 {
		l.Number = true
	}
	if n, err := strconv.ParseFloat(l.Value, 64); l.Number && (err != nil || math.IsNaN(n)) {
		return invalid("value", "%q is no number, and it is compared as one", l.Value)
	}
	l.Weight = orDefault(l.Weight, LabelWeightUsual)
	return between("weight", int64(l.Weight), -LabelWeightMax, LabelWeightMax)
}

// Labels checks those of a worker.
func Labels(labels map[string]string) error {
	if len(labels) > LabelsMax {
		return invalid("labels", "has %d entries, at most %d are allowed", len(labels), LabelsMax)
	}
	for key, value := range labels {
		if key == "" {
			return invalid("labels", "has one without a key")
		}
		if err := text("labels", key, LabelBytesMax); err != nil {
			return err
		}
		if err := text("labels", value, LabelBytesMax); err != nil {
			return err
		}
	}
	return nil
}

// types checks the slots of a worker of other types than the default one.
func types(list []shard.SlotUse) error {
	if slices.ContainsFunc(list, func(use shard.SlotUse) bool { return use.Type == "" }) {
		return invalid("slot_types", "has one without a type; slots says how many of these there are")
	}
	return slots("slot_types", list, 0)
}
