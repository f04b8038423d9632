package adze_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
)

// soon is an interval that no batch of these tests waits for; briefly is one that passes.
const (
	soon    = time.Hour
	briefly = 200 * time.Millisecond
)

// sizes collects how many items each call of a batch function had.
type sizes struct {
	mu   sync.Mutex
	each []int
}

func (s *sizes) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.each = append(s.each, n)
}

func (s *sizes) all() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.each...)
}

func TestRunsOfABatchShareACallAndHaveResultsOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var calls sizes
		double := adze.NewBatchTask("double", func(_ context.Context, items []int) ([]adze.Result[int], error) {
			calls.add(len(items))
			results := make([]adze.Result[int], len(items))
			for i, n := range items {
				results[i].Output = 2 * n
			}
			return results, nil
		}, adze.BatchSize(3), adze.BatchInterval(soon))
		work(t, c, double)
		runs, err := double.RunMany(ctx, c, []int{1, 2, 3, 4, 5, 6})
		require.NoError(t, err)
		for i, run := range runs {
			got, err := run.Result(ctx)
			require.NoError(t, err)
			require.Equal(t, 2*(i+1), got)
		}
		require.Equal(t, []int{3, 3}, calls.all())
	})
}

func TestABatchThatIsNotFullGoesAfterTheInterval(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		count := adze.NewBatchTask("count", func(_ context.Context, items []string) ([]adze.Result[int], error) {
			return adze.Shared(len(items), len(items)), nil
		}, adze.BatchInterval(briefly))
		work(t, c, count)
		runs, err := count.RunMany(ctx, c, []string{"a", "b"})
		require.NoError(t, err)
		for _, run := range runs {
			got, err := run.Result(ctx)
			require.NoError(t, err)
			require.Equal(t, 2, got)
		}
	})
}

func TestAnItemThatFailsIsTriedAgainWithoutTheOthers(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var calls sizes
		send := adze.NewBatchTask("send", func(ctx context.Context, items []string) ([]adze.Result[int], error) {
			calls.add(len(items))
			results := make([]adze.Result[int], len(items))
			for i, to := range items {
				attempt := adze.Attempt(adze.ItemContext(ctx, i))
				switch {
				case to == "never":
					results[i].Err = adze.NonRetryable(errors.New("no such address"))
				case to == "later" && attempt == 1:
					results[i].Err = errors.New("busy")
				default:
					results[i].Output = attempt
				}
			}
			return results, nil
		}, adze.BatchSize(3), adze.BatchInterval(briefly), adze.Retries(1), adze.Backoff(time.Millisecond, 1, time.Millisecond))
		work(t, c, send)
		runs, err := send.RunMany(ctx, c, []string{"now", "later", "never"})
		require.NoError(t, err)
		attempt, err := runs[0].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, attempt)
		attempt, err = runs[1].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, attempt)
		_, err = runs[2].Result(ctx)
		require.ErrorContains(t, err, "no such address")
		require.Equal(t, []int{3, 1}, calls.all())
	})
}

func TestABatchHasRunsOfOneKey(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		join := adze.NewBatchTask("join", func(_ context.Context, items []map[string]string) ([]adze.Result[string], error) {
			var tenants []string
			for _, one := range items {
				tenants = append(tenants, one["tenant"])
			}
			return adze.Shared(len(items), strings.Join(tenants, "")), nil
		}, adze.BatchSize(2), adze.BatchInterval(soon), adze.BatchKey("input.tenant"), adze.BatchConcurrency(1))
		work(t, c, join)
		var inputs []map[string]string
		for _, tenant := range strings.Split("abbaabba", "") {
			inputs = append(inputs, map[string]string{"tenant": tenant})
		}
		runs, err := join.RunMany(ctx, c, inputs)
		require.NoError(t, err)
		for i, run := range runs {
			got, err := run.Result(ctx)
			require.NoError(t, err)
			require.Equal(t, strings.Repeat(inputs[i]["tenant"], 2), got)
		}
		_, err = join.Run(ctx, c, map[string]string{})
		require.ErrorContains(t, err, "gives no key for its batch")
	})
}

func TestACancelledItemLeavesTheOthersAlone(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		begun := make(chan struct{})
		wait := adze.NewBatchTask("wait", func(ctx context.Context, items []int) ([]adze.Result[int], error) {
			close(begun)
			first := adze.ItemContext(ctx, 0)
			<-first.Done()
			results := adze.Shared(len(items), 7)
			results[0].Err = context.Cause(first)
			return results, ctx.Err()
		}, adze.BatchSize(2), adze.BatchInterval(soon))
		work(t, c, wait)
		runs, err := wait.RunMany(ctx, c, []int{1, 2})
		require.NoError(t, err)
		<-begun
		require.NoError(t, c.Cancel(ctx, runs[0].ID, "enough"))
		_, err = runs[0].Result(ctx)
		require.ErrorIs(t, err, adze.ErrCancelled)
		got, err := runs[1].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 7, got)
	})
}

