package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze"
)

// keyed is a task of a key.
type keyed struct {
	Key int `json:"key"`
}

// byKey makes the workers of a queue take turns between the keys of its tasks.
func byKey() []adze.TaskOption { return []adze.TaskOption{adze.FairKey("input.key")} }

// byCost makes turns as long as the tasks of a key take.
func byCost() []adze.TaskOption { return append(byKey(), adze.Queue("", adze.ByCost())) }

// tap is a queue of many keys. Its worker ends as many attempts as it is told to, and
// holds all others: so it is measured at a depth while it flows, and can be filled up
// again.
type tap struct {
	point
	rig    *rig
	task   *adze.Task[keyed, keyed]
	gate   chan struct{}  // an attempt that may end
	left   atomic.Int64   // until the last of a part
	first  chan time.Time // when what the worker had held until a part began was through
	last   chan ending
	stored int // runs so far

	parts     latencies // how long the rest of each took
	engineCPU time.Duration
	pgCPU     time.Duration
}

// ending is the last attempt of a part.
type ending struct {
	run adze.ID
	at  time.Time
}

// held is how many tasks of a part the worker has when it begins: no engine takes them.
func (t *tap) held() int { return min(workerSlots, t.part()/2) }

func newTap(r *rig, name string, p point) *tap {
	t := &tap{
		point: p, rig: r,
		gate: make(chan struct{}, partMax), first: make(chan time.Time, 1), last: make(chan ending, 1),
	}
	t.task = adze.NewTask(name, t.attempt, byKey()...)
	return t
}

func (t *tap) attempt(ctx context.Context, in keyed) (keyed, error) {
	select {
	case <-t.gate:
	case <-ctx.Done():
		return in, context.Cause(ctx)
	}
	switch t.left.Add(-1) {
	case int64(t.part() - t.held()):
		t.first <- time.Now()
	case 0:
		t.last <- ending{adze.RunID(ctx), time.Now()}
	}
	return in, nil
}

// fill queues n tasks, their keys in turn.
func (t *tap) fill(ctx context.Context, n int) error {
	var next atomic.Int64
	next.Store(int64(t.stored))
	t.stored += n
	_, err := many(bulkCallers, func() (stored int, err error) {
		for first := next.Add(bulkSize) - bulkSize; first < int64(t.stored); first = next.Add(bulkSize) - bulkSize {
			inputs := make([]keyed, min(bulkSize, int64(t.stored)-first))
			for i := range inputs {
				inputs[i].Key = int(first+int64(i)) % t.keys
			}
			runs, err := t.task.RunMany(ctx, t.rig.client, inputs)
			stored += len(runs)
			if err != nil {
				return stored, err
			}
		}
		return stored, nil
	})
	return err
}

// flow lets a part of the queue end, and measures it.
func (t *tap) flow(ctx context.Context) error {
	before, err := t.rig.meter.read(ctx)
	if err != nil {
		return err
	}
	took, err := t.pass(ctx)
	if err != nil {
		return err
	}
	t.parts.add(took)
	after, err := t.rig.meter.read(ctx)
	t.engineCPU += after.engineCPU - before.engineCPU
	t.pgCPU += after.pgCPU - before.pgCPU
	return err
}

// pass lets a part of the queue end, and returns once its last result is stored. It tells how
// long it took from the end of what the worker had held to the last.
func (t *tap) pass(ctx context.Context) (took time.Duration, err error) {
	t.left.Store(int64(t.part()))
	for range t.part() {
		t.gate <- struct{}{}
	}
	select {
	case last := <-t.last:
		_, err := t.task.Lookup(t.rig.client, last.run).Result(ctx)
		return last.at.Sub(<-t.first), err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// usPerTask is what a task of the median part took.
func (t *tap) usPerTask() float64 {
	return float64(t.parts.at(0.5).Microseconds()) / float64(t.part()-t.held())
}

// cpuPerTask is what a task took of the processors, in microseconds.
func (t *tap) cpuPerTask() (engine, postgres float64) {
	n := float64(len(t.parts.all) * t.part())
	return float64(t.engineCPU.Microseconds()) / n, float64(t.pgCPU.Microseconds()) / n
}
