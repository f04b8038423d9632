package adzetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

// echo is a task that gives its own name.
func echo(w *adze.Workflow[int], name string, options ...adze.NodeOption) *adze.Node[string] {
	return adze.AddTask(w, name, func(context.Context, int) (string, error) { return name, nil }, options...)
}

func statuses(t *testing.T, env *adzetest.Env, run adze.ID) map[string]adze.Status {
	t.Helper()
	info, err := env.Client.Get(t.Context(), run)
	require.NoError(t, err)
	all := map[string]adze.Status{}
	for _, task := range info.Tasks {
		all[task.Name] = task.Status
	}
	return all
}

func TestChildrenSeeTheOutputsOfTheirParents(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("sum")
		double := adze.AddTask(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		square := adze.AddTask(w, "square", func(_ context.Context, n int) (int, error) { return n * n, nil })
		sum := adze.AddTask(w, "sum", func(ctx context.Context, n int) (string, error) {
			a, err := double.Output(ctx)
			if err != nil {
				return "", err
			}
			b, err := square.Output(ctx)
			return fmt.Sprintf("%d+%d of %d", a, b, n), err
		}, adze.After(double, square))
		env.Work(w)

		results, err := w.Call(t.Context(), env.Client, 5)

		require.NoError(t, err)
		text, err := sum.Of(results)
		require.NoError(t, err)
		require.Equal(t, "10+25 of 5", text)
		n, err := square.Of(results)
		require.NoError(t, err)
		require.Equal(t, 25, n)
	})
}

func TestIndependentTasksRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("wide")
		for i := range 10 {
			adze.AddTask(w, fmt.Sprintf("t%d", i), func(context.Context, int) (int, error) {
				time.Sleep(time.Hour)
				return 0, nil
			})
		}
		env.Work(w, adze.Slots(10))
		_, err := w.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.InDelta(t, time.Hour, env.Now().Sub(adzetest.Start), float64(time.Second))
	})
}

func TestSkippedTaskIsSteppedOverAndItsOnlyChildIsSkippedToo(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("skipping")
		total := adze.AddTask(w, "total", func(_ context.Context, n int) (map[string]int, error) {
			return map[string]int{"total": n}, nil
		})
		bill := echo(w, "bill", adze.SkipIf(total, `output.total == 0`))
		echo(w, "remind", adze.After(bill))
		var seen atomic.Value
		adze.AddTask(w, "ship", func(ctx context.Context, _ int) (int, error) {
			if _, err := bill.Output(ctx); err != nil {
				seen.Store(err)
			}
			return 0, nil
		}, adze.After(total, bill))
		env.Work(w)

		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		results, err := run.Result(t.Context())
		require.NoError(t, err)

		require.Equal(t, map[string]adze.Status{
			"total": adze.Succeeded, "bill": adze.Skipped, "remind": adze.Skipped, "ship": adze.Succeeded,
		}, statuses(t, env, run.ID))
		require.ErrorIs(t, seen.Load().(error), adze.ErrNoOutput)
		_, err = bill.Of(results)
		require.ErrorIs(t, err, adze.ErrNoOutput)

		results, err = w.Call(t.Context(), env.Client, 7)
		require.NoError(t, err)
		require.Len(t, results, 4)
	})
}

func TestConditionToCancelEndsTheRunAsCancelled(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("cancelling")
		check := echo(w, "check")
		pay := echo(w, "pay", adze.CancelIf(check, `output == "check"`))
		echo(w, "ship", adze.After(pay))
		env.Work(w)

		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		results, err := run.Result(t.Context())

		require.ErrorIs(t, err, adze.ErrCancelled)
		require.Equal(t, map[string]adze.Status{
			"check": adze.Succeeded, "pay": adze.Cancelled, "ship": adze.Cancelled,
		}, statuses(t, env, run.ID))
		text, err := check.Of(results)
		require.NoError(t, err, "what succeeded is told all the same")
		require.Equal(t, "check", text)
	})
}

func TestConditionThatCannotBeEvaluatedCancels(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("unclear")
		check := echo(w, "check")
		echo(w, "pay", adze.SkipIf(check, `output.total == 0`))
		env.Work(w)
		_, err := w.Call(t.Context(), env.Client, 0)
		require.ErrorIs(t, err, adze.ErrCancelled)
	})
}

