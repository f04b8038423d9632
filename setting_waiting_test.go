package adze_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
)

func receive[T any](ctx context.Context, t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-ctx.Done():
		t.Fatal("nothing begins")
	}
	return v
}

// TestNobodyWhoWaitsFallsBehindWhenAgeingChanges, through a restart of the engine, in a
// queue and in the line of a limit.
func TestNobodyWhoWaitsFallsBehindWhenAgeingChanges(t *testing.T) {
	t.Parallel()
	t.Run("queue", func(t *testing.T) {
		t.Parallel()
		requireNobodyFallsBehind(t, func(ctx context.Context, c *adze.Client, each *time.Duration) error {
			if each == nil {
				return c.DropQueue(ctx, "note", "")
			}
			return c.SetQueue(ctx, "note", adze.QueueSetting{Ageing: each})
		})
	})
	t.Run("limit", func(t *testing.T) {
		t.Parallel()
		requireNobodyFallsBehind(t, func(ctx context.Context, c *adze.Client, each *time.Duration) error {
			if each == nil {
				return c.DropLimit(ctx, "note#1", "")
			}
			return c.SetLimit(ctx, "note#1", adze.LimitSetting{Ageing: each})
		}, adze.Limit(adze.ConcurrencyLimit{Max: 1}))
	})
}

// requireNobodyFallsBehind has runs come before and after each change of an ageing; age with
// nil drops it.
func requireNobodyFallsBehind(
	t *testing.T, age func(context.Context, *adze.Client, *time.Duration) error, options ...adze.TaskOption,
) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url := pgtest.URL(t)
	began := make(chan string, 100)
	task := adze.NewTask("note", func(_ context.Context, s string) (string, error) {
		began <- s
		return s, nil
	}, options...)
	c, err := adze.Open(ctx, url, adze.Logger(quiet))
	require.NoError(t, err)
	stop := work(t, c, task)
	_, err = task.Call(ctx, c, "it is registered")
	require.NoError(t, err)
	<-began
	stop()

	run := func(s string) {
		_, err := task.Run(ctx, c, s)
		require.NoError(t, err)
	}
	run("before")
	require.NoError(t, age(ctx, c, new(time.Millisecond)))
	run("while it counts")
	require.NoError(t, c.Close())
	c = open(t, url)
	require.NoError(t, age(ctx, c, new(time.Duration(0))))
	run("when it is off")
	require.NoError(t, age(ctx, c, new(time.Hour)))
	run("when it is slow")
	require.NoError(t, age(ctx, c, nil))
	run("as declared")

	work(t, c, task, adze.Slots(1), adze.DrainTimeout(time.Millisecond))
	var order []string
	for range 5 {
		order = append(order, receive(ctx, t, began))
	}
	require.Equal(t, []string{"before", "while it counts", "when it is off", "when it is slow", "as declared"}, order)
}

// TestLowPriorityIsNotStarvedOfItsPlace where waiting counts, as its workflow declares; once
// that is taken back, priority is strict.
func TestLowPriorityIsNotStarvedOfItsPlace(t *testing.T) {
	t.Parallel()
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := connect(t)
			began, next := make(chan string), make(chan struct{})
			task := adze.NewTask("note", func(ctx context.Context, s string) (string, error) {
				select {
				case began <- s:
				case <-ctx.Done():
					return "", ctx.Err()
				}
				select {
				case <-next:
				case <-ctx.Done():
				}
				return s, ctx.Err()
			}, adze.Limit(adze.ConcurrencyLimit{Name: "line", Max: 1, Ageing: time.Millisecond}))
			work(t, c, task, adze.Slots(3), adze.DrainTimeout(time.Millisecond))
			run := func(s string, priority int) {
				_, err := task.Run(ctx, c, s, adze.Priority(priority))
				require.NoError(t, err)
			}
			run("first", 0)
			require.Equal(t, "first", receive(ctx, t, began))
			run("low", 0)
			for running := "first"; running != "low"; running = receive(ctx, t, began) {
				run("high", 50)
				next <- struct{}{}
			}

			require.NoError(t, c.SetLimit(ctx, "line", adze.LimitSetting{Ageing: new(time.Duration(0))}))
			run("low again", 0)
			for range 20 {
				run("high", 50)
				next <- struct{}{}
				require.Equal(t, "high", receive(ctx, t, began))
			}
		})
	}
}

// TestLimitGoesByItsNewStrategyHoweverManyWait: most of them are in Postgres.
func TestLimitGoesByItsNewStrategyHoweverManyWait(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := transports["embedded"](t)
	began, next := make(chan int), make(chan struct{})
	task := adze.NewTask("step", func(ctx context.Context, n int) (int, error) {
		select {
		case began <- n:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
		return n, ctx.Err()
	}, adze.Limit(adze.ConcurrencyLimit{Name: "steps", Max: 1, Strategy: adze.LimitFIFO}))
	work(t, c, task, adze.Slots(1), adze.DrainTimeout(time.Millisecond))
	inputs := make([]int, 6_000)
	for i := range inputs {
		inputs[i] = i
	}
	_, err := task.RunMany(ctx, c, inputs)
	require.NoError(t, err)
	_, err = task.Run(ctx, c, 9_001, adze.Priority(9))
	require.NoError(t, err)
	require.Equal(t, 0, receive(ctx, t, began))

	require.NoError(t, c.SetLimit(ctx, "steps", adze.LimitSetting{Strategy: adze.LimitQueue}))
	next <- struct{}{}
	require.Equal(t, 9_001, receive(ctx, t, began))
	_, err = task.Run(ctx, c, 9_002, adze.Priority(9))
	require.NoError(t, err)
	require.NoError(t, c.SetLimit(ctx, "steps", adze.LimitSetting{Strategy: adze.LimitFIFO}))
	next <- struct{}{}
	require.Equal(t, 1, receive(ctx, t, began))
}

// TestKeysThatWaitAreKeptToFewWorkers when their queue begins to spread them.
func TestKeysThatWaitAreKeptToFewWorkers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := transports["embedded"](t)
	type visit struct{ worker, customer string }
	began, next := make(chan visit), make(chan struct{})
	serving := func(worker string) *adze.Task[bill, int] {
		return adze.NewTask("bill", func(ctx context.Context, b bill) (int, error) {
			select {
			case began <- visit{worker, b.Customer}:
			case <-ctx.Done():
				return 0, ctx.Err()
			}
			select {
			case <-next:
			case <-ctx.Done():
			}
			return b.Number, ctx.Err()
		}, adze.FairKey("input.customer"))
	}
	for _, worker := range []string{"one", "two", "three", "four"} {
		work(t, c, serving(worker), adze.Slots(1), adze.DrainTimeout(time.Millisecond))
	}
	_, err := serving("none").RunMany(ctx, c, bills(5_000, 1))
	require.NoError(t, err)
	busy := map[string]int{}
	for range 4 {
		busy[receive(ctx, t, began).worker]++
	}
	require.Len(t, busy, 4)
	require.NoError(t, c.SetQueue(ctx, "bill", adze.QueueSetting{Spread: new(1)}))
	close(next)
	kept := receive(ctx, t, began).worker
	for range 50 {
		require.Equal(t, kept, receive(ctx, t, began).worker)
	}
}
