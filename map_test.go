package adze_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

// upTo is a workflow with a task that gives the numbers below its input.
func upTo(name string) (*adze.Workflow[int], *adze.Node[[]int]) {
	w := adze.NewWorkflow[int](name)
	return w, adze.AddTask(w, "numbers", func(_ context.Context, n int) ([]int, error) {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all, nil
	})
}

// taskError is why a task of a run failed.
func taskError(t *testing.T, env *adzetest.Env, run adze.ID, name string) string {
	t.Helper()
	info, err := env.Client.Get(t.Context(), run)
	require.NoError(t, err)
	for _, task := range info.Tasks {
		if task.Name == name {
			return task.Error
		}
	}
	return ""
}

func runsNamed(t *testing.T, env *adzetest.Env, task string) (all []adze.RunInfo) {
	t.Helper()
	for info, err := range env.Client.List(t.Context(), adze.Filter{Task: task}) {
		require.NoError(t, err)
		all = append(all, info)
	}
	return all
}

func TestAMapGivesWhatItsElementsGaveInTheirOrderToTheTaskAfterIt(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("sum")
		squares := adze.AddMap(w, "square", numbers, func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Duration(n*7%5) * time.Minute)
			return n * n, nil
		}, adze.Concurrency(7))
		sum := adze.AddTask(w, "sum", func(ctx context.Context, _ int) (int, error) {
			all, err := squares.Output(ctx)
			sum := 0
			for _, n := range all {
				sum += n
			}
			return sum, err
		}, adze.After(squares))
		env.Work(w, adze.Slots(100))
		results, err := w.Call(t.Context(), env.Client, 40)
		require.NoError(t, err)
		all, err := squares.Of(results)
		require.NoError(t, err)
		require.Len(t, all, 40)
		for i, n := range all {
			require.Equal(t, i*i, n)
		}
		n, err := sum.Of(results)
		require.NoError(t, err)
		require.Equal(t, 39*40*79/6, n)
		require.Len(t, runsNamed(t, env, "sum:square.each"), 40, "each is a run of its own")
	})
}

func TestNoMoreElementsRunAtATimeThanAMapSays(t *testing.T) {
	t.Parallel()
	for _, lanes := range []int{1, 2, 3, 10, 31, 64, 1000} {
		t.Run(fmt.Sprint(lanes), func(t *testing.T) {
			t.Parallel()
			adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
				var open, most atomic.Int32
				w, numbers := upTo("wide")
				naps := adze.AddMap(w, "nap", numbers, func(_ context.Context, n int) (int, error) {
					now := open.Add(1)
					defer open.Add(-1)
					for {
						before := most.Load()
						if now <= before || most.CompareAndSwap(before, now) {
							break
						}
					}
					time.Sleep(time.Duration(1+n*7%13) * time.Minute)
					return n, nil
				}, adze.Concurrency(lanes))
				env.Work(w, adze.Slots(2_000))
				const elements = 200
				results, err := w.Call(t.Context(), env.Client, elements)
				require.NoError(t, err)
				all, err := naps.Of(results)
				require.NoError(t, err)
				require.Len(t, all, elements)
				require.EqualValues(t, min(lanes, elements), most.Load())
			})
		})
	}
}

func TestAnElementIsTriedAgainByItself(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("stubborn")
		attempts := adze.AddMap(w, "try", numbers, func(ctx context.Context, n int) (int, error) {
			if n == 3 && adze.Attempt(ctx) < 4 {
				return 0, errors.New("not yet")
			}
			return adze.Attempt(ctx), nil
		}, adze.Retries(5), adze.Backoff(time.Hour, 1, time.Hour))
		env.Work(w)
		results, err := w.Call(t.Context(), env.Client, 6)
		require.NoError(t, err)
		all, err := attempts.Of(results)
		require.NoError(t, err)
		require.Equal(t, []int{1, 1, 1, 4, 1, 1}, all)
	})
}

func TestTheFailureOfAnElementFailsTheMapAndCancelsWhatIsOpen(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("fragile")
		adze.AddMap(w, "break", numbers, func(ctx context.Context, n int) (int, error) {
			if n == 2 {
				return 0, errors.New("out of paper")
			}
			select {
			case <-time.After(time.Duration(n) * time.Hour):
			case <-ctx.Done():
			}
			return n, ctx.Err()
		}, adze.Concurrency(4))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 100)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		text := taskError(t, env, run.ID, "break")
		require.Contains(t, text, "element 2: ")
		require.Contains(t, text, "out of paper")
		require.Less(t, env.Now().Sub(adzetest.Start), 2*time.Hour, "it waits for none of the slow ones")
		env.Settle()
		runs := runsNamed(t, env, "fragile:break.each")
		require.Less(t, len(runs), 10)
		for _, run := range runs {
			require.True(t, run.Status.Ended(), run.Status)
		}
	})
}

func TestAMapOfOutcomesGoesOnPastElementsThatFail(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("tolerant")
		halves := adze.AddMapOutcomes(w, "halve", numbers, func(_ context.Context, n int) (int, error) {
			if n%2 == 1 {
				return 0, fmt.Errorf("%d is odd", n)
			}
			return n / 2, nil
		}, adze.Concurrency(2))
		env.Work(w)
		results, err := w.Call(t.Context(), env.Client, 5)
		require.NoError(t, err)
		all, err := halves.Of(results)
		require.NoError(t, err)
		require.Equal(t, []adze.Outcome[int]{{Output: 0}, {Error: "1 is odd"}, {Output: 1}, {Error: "3 is odd"}, {Output: 2}}, all)
	})
}