func TestACancelledItemEndsWhileItsFunctionGoesOn(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		begun, finish := make(chan struct{}), make(chan struct{})
		busy := adze.NewBatchTask("busy", func(_ context.Context, items []int) ([]adze.Result[int], error) {
			close(begun)
			<-finish
			return adze.Shared(len(items), 7), nil
		}, adze.BatchSize(3), adze.BatchInterval(soon))
		work(t, c, busy)
		runs, err := busy.RunMany(ctx, c, []int{1, 2, 3})
		require.NoError(t, err)
		<-begun
		for _, run := range runs[:2] {
			require.NoError(t, c.Cancel(ctx, run.ID, "enough"))
			_, err = run.Result(ctx)
			require.ErrorIs(t, err, adze.ErrCancelled)
		}
		close(finish)
		got, err := runs[2].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 7, got)
	})
}

func TestTheTimeoutOfABatchEndsAllOfIt(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		hang := adze.NewBatchTask("hang", func(ctx context.Context, _ []int) ([]adze.Result[int], error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}, adze.BatchSize(2), adze.BatchInterval(soon), adze.Timeout(briefly))
		work(t, c, hang)
		runs, err := hang.RunMany(ctx, c, []int{1, 2})
		require.NoError(t, err)
		for _, run := range runs {
			_, err = run.Result(ctx)
			require.ErrorContains(t, err, "execution timeout")
		}
	})
}

func TestABatchThatBreaksFailsItsItems(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		odd := adze.NewBatchTask("odd", func(_ context.Context, items []int) ([]adze.Result[int], error) {
			if items[0] < 0 {
				panic("negative")
			}
			return adze.Shared(items[0], 1), nil
		}, adze.BatchSize(2), adze.BatchInterval(briefly))
		text := adze.NewTask[any, int]("odd", nil) // with inputs that the worker cannot decode
		work(t, c, odd)
		for input, want := range map[int]string{-1: "panic: negative", 3: "gave 3 results for 2 items"} {
			runs, err := odd.RunMany(ctx, c, []int{input, input})
			require.NoError(t, err)
			for _, run := range runs {
				_, err = run.Result(ctx)
				require.ErrorContains(t, err, want)
			}
		}
		runs, err := text.RunMany(ctx, c, []any{"one", 1})
		require.NoError(t, err)
		_, err = runs[0].Result(ctx)
		require.ErrorContains(t, err, "decode input")
		got, err := runs[1].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, got)
	})
}

func TestABatchLargerThanAMessageIsReceivedWhole(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		const items = 12
		weigh := adze.NewBatchTask("weigh", func(_ context.Context, items []string) ([]adze.Result[int], error) {
			return adze.Shared(len(items), len(items)), nil
		}, adze.BatchSize(items), adze.BatchInterval(soon), adze.BatchBytes(20<<20))
		work(t, c, weigh)
		inputs := make([]string, items)
		for i := range inputs {
			inputs[i] = strings.Repeat(fmt.Sprint(i%10), 900_000)
		}
		runs, err := weigh.RunMany(ctx, c, inputs)
		require.NoError(t, err)
		for _, run := range runs {
			got, err := run.Result(ctx)
			require.NoError(t, err)
			require.Equal(t, items, got)
		}
	})
}

func TestATaskOfAWorkflowTakesBatches(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w := adze.NewWorkflow[int]("orders")
		price := adze.AddTask(w, "price", func(_ context.Context, in int) (int, error) { return 10 * in, nil })
		book := adze.AddBatchTask(w, "book", func(ctx context.Context, items []int) ([]adze.Result[int], error) {
			results := make([]adze.Result[int], len(items))
			for i := range items {
				results[i].Output, results[i].Err = price.Output(adze.ItemContext(ctx, i))
			}
			return results, nil
		}, adze.After(price), adze.BatchSize(2), adze.BatchInterval(soon))
		work(t, c, w)
		runs, err := w.RunMany(ctx, c, []int{1, 2})
		require.NoError(t, err)
		for i, run := range runs {
			results, err := run.Result(ctx)
			require.NoError(t, err)
			got, err := book.Of(results)
			require.NoError(t, err)
			require.Equal(t, 10*(i+1), got)
		}
	})
}

func TestABatchOutlivesItsEngine(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	database := pgtest.URL(t)
	e := serve(t, database)
	client := dial(t, e)
	began, finish := make(chan struct{}, 10), make(chan struct{})
	long := adze.NewBatchTask("long", func(ctx context.Context, items []int) ([]adze.Result[int], error) {
		began <- struct{}{}
		select {
		case <-finish:
			return adze.Shared(len(items), adze.Attempt(adze.ItemContext(ctx, 0))), nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}, adze.BatchSize(3), adze.BatchInterval(soon), adze.BatchConcurrency(1))
	work(t, client, long)
	runs, err := long.RunMany(ctx, client, []int{1, 2, 3})
	require.NoError(t, err)
	<-began

	e.stop()
	serveAt(t, database, e.address)

	more, err := long.RunMany(ctx, client, []int{4, 5, 6})
	require.NoError(t, err)
	select {
	case <-began:
		t.Fatal("a second batch of the key runs beside the first")
	case <-time.After(briefly):
	}
	close(finish)
	for _, run := range append(runs, more...) {
		attempt, err := run.Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, attempt, "the worker comes back with all of its batch")
	}
	require.Len(t, began, 1)
}
