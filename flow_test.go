package adze_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze"
)

// crowd counts who is inside at a time, by key.
type crowd struct {
	mu   sync.Mutex
	now  map[string]int
	most map[string]int
}

func newCrowd() *crowd { return &crowd{now: map[string]int{}, most: map[string]int{}} }

func (c *crowd) enter(key string) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[key]++
	c.most[key] = max(c.most[key], c.now[key])
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now[key]--
	}
}

type bill struct {
	Customer string `json:"customer"`
	Number   int    `json:"number"`
}

func bills(n, customers int) []bill {
	list := make([]bill, n)
	for i := range list {
		list[i] = bill{fmt.Sprintf("customer-%d", i%customers), i}
	}
	return list
}

func TestLimitHoldsForEachKey(t *testing.T) {
	t.Parallel()
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c, inside := connect(t), newCrowd()
			task := adze.NewTask("bill", func(_ context.Context, b bill) (int, error) {
				defer inside.enter(b.Customer)()
				defer inside.enter("")()
				return b.Number, nil
			}, adze.Limit(adze.ConcurrencyLimit{Key: "input.customer", Max: 2}), adze.Limit(adze.ConcurrencyLimit{Max: 5}))
			work(t, c, task, adze.Slots(20))
			work(t, c, task, adze.Slots(20))
			runs, err := task.RunMany(ctx, c, bills(300, 4))
			require.NoError(t, err)
			var all errgroup.Group
			for _, r := range runs {
				all.Go(func() error { _, err := r.Result(ctx); return err })
			}
			require.NoError(t, all.Wait())
			for key, most := range inside.most {
				if key == "" {
					require.LessOrEqual(t, most, 5)
				} else {
					require.LessOrEqual(t, most, 2, key)
				}
			}
		})
	}
}

func TestRunWithoutAKeyForItsLimitIsRefused(t *testing.T) {
	t.Parallel()
	c := transports["embedded"](t)
	task := adze.NewTask("bill", func(context.Context, map[string]int) (int, error) { return 1, nil },
		adze.Limit(adze.ConcurrencyLimit{Name: "bills", Key: "input.customer", Max: 1}))
	work(t, c, task)
	_, err := task.Run(t.Context(), c, map[string]int{"customr": 1})
	var refused *adze.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "input", refused.Field)
	require.ErrorContains(t, err, "limit bills")
	one, err := task.Call(t.Context(), c, map[string]int{"customer": 1})
	require.NoError(t, err)
	require.Equal(t, 1, one)
}