func TestAMapOverNothingGivesNothing(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("empty")
		first := adze.AddTask(w, "first", func(_ context.Context, n int) (int, error) { return n, nil })
		skipped := adze.AddTask(w, "skipped", func(context.Context, int) ([]int, error) { return []int{1}, nil }, adze.SkipIf(first, "true"))
		null := adze.AddTask(w, "null", func(context.Context, int) ([]int, error) { return nil, nil })
		same := func(_ context.Context, n int) (int, error) { return n, nil }
		overSkipped := adze.AddMap(w, "over-skipped", skipped, same, adze.After(first))
		overNull := adze.AddMap(w, "over-null", null, same)
		env.Work(w)
		results, err := w.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.JSONEq(t, `[]`, string(results[overSkipped.Name()]))
		require.JSONEq(t, `[]`, string(results[overNull.Name()]))
		require.Empty(t, runsNamed(t, env, "empty:over-null.each"))
	})
}

func TestElementsAreCancelledWithTheirRun(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("long")
		adze.AddMap(w, "wait", numbers, func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}, adze.Concurrency(3))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 10)
		require.NoError(t, err)
		env.Advance(time.Hour)
		require.NoError(t, run.Cancel(t.Context(), "enough"))
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, adze.ErrCancelled)
		env.Advance(time.Minute)
		runs := runsNamed(t, env, "long:wait.each")
		require.Len(t, runs, 3)
		for _, run := range runs {
			require.Equal(t, adze.Cancelled, run.Status)
		}
	})
}

func TestAMapTakesTenThousandElementsAndNotOneMore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("large")
		same := adze.AddMap(w, "same", numbers, func(_ context.Context, n int) (int, error) { return n, nil }, adze.Concurrency(1_000))
		env.Work(w, adze.Slots(1_000))
		results, err := w.Call(t.Context(), env.Client, adze.ElementsMax)
		require.NoError(t, err)
		all, err := same.Of(results)
		require.NoError(t, err)
		require.Len(t, all, adze.ElementsMax)
		run, err := w.Run(t.Context(), env.Client, adze.ElementsMax+1)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.Error(t, err)
		require.Contains(t, taskError(t, env, run.ID, "same"), "10001 elements, a map takes at most 10000")
	})
}

func TestAMapIsExportedAndImported(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("shape")
		adze.AddMap(w, "each", numbers, func(_ context.Context, n int) (int, error) { return n, nil })
		env.Work(w)
		exported, err := env.Client.Export(t.Context(), "shape")
		require.NoError(t, err)
		require.Contains(t, string(exported), `"map":{"over":"numbers","workflow":"shape:each.each","concurrency":100}`)
		_, err = env.Client.Import(t.Context(), exported)
		require.NoError(t, err)
		again, err := env.Client.Export(t.Context(), "shape")
		require.NoError(t, err)
		require.Equal(t, string(exported), string(again))
	})
}

func TestAMapMayRunOnWorkersOfAnotherProgramThanItsList(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		lists := adze.NewWorkflow[int]("split")
		numbers := adze.AddTask(lists, "numbers", func(context.Context, int) ([]any, error) { return []any{1, "two"}, nil })
		adze.AddMap[int, any, any](lists, "same", numbers, nil)
		maps := adze.NewWorkflow[int]("split")
		numbers = adze.AddTask[int, []any](maps, "numbers", nil)
		same := adze.AddMap(maps, "same", numbers, func(_ context.Context, one any) (any, error) { return one, nil })
		env.Work(lists)
		env.Work(maps)
		results, err := lists.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.JSONEq(t, `[1, "two"]`, string(results[same.Name()]))
	})
}

func TestAMapIsRegisteredWithTheOptionsOfItsElementsApart(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("apart", adze.Retries(2), adze.Timeout(time.Hour))
		list := adze.AddTask(w, "list", func(context.Context, int) ([]int, error) { return nil, nil })
		adze.AddMap(w, "each", list, func(_ context.Context, n int) (int, error) { return n, nil },
			adze.Retries(7), adze.Concurrency(5), adze.Description("one by one"))
		env.Work(w)
		var whole, part struct {
			Description string
			Tasks       []struct {
				Retries            int
				ExecutionTimeoutMS int64 `json:"execution_timeout_ms"`
				Durable            bool
				Description        string
				Map                *struct{ Concurrency int }
			}
		}
		for name, definition := range map[string]any{"apart": &whole, "apart:each.each": &part} {
			exported, err := env.Client.Export(t.Context(), name)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(exported, definition))
		}
		mapped, element := whole.Tasks[1], part.Tasks[0]
		require.True(t, mapped.Durable)
		require.Zero(t, mapped.ExecutionTimeoutMS)
		require.Equal(t, 5, mapped.Map.Concurrency)
		require.Equal(t, "one by one", mapped.Description)
		require.Equal(t, 7, element.Retries)
		require.EqualValues(t, 3_600_000, element.ExecutionTimeoutMS)
		require.False(t, element.Durable)
	})
}

func TestConcurrencyIsForMapsOnly(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w, numbers := upTo("misplaced")
		adze.AddTask(w, "plain", func(_ context.Context, n int) (int, error) { return n, nil }, adze.After(numbers), adze.Concurrency(5))
		err := env.Client.Work(t.Context(), w)
		require.ErrorIs(t, err, adze.ErrInvalid)
		require.ErrorContains(t, err, "tasks[1].map.over")
	})
}
