package adze_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
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

// peaks are how many were inside at most, by key.
func (c *crowd) peaks() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.most)
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
			for key, most := range inside.peaks() {
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

func TestLimitChangesWhileRunsWait(t *testing.T) {
	t.Parallel()
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := connect(t)
			began, end := make(chan string, 100), make(chan struct{})
			task := adze.NewTask("bill", func(ctx context.Context, b bill) (int, error) {
				began <- b.Customer
				select {
				case <-end:
				case <-ctx.Done():
				}
				return b.Number, nil
			}, adze.Limit(adze.ConcurrencyLimit{Name: "bills", Key: "input.customer", Max: 1}))
			work(t, c, task, adze.Slots(50))
			_, err := task.RunMany(ctx, c, bills(20, 2))
			require.NoError(t, err)
			count := func(n int) map[string]int {
				of := map[string]int{}
				for range n {
					select {
					case customer := <-began:
						of[customer]++
					case <-ctx.Done():
						t.Fatal("no run begins")
					}
				}
				return of
			}
			require.Equal(t, map[string]int{"customer-0": 1, "customer-1": 1}, count(2))
			require.NoError(t, c.SetLimit(ctx, "bills", adze.LimitSetting{Key: "customer-1", Max: new(4)}))
			require.Equal(t, map[string]int{"customer-1": 3}, count(3))
			require.NoError(t, c.SetLimit(ctx, "bills", adze.LimitSetting{Max: new(2)}))
			require.Equal(t, map[string]int{"customer-0": 1}, count(1))
			require.NoError(t, c.DropLimit(ctx, "bills", "customer-1")) // 4 run, 2 may
			require.NoError(t, c.SetLimit(ctx, "bills", adze.LimitSetting{Max: new(5)}))
			require.Equal(t, map[string]int{"customer-0": 3, "customer-1": 1}, count(4))

			var listed []adze.LimitSettingInfo
			for l, err := range c.LimitSettings(ctx) {
				require.NoError(t, err)
				listed = append(listed, l)
			}
			require.Equal(t, []adze.LimitSettingInfo{
				{Name: "bills", Max: 5, Strategy: adze.LimitQueue},
				{Name: "bills", Declared: true, Max: 1, Strategy: adze.LimitQueue},
			}, listed)
			require.NoError(t, c.DropLimit(ctx, "bills", ""))
			close(end)
		})
	}
}

func TestSettingsAreRefusedWithTheirField(t *testing.T) {
	t.Parallel()
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t)
			for field, err := range map[string]error{
				"limit.max":      c.SetLimit(t.Context(), "bills", adze.LimitSetting{Max: new(-1)}),
				"limit.strategy": c.SetLimit(t.Context(), "bills", adze.LimitSetting{Key: "k", Max: new(1), Strategy: adze.LimitFIFO}),
				"name":           c.SetLimit(t.Context(), "bills#one", adze.LimitSetting{Max: new(1)}),
				"queue.weight":   c.SetQueue(t.Context(), "bill", adze.QueueSetting{Key: "k", Weight: new(0.0)}),
				"limit":          c.SetLimit(t.Context(), "bills", adze.LimitSetting{}),
				"limit.age_ms":   c.SetLimit(t.Context(), "bills", adze.LimitSetting{Strategy: adze.LimitFIFO, Ageing: new(time.Second)}),
			} {
				var refused *adze.Error
				require.ErrorAs(t, err, &refused)
				require.Equal(t, field, refused.Field, err)
				require.ErrorIs(t, err, adze.ErrInvalid)
			}
		})
	}
}

