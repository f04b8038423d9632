package adze

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Uses is how many slots of a type an attempt of the task takes up, all of one worker:
// 1–100,000. The empty type is that of [Slots], other ones are of [SlotsOf]. A task that
// says nothing takes up one of the former; one that says something, what it says.
//
// A task of several slots is not passed by for ever by those that need fewer: once it was,
// a worker keeps what becomes free for it.
func Uses(slotType string, n int) TaskOption {
	return func(w *workflow) {
		t := &w.Tasks[0]
		t.Slots = append(slices.Clip(t.Slots), shard.SlotUse{Type: slotType, Units: clamp(n)})
	}
}

// SlotsOf is how many slots of a type the worker has, 0–100,000, besides those of [Slots]:
// say, its graphics cards. Tasks take them up with [Uses].
func SlotsOf(slotType string, n int) WorkerOption {
	return workerOption(func(c *workerConfig) {
		c.types = append(c.types, shard.SlotUse{Type: slotType, Units: clamp(n)})
	})
}

// Labels say what the worker is like, for tasks that go to some workers only or rather: its
// zone, its memory. At most 100; keys and values are at most 255 bytes. [Worker.SetLabels]
// changes them.
func Labels(labels map[string]string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.labels = maps.Clone(labels) })
}

// SetLabels changes the worker's labels; tasks that wait are looked at anew.
func (w *Worker) SetLabels(ctx context.Context, labels map[string]string) error {
	labels = maps.Clone(labels)
	w.mu.Lock()
	w.labels = labels
	session := w.session
	w.mu.Unlock()
	if session == nil {
		return nil // the next one's Hello has them
	}
	if err := session.Relabel(ctx, labels); err != nil {
		return fmt.Errorf("set labels of worker %s: %w", w.name, publicError(err))
	}
	return nil
}

// WorkerLabel is what a label of a worker should be: see [Require] and [Prefer].
type WorkerLabel struct{ label shard.Label }

// Require has the worker's label compare with the value so: == and != with a text, or
// these and > >= < <= with a number. A worker that does not meet it is never given the
// task, nor is one without that label.
func Require(label, comparison string, value any) WorkerLabel {
	l := Prefer(label, comparison, value)
	l.label.Required = true
	return l
}

// Prefer is Require for a worker that is given the task before others, if it has free
// slots: of several labels the weights are added up, and the highest sum goes first. Each
// has the weight 100; [WorkerLabel.Weight] gives it another one.
func Prefer(label, comparison string, value any) WorkerLabel {
	l := shard.Label{Key: label, Comparator: comparison, Number: true}
	switch v := value.(type) {
	case int:
		l.Value = strconv.Itoa(v)
	case int64:
		l.Value = strconv.FormatInt(v, 10)
	case float64:
		l.Value = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		l.Value, l.Number = fmt.Sprint(v), false
	}
	return WorkerLabel{l}
}

// Weight is what the label counts beside others, −1,000,000 to 1,000,000 and not 0.
func (l WorkerLabel) Weight(n int) WorkerLabel {
	l.label.Weight = clamp(n)
	return l
}

// OnWorkers says which workers the task goes to; at most 20 labels.
func OnWorkers(labels ...WorkerLabel) TaskOption {
	return func(w *workflow) {
		t := &w.Tasks[0]
		t.Labels = append(slices.Clip(t.Labels), labelsOf(labels)...)
	}
}

// RunOnWorkers is [OnWorkers] for one run: its labels take the place of those of the same
// key that its tasks have.
func RunOnWorkers(labels ...WorkerLabel) RunOption {
	return func(r *newRun) error { r.NewRun.Labels = labelsOf(labels); return nil }
}

func labelsOf(from []WorkerLabel) []shard.Label {
	list := make([]shard.Label, len(from))
	for i := range from {
		list[i] = from[i].label
	}
	return list
}

// Stickiness is what [Sticky] says.
type Stickiness string

// The kinds of stickiness.
const (
	StickyPrefer Stickiness = "prefer" // to that worker if it has free slots
	StickyOnly   Stickiness = "only"   // to no other one, and wait for it
)

// Sticky has the task go to the worker that ran one of the tasks it runs [After], or
// without any to the one that its run names: [OnWorker], [OnSameWorker]. Where no worker
// is known it goes to any. One that waits for a worker which is gone for good ends with
// its [ScheduleTimeout].
func Sticky(s Stickiness) TaskOption {
	return func(w *workflow) { w.Tasks[0].Sticky = string(s) }
}

// OnWorker has the sticky tasks of a run go to a worker.
func OnWorker(worker ID) RunOption {
	return func(r *newRun) error { r.Worker = id.ID(worker); return nil }
}

// OnSameWorker has the sticky tasks of a run go to the worker of the task that submits it.
func OnSameWorker() RunOption {
	return func(r *newRun) error { r.sameWorker = true; return nil }
}

// stick has r go to the worker of its parent, if it asks for that.
func (r *newRun) stick(parent *attempt) error {
	switch {
	case !r.sameWorker:
	case parent == nil:
		return &Error{Kind: KindInvalid, Field: "options", Text: "have OnSameWorker, but this run is nobody's child"}
	default:
		r.Worker = parent.worker.number()
	}
	return nil
}

// WorkerID is the worker whose task runs with ctx; 0 if ctx is not that of a task.
func WorkerID(ctx context.Context) ID {
	if a := attemptOf(ctx); a != nil {
		return ID(a.worker.number())
	}
	return 0
}

func (w *Worker) number() id.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.id
}

// ReleaseSlots gives the slots back that the task takes up which runs with ctx, and has it
// go on: for one that from now on only waits for others. The worker may run more than its
// slots then. It does nothing outside of a task, and the second time.
func ReleaseSlots(ctx context.Context) {
	if a := attemptOf(ctx); a != nil {
		a.worker.releaseSlots(a)
	}
}

func (w *Worker) releaseSlots(a *attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.released || a.ended || w.held[a.Token] != a {
		return
	}
	a.released = true
	w.reports.add(a.item(core.ReportReleased))
	w.reports.signal()
}
