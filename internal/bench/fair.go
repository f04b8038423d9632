package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze"
)

const (
	// heavyKey has heavyShare of all tasks and stands before all other keys.
	heavyKey   = 0
	heavyShare = 0.9
	// fairSlots is few beside the tasks of the light keys: in which order those begin
	// that are at the worker together is not the queue's doing.
	fairSlots = 100
	// fairRun is how long a task takes where time counts, and heavyRun one of the heavy key.
	fairRun  = 10 * time.Millisecond
	heavyRun = 10 * fairRun
	// fairPatience is far more than a queue takes that is fair.
	fairPatience = 3 * time.Minute
)

// run does a task of a key, and says what that counts.
type run func(ctx context.Context, key int) (cost float64, err error)

// contest is a queue in which one key stands before all others with most of the tasks.
type contest struct {
	name    string
	keys    int
	perKey  int // tasks, on average
	slots   int
	run     run
	options []adze.TaskOption

	client *adze.Client
	task   *adze.Task[keyed, keyed]

	mu       sync.Mutex
	begun    time.Time
	services []service
	left     atomic.Int64 // tasks of other keys than the heavy one that have not ended
	through  chan struct{}
}

func (c *contest) open(client *adze.Client) {
	c.client, c.through = client, make(chan struct{})
	c.task = adze.NewTask("bench."+c.name, c.attempt, c.options...)
}

func (c *contest) tasks() int { return c.keys * c.perKey }

func (c *contest) attempt(ctx context.Context, in keyed) (keyed, error) {
	at := time.Since(c.begun).Nanoseconds()
	cost, err := c.run(ctx, in.Key)
	if err != nil {
		return in, err
	}
	c.mu.Lock()
	c.services = append(c.services, service{in.Key, at, cost})
	c.mu.Unlock()
	if in.Key != heavyKey && c.left.Add(-1) == 0 {
		close(c.through)
	}
	return in, nil
}

// fill queues all tasks of the heavy key, then those of the others, their keys in turn.
func (c *contest) fill(ctx context.Context) error {
	heavy := int(heavyShare * float64(c.tasks()))
	keys := make([]keyed, c.tasks())
	for i := heavy; i < len(keys); i++ {
		keys[i].Key = 1 + (i-heavy)%(c.keys-1)
	}
	c.left.Store(int64(len(keys) - heavy))
	_, err := c.task.RunMany(ctx, c.client, keys)
	return err
}

// fair measures how fairly a queue serves its keys: by task, and by cost where the heavy
// key's tasks take longer. Among many keys a long task of one hardly matters; among few
// it does.
func (b *bench) fair(ctx context.Context) error {
	many := b.size(10_000, 200)
	for _, c := range []*contest{
		{name: "fair", keys: many, perKey: 100, slots: fairSlots, run: runNothing, options: byKey()},
		{name: "fair-cost", keys: many, perKey: 100, slots: fairSlots, run: runLong, options: byCost()},
		{name: "fair-cost-few", keys: 10, perKey: 1_000, slots: 10, run: runLong, options: byCost()},
	} {
		if err := b.contest(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// runNothing counts a task as a task.
func runNothing(context.Context, int) (float64, error) { return 1, nil }

// runLong counts a task by the time it took.
func runLong(ctx context.Context, key int) (float64, error) {
	pause, begin := fairRun, time.Now()
	if key == heavyKey {
		pause = heavyRun
	}
	select {
	case <-time.After(pause):
		return time.Since(begin).Seconds(), nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func (b *bench) contest(ctx context.Context, c *contest) error {
	return b.contestOf(ctx, c, func(ctx context.Context, _ *rig) error { return c.fill(ctx) })
}

// contestOf is contest with its queue filled in another way.
func (b *bench) contestOf(ctx context.Context, c *contest, fill func(context.Context, *rig) error) error {
	return b.rigged(ctx, c.name, func(r *rig) error {
		c.open(r.client)
		if err := fill(ctx, r); err != nil {
			return fmt.Errorf("fill queue: %w", err)
		}
		time.Sleep(b.pause(keysSettle, keysSettle/3))
		c.begun = time.Now()
		if err := r.serving(ctx, c.wait, adze.Slots(c.slots), c.task); err != nil {
			return err
		}
		figure, wait, ideal := unfairness(c.services, heavyKey)
		b.report.add(c.name, "keys", "keys", float64(c.keys))
		b.report.add(c.name, "queued", "tasks", float64(c.tasks()))
		b.report.add(c.name, "unfairness", "ratio", figure)
		b.report.add(c.name, "worst_wait_s", "s", wait)
		b.report.add(c.name, "ideal_wait_s", "s", ideal)
		return nil
	})
}

// wait waits until all keys but the heavy one are through.
func (c *contest) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fairPatience)
	defer cancel()
	select {
	case <-c.through:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %d tasks of light keys: %w", c.left.Load(), context.Cause(ctx))
	}
}