// TestAgeingOfALimitIsRefusedWherePriorityDoesNotCount, whichever of the two is said last.
func TestAgeingOfALimitIsRefusedWherePriorityDoesNotCount(t *testing.T) {
	t.Parallel()
	c := transports["embedded"](t)
	age := func(strategy adze.Strategy, each time.Duration) error {
		return c.SetLimit(t.Context(), "bills", adze.LimitSetting{Strategy: strategy, Ageing: &each})
	}
	require.NoError(t, age("", time.Minute))
	var refused *adze.Error
	require.ErrorAs(t, c.SetLimit(t.Context(), "bills", adze.LimitSetting{Strategy: adze.LimitFIFO}), &refused)
	require.Equal(t, "limit.age_ms", refused.Field)
	require.NoError(t, age(adze.LimitFIFO, 0))
	require.ErrorIs(t, age("", time.Minute), adze.ErrInvalid)
	require.NoError(t, age(adze.LimitQueue, time.Minute))
	for l, err := range c.LimitSettings(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, adze.LimitSettingInfo{Name: "bills", Max: 1, Strategy: adze.LimitQueue, Ageing: time.Minute}, l)
	}
}

// TestListOfLimitsSaysWhereRunsSayHowMany: no maximum is shown that does not count.
func TestListOfLimitsSaysWhereRunsSayHowMany(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := transports["embedded"](t)
	task := adze.NewTask("bill", func(context.Context, bill) (int, error) { return 0, nil },
		adze.Limit(adze.ConcurrencyLimit{MaxExpression: "input.number + 1", Key: "input.customer"}))
	work(t, c, task)
	_, err := task.Call(ctx, c, bill{Customer: "a"})
	require.NoError(t, err)
	listed := func() (byRun []bool) {
		for l, err := range c.LimitSettings(ctx) {
			require.NoError(t, err)
			byRun = append(byRun, l.ByRun)
		}
		return byRun
	}
	require.Equal(t, []bool{true}, listed())
	require.NoError(t, c.SetLimit(ctx, "bill#1", adze.LimitSetting{Max: new(3)}))
	require.Equal(t, []bool{false, true}, listed(), "what was set goes for keys of which no run says anything")
}

func TestKeysOfAQueueTakeTurnsByTheirWeights(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := transports["embedded"](t)
	var mu sync.Mutex
	var order []string
	done := make(chan struct{}, 100)
	task := adze.NewTask("bill", func(_ context.Context, b bill) (int, error) {
		mu.Lock()
		order = append(order, b.Customer)
		mu.Unlock()
		done <- struct{}{}
		return b.Number, nil
	}, adze.Queue("accounting"), adze.FairKey("input.customer"))
	stop := work(t, c, task)
	_, err := task.Call(ctx, c, bill{"warm-up", 0}) // it is registered
	require.NoError(t, err)
	stop()
	<-done
	order = order[:0]
	require.NoError(t, c.SetQueue(ctx, "accounting", adze.QueueSetting{Paused: new(true)}))
	require.NoError(t, c.SetQueue(ctx, "accounting", adze.QueueSetting{Key: "customer-1", Weight: new(3.0)}))
	for customer, n := range map[string]int{"customer-0": 40, "customer-1": 30} {
		list := make([]bill, n)
		for i := range list {
			list[i] = bill{customer, i}
		}
		_, err := task.RunMany(ctx, c, list)
		require.NoError(t, err)
	}
	work(t, c, task, adze.Slots(1))
	require.NoError(t, c.SetQueue(ctx, "accounting", adze.QueueSetting{Paused: new(false)}))
	for range 70 {
		select {
		case <-done:
		case <-ctx.Done():
			t.Fatal("the queue stands still")
		}
	}
	heavy := 0
	for _, customer := range order[:40] {
		if customer == "customer-1" {
			heavy++
		}
	}
	require.InDelta(t, 30, heavy, 1, order)
	var listed []adze.QueueSettingInfo
	for q, err := range c.QueueSettings(ctx) {
		require.NoError(t, err)
		listed = append(listed, q)
	}
	require.Len(t, listed, 2)
	require.InDelta(t, 3.0, listed[1].Weight, 0.001)
}