// fragile fails at "charge" as long as broken is set.
func fragile(broken *atomic.Bool, calls *sync.Map) (w *adze.Workflow[int], refunded *atomic.Value) {
	refunded = &atomic.Value{}
	count := func(name string) {
		n, _ := calls.LoadOrStore(name, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
	}
	w = adze.NewWorkflow[int]("fragile", adze.Retries(1), adze.Backoff(time.Minute, 1, time.Minute))
	reserve := adze.AddTask(w, "reserve", func(context.Context, int) (string, error) {
		count("reserve")
		return "shelf 7", nil
	})
	charge := adze.AddTask(w, "charge", func(context.Context, int) (string, error) {
		count("charge")
		if broken.Load() {
			return "", errors.New("card refused")
		}
		return "paid", nil
	})
	adze.AddTask(w, "ship", func(ctx context.Context, _ int) (string, error) {
		count("ship")
		shelf, err := reserve.Output(ctx)
		return "from " + shelf, err
	}, adze.After(reserve, charge))
	w.OnFailure("refund", func(ctx context.Context, _ int) error {
		count("refund")
		refunded.Store(adze.Failures(ctx))
		return nil
	})
	w.OnSuccess("thank", func(context.Context, int) error { count("thank"); return nil })
	return w, refunded
}

func TestFailureOfATaskIsToldToItsHandlerAndKeepsWhatSucceeded(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var broken atomic.Bool
		broken.Store(true)
		w, refunded := fragile(&broken, new(sync.Map))
		env.Work(w)

		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		results, err := run.Result(t.Context())

		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, adze.Failed, failed.Status)
		require.Contains(t, failed.Text, "charge")
		require.Contains(t, results, "reserve")
		require.Equal(t, []adze.TaskFailure{{Task: "charge", Text: "card refused"}}, refunded.Load())
		require.Equal(t, map[string]adze.Status{
			"reserve": adze.Succeeded, "charge": adze.Failed, "ship": adze.Cancelled,
			"refund": adze.Succeeded, "thank": adze.Skipped,
		}, statuses(t, env, run.ID))
		require.GreaterOrEqual(t, env.Now().Sub(adzetest.Start), 30*time.Second, "the workflow's back-off is its tasks'")
	})
}

func TestReplayOfWhatFailedRunsOnlyThat(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var broken atomic.Bool
		broken.Store(true)
		var calls sync.Map
		w, _ := fragile(&broken, &calls)
		env.Work(w)
		first, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		_, err = first.Result(t.Context())
		require.Error(t, err)
		broken.Store(false)

		second, err := env.Client.ReplayFailed(t.Context(), first.ID)
		require.NoError(t, err)
		results, err := w.Lookup(env.Client, second).Result(t.Context())
		require.NoError(t, err)
		require.JSONEq(t, `"from shelf 7"`, string(results["ship"]))
		require.Equal(t, map[string]adze.Status{
			"reserve": adze.Succeeded, "charge": adze.Succeeded, "ship": adze.Succeeded,
			"refund": adze.Skipped, "thank": adze.Succeeded,
		}, statuses(t, env, second))
		requireCalls(t, &calls, map[string]int32{"reserve": 1, "charge": 3, "ship": 1, "refund": 1, "thank": 1})

		third, err := env.Client.Replay(t.Context(), first.ID)
		require.NoError(t, err)
		_, err = w.Lookup(env.Client, third).Result(t.Context())
		require.NoError(t, err)
		requireCalls(t, &calls, map[string]int32{"reserve": 2, "charge": 4, "ship": 2, "refund": 1, "thank": 2})
		info, err := env.Client.Get(t.Context(), third)
		require.NoError(t, err)
		require.Equal(t, first.ID, info.ReplayOf)
	})
}

func requireCalls(t *testing.T, calls *sync.Map, want map[string]int32) {
	t.Helper()
	got := map[string]int32{}
	calls.Range(func(name, n any) bool {
		got[name.(string)] = n.(*atomic.Int32).Load()
		return true
	})
	require.Equal(t, want, got)
}

func TestCancelledRunStopsWhatRunsAndNeverBeginsTheRest(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("long")
		var cause atomic.Value
		first := adze.AddTask(w, "first", func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			cause.Store(context.Cause(ctx))
			return 0, ctx.Err()
		})
		echo(w, "second", adze.After(first))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Advance(time.Minute)
		require.Equal(t, adze.Running, env.Status(run.ID))
		require.Equal(t, map[string]adze.Status{"first": adze.Running, "second": adze.Waiting}, statuses(t, env, run.ID))

		require.NoError(t, run.Cancel(t.Context(), "changed my mind"))
		_, err = run.Result(t.Context())

		require.ErrorIs(t, err, adze.ErrCancelled)
		require.ErrorContains(t, err, "changed my mind")
		require.Equal(t, adze.ErrCancelled, cause.Load())
		require.Equal(t, map[string]adze.Status{"first": adze.Cancelled, "second": adze.Cancelled}, statuses(t, env, run.ID))
	})
}