func TestLimitOfWholeRunsHoldsUntilTheyEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, inside := transports["embedded"](t), newCrowd()
	var leave sync.Map
	w := adze.NewWorkflow[bill]("accounts", adze.Limit(adze.ConcurrencyLimit{Key: "input.customer", Max: 2}))
	first := adze.AddTask(w, "first", func(_ context.Context, b bill) (int, error) {
		leave.Store(b.Number, inside.enter(b.Customer))
		return b.Number, nil
	})
	adze.AddTask(w, "last", func(_ context.Context, b bill) (int, error) {
		left, _ := leave.Load(b.Number)
		left.(func())()
		return b.Number, nil
	}, adze.After(first))
	work(t, c, w, adze.Slots(20))
	runs, err := w.RunMany(ctx, c, bills(60, 3))
	require.NoError(t, err)
	for _, r := range runs {
		_, err := r.Result(ctx)
		require.NoError(t, err)
	}
	for customer, most := range inside.peaks() {
		require.LessOrEqual(t, most, 2, customer)
	}
	require.Len(t, inside.peaks(), 3)
}

func TestStrategiesSayWhoIsCancelled(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[adze.Strategy]map[int]bool{ // which of five succeed
		adze.LimitQueue:         {0: true, 1: true, 2: true, 3: true, 4: true},
		adze.LimitFIFO:          {0: true, 1: true, 2: true, 3: true, 4: true},
		adze.LimitCancelRunning: {4: true},
		adze.LimitCancelNewest:  {0: true},
		adze.LimitKeepNewest:    {0: true, 4: true},
		adze.LimitKeepOldest:    {0: true, 1: true},
	} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := transports["embedded"](t)
			began, end := make(chan int, 10), make(chan struct{})
			task := adze.NewTask("bill", func(ctx context.Context, b bill) (int, error) {
				began <- b.Number
				select {
				case <-end:
					return b.Number, nil
				case <-ctx.Done():
					return 0, context.Cause(ctx)
				}
			}, adze.Limit(adze.ConcurrencyLimit{Max: 1, Strategy: strategy}))
			work(t, c, task)
			var runs []*adze.Run[int]
			for i := range 5 {
				r, err := task.Run(ctx, c, bill{Number: i})
				require.NoError(t, err)
				runs = append(runs, r)
				if i == 0 || strategy == adze.LimitCancelRunning {
					require.Equal(t, i, <-began)
				}
			}
			close(end)
			for i, r := range runs {
				_, err := r.Result(ctx)
				require.Equal(t, want[i], err == nil, "run %d: %v", i, err)
				if err != nil {
					require.ErrorContains(t, err, "limit bill#1")
				}
			}
		})
	}
}

func TestLimitAndSettingsSurviveARestart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url := pgtest.URL(t)
	inside, step := newCrowd(), make(chan struct{})
	task := adze.NewTask("bill", func(ctx context.Context, b bill) (int, error) {
		select {
		case <-step:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
		defer inside.enter(b.Customer)()
		return b.Number, nil
	}, adze.Limit(adze.ConcurrencyLimit{Name: "bills", Key: "input.customer", Max: 1}))

	c, err := adze.Open(ctx, url, adze.Logger(quiet))
	require.NoError(t, err)
	stop := work(t, c, task, adze.DrainTimeout(time.Millisecond))
	runs, err := task.RunMany(ctx, c, bills(30, 3))
	require.NoError(t, err)
	require.NoError(t, c.SetLimit(ctx, "bills", adze.LimitSetting{Key: "customer-2", Max: new(3)}))
	step <- struct{}{} // some run, and have places, when the engine ends
	stop()
	require.NoError(t, c.Close())

	close(step)
	c = open(t, url)
	work(t, c, task, adze.Slots(20))
	for _, r := range runs {
		_, err := task.Lookup(c, r.ID).Result(ctx)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, inside.peaks()["customer-0"], 1)
	require.LessOrEqual(t, inside.peaks()["customer-2"], 3)
}

// Of runs with random keys and lengths, submitted while others run and end, no key ever has
// more than its places, whoever waits or is cancelled.
func TestNoStrategyLetsOneTooManyIn(t *testing.T) {
	t.Parallel()
	const most, keys, runs, callers = 2, 3, 40, 3
	for _, strategy := range []adze.Strategy{
		adze.LimitQueue, adze.LimitFIFO, adze.LimitCancelRunning, adze.LimitCancelNewest, adze.LimitKeepNewest, adze.LimitKeepOldest,
	} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c, inside := transports["embedded"](t), newCrowd()
			task := adze.NewTask("bill", func(ctx context.Context, b bill) (int, error) {
				defer inside.enter(b.Customer)()
				timer := time.NewTimer(time.Duration(b.Number) * time.Millisecond)
				defer timer.Stop()
				select {
				case <-timer.C:
				case <-ctx.Done():
					return 0, context.Cause(ctx)
				}
				if b.Number%7 == 0 && adze.Attempt(ctx) == 1 {
					return 0, errors.New("not this time")
				}
				return b.Number, nil
			}, adze.Retries(1), adze.Backoff(time.Millisecond, 1, time.Millisecond),
				adze.Limit(adze.ConcurrencyLimit{Key: "input.customer", Max: most, Strategy: strategy}))
			work(t, c, task, adze.Slots(10))
			work(t, c, task, adze.Slots(10))
			var all errgroup.Group
			for caller := range callers {
				random := rand.New(rand.NewPCG(uint64(caller), 0))
				all.Go(func() error {
					for range runs {
						b := bill{fmt.Sprintf("customer-%d", random.IntN(keys)), random.IntN(20)}
						r, err := task.Run(ctx, c, b, adze.Priority(random.IntN(3)))
						if err != nil {
							return err
						}
						if random.IntN(3) == 0 {
							continue
						}
						var ended *adze.RunError
						if _, err := r.Result(ctx); err != nil && !errors.As(err, &ended) {
							return err
						}
					}
					return nil
				})
			}
			require.NoError(t, all.Wait())
			for customer, n := range inside.peaks() {
				require.LessOrEqual(t, n, most, customer)
			}
		})
	}
}

func TestEventWithoutAKeyForALimitStartsNoRunAndSaysSo(t *testing.T) {
	t.Parallel()
	c := transports["embedded"](t)
	task := adze.NewTask("bill", func(_ context.Context, b bill) (int, error) { return b.Number, nil },
		adze.FairKey("input.customer"), adze.On("order.paid"))
	work(t, c, task)
	_, err := task.Call(t.Context(), c, bill{"customer-0", 0}) // it is registered
	require.NoError(t, err)
	pushed, err := c.Push(t.Context(), "order.paid", map[string]int{"number": 1})
	require.NoError(t, err)
	require.Empty(t, pushed.Runs)
	require.Contains(t, pushed.Warning, "workflow bill")
	require.Contains(t, pushed.Warning, "no such key")
	pushed, err = c.Push(t.Context(), "order.paid", bill{"customer-1", 1})
	require.NoError(t, err)
	require.Len(t, pushed.Runs, 1)
}

func TestQueueIsAsItsWorkflowsDeclareIt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := transports["embedded"](t)
	register := func(name string, options ...adze.QueueOption) {
		task := adze.NewTask(name, func(_ context.Context, b bill) (int, error) { return b.Number, nil }, adze.Queue("mail", options...))
		stop := work(t, c, task)
		_, err := task.Call(ctx, c, bill{})
		require.NoError(t, err)
		stop()
	}
	declared := func() (of []adze.QueueSettingInfo) {
		for q, err := range c.QueueSettings(ctx) {
			require.NoError(t, err)
			of = append(of, q)
		}
		return of
	}
	register("letter", adze.ByCost())
	register("parcel", adze.ByCost())
	register("letter")
	require.Len(t, declared(), 1, "the other one still declares it")
	require.True(t, declared()[0].ByCost)
	register("parcel")
	require.Empty(t, declared())
}