func TestRunsOfWorkflowsAreListedOnceEach(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("pair")
		echo(w, "b", adze.After(echo(w, "a")))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		var listed []adze.ID
		for info, err := range env.Client.List(t.Context(), adze.Filter{}) {
			require.NoError(t, err)
			require.Equal(t, adze.Succeeded, info.Status)
			listed = append(listed, info.ID)
		}
		require.Equal(t, []adze.ID{run.ID}, listed)
	})
}

func TestTasksOfARunKnowTheRunAndThemselves(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("ids")
		type ids struct{ Run, Task adze.ID }
		ask := func(ctx context.Context, _ int) (ids, error) {
			return ids{adze.RunID(ctx), adze.TaskID(ctx)}, nil
		}
		a := adze.AddTask(w, "a", ask)
		b := adze.AddTask(w, "b", ask)
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		results, err := run.Result(t.Context())
		require.NoError(t, err)
		ofA, err := a.Of(results)
		require.NoError(t, err)
		ofB, err := b.Of(results)
		require.NoError(t, err)
		require.Equal(t, run.ID, ofA.Run)
		require.Equal(t, run.ID, ofB.Run)
		require.NotEqual(t, ofA.Task, ofB.Task)
	})
}

func TestOutputOfATaskThatIsNoParentIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("strangers")
		a := echo(w, "a")
		adze.AddTask(w, "b", func(ctx context.Context, _ int) (string, error) { return a.Output(ctx) })
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.Error(t, err)
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		require.Contains(t, info.Tasks[1].Error, "is not a parent of b; add adze.After")
	})
}

func TestWorkflowOfOneTaskHasResultsToo(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("sole")
		only := echo(w, "only")
		env.Work(w)
		results, err := w.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		text, err := only.Of(results)
		require.NoError(t, err)
		require.Equal(t, "only", text)
	})
}

func TestTasksOfOneWorkflowMayRunOnWorkersOfDifferentPrograms(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		program := func(a, b func(context.Context, int) (string, error)) *adze.Workflow[int] {
			w := adze.NewWorkflow[int]("shared")
			first := adze.AddTask(w, "first", a)
			adze.AddTask(w, "second", b, adze.After(first))
			return w
		}
		say := func(text string) func(context.Context, int) (string, error) {
			return func(context.Context, int) (string, error) { return text, nil }
		}
		env.Work(program(say("one"), nil))
		env.Work(program(nil, say("two")))
		results, err := adze.NewWorkflow[int]("shared").Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.JSONEq(t, `"one"`, string(results["first"]))
		require.JSONEq(t, `"two"`, string(results["second"]))
	})
}

func TestImportOfAnExportChangesNothing(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[int]("exported", adze.Retries(2), adze.Description("all of it"))
		a := echo(w, "a", adze.Description("the first"))
		echo(w, "b", adze.SkipIf(a, `output == ""`), adze.Timeout(time.Minute))
		w.OnFailure("c", func(context.Context, int) error { return nil })
		env.Work(w)
		exported, err := env.Client.Export(t.Context(), "exported")
		require.NoError(t, err)
		name, err := env.Client.Import(t.Context(), exported)
		require.NoError(t, err)
		require.Equal(t, "exported", name)
		again, err := env.Client.Export(t.Context(), "exported")
		require.NoError(t, err)
		require.Equal(t, string(exported), string(again))
		require.Contains(t, string(exported), `"description":"the first"`)
	})
}

func TestBadImportIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		for definition, says := range map[string]string{
			`{"name":"w","tasks":[{"name":"a"},{"name":"b","parents":["a"],"skip_if":[{"parent":"a","expression":"zip"}]}]}`: "tasks[1].skip_if[0].expression: at column 1",
			`{"name":"w","tasks":[{"name":"a","parent":["b"]}]}`:                                                             `unknown field "parent"`,
			"{\n\"name\":\"w\",\n\"tasks\":7}":                                                                               "line 3",
			"{\n":                                                                                                            "unexpected EOF",
			`{"name":"w","tasks":[{}]} {}`:                                                                                   "something follows",
		} {
			_, err := env.Client.Import(t.Context(), []byte(definition))
			require.ErrorIs(t, err, adze.ErrInvalid)
			require.ErrorContains(t, err, says)
		}
		_, err := env.Client.Export(t.Context(), "nobody")
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}
