package adze_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

type payment struct {
	Amount int `json:"amount"`
}

func TestAnEventIsWaitedForByScopeAndCondition(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewDurable("payer", func(ctx context.Context, user string) (int, error) {
			p, err := adze.WaitEvent[payment](ctx, "paid", adze.Scope(user), adze.If(`event.amount > 10`))
			return p.Amount, err
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "ada")
		require.NoError(t, err)
		env.Advance(time.Minute)
		for _, e := range []struct {
			scope  string
			amount int
		}{{"bob", 20}, {"ada", 5}, {"ada", 30}, {"ada", 40}} {
			_, err := env.Client.Push(t.Context(), "paid", payment{e.amount}, adze.Scope(e.scope))
			require.NoError(t, err)
		}
		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, 30, out)
	})
}

func TestLookBackFindsWhatCameBeforeAndEachOnce(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewDurable("collector", func(ctx context.Context, n int) (sum int, err error) {
			for range n {
				p, err := adze.WaitEvent[payment](ctx, "paid", adze.LookBack(time.Hour))
				if err != nil {
					return 0, err
				}
				sum = 10*sum + p.Amount
			}
			return sum, adze.Sleep(ctx, time.Minute)
		})
		env.Work(task)
		push := func(amount int) {
			_, err := env.Client.Push(t.Context(), "paid", payment{amount})
			require.NoError(t, err)
		}
		push(9)
		env.Advance(2 * time.Hour)
		push(1)
		push(2)
		env.Advance(time.Minute)
		run, err := task.Run(t.Context(), env.Client, 3)
		require.NoError(t, err)
		env.Advance(time.Minute)
		push(3)
		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, 123, out)
	})
}

func TestSignalsComeInOrderAndNoneIsMissed(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewDurable("listener", func(ctx context.Context, _ int) (all []string, err error) {
			if err := adze.Sleep(ctx, time.Hour); err != nil {
				return nil, err
			}
			for range 3 {
				word, err := adze.WaitSignal[string](ctx, "word")
				if err != nil {
					return nil, err
				}
				all = append(all, word)
			}
			return all, nil
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		other, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.NoError(t, run.Signal(t.Context(), "word", "a"))
		require.NoError(t, other.Signal(t.Context(), "word", "x"))
		require.NoError(t, run.Signal(t.Context(), "word", "b"))
		env.Advance(2 * time.Hour)
		require.NoError(t, run.Signal(t.Context(), "word", "c"))
		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b", "c"}, out)

		require.ErrorIs(t, run.Signal(t.Context(), "word", "d"), adze.ErrConflict, "it has ended")
		require.ErrorIs(t, env.Client.Signal(t.Context(), other.ID+1, "word", "d"), adze.ErrNotFound)
		require.NoError(t, other.Cancel(t.Context(), ""))
	})
}

func TestASignalStartsNoRuns(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewDurable("self", func(ctx context.Context, _ string) (string, error) {
			return adze.WaitSignal[string](ctx, "go")
		}, adze.On("*"))
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		require.NoError(t, run.Signal(t.Context(), "go", "on"))
		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "on", out)
		require.Equal(t, run.ID, runOf(t, env), "there is one run")
	})
}

func TestAnUpdateIsAnsweredOrRejectedOrItsRunEnds(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		account := adze.NewDurable("account", func(ctx context.Context, balance int) (int, error) {
			for balance > 0 {
				withdraw, err := adze.WaitUpdate[int, int](ctx, "withdraw")
				if err != nil {
					return 0, err
				}
				if withdraw.Input() > balance {
					err = withdraw.Reject(ctx, errors.New("too much"))
				} else {
					balance -= withdraw.Input()
					err = withdraw.Reply(ctx, balance)
				}
				if err != nil {
					return 0, err
				}
			}
			return balance, adze.Sleep(ctx, time.Hour)
		})
		env.Work(account)
		run, err := account.Run(t.Context(), env.Client, 100)
		require.NoError(t, err)

		left, err := adze.Update[int, int](t.Context(), env.Client, run.ID, "withdraw", 30)
		require.NoError(t, err)
		require.Equal(t, 70, left)
		env.Advance(time.Hour)
		_, err = adze.Update[int, int](t.Context(), env.Client, run.ID, "withdraw", 80)
		var rejected *adze.UpdateError
		require.ErrorAs(t, err, &rejected)
		require.Equal(t, "too much", rejected.Text)
		left, err = adze.Update[int, int](t.Context(), env.Client, run.ID, "withdraw", 70)
		require.NoError(t, err)
		require.Zero(t, left)

		_, err = adze.Update[int, int](t.Context(), env.Client, run.ID, "withdraw", 1)
		require.ErrorIs(t, err, adze.ErrConflict)
		require.ErrorContains(t, err, "ended before it answered")
	})
}

func TestAPublishedValueIsReadWithoutWaking(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		task := adze.NewDurable("progress", func(ctx context.Context, _ int) (int, error) {
			j.note("called")
			for i := range 3 {
				if err := adze.SetValue(ctx, "done", i+1); err != nil {
					return 0, err
				}
			}
			return 0, adze.Sleep(ctx, time.Hour)
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Settle()
		n, err := adze.GetValue[int](t.Context(), env.Client, run.ID, "done")
		require.NoError(t, err)
		require.Equal(t, 3, n)
		_, err = adze.GetValue[int](t.Context(), env.Client, run.ID, "left")
		require.ErrorIs(t, err, adze.ErrNotFound)
		require.Equal(t, []string{"called"}, j.all())
	})
}

func TestAnyAndAllCombine(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewDurable("both", func(ctx context.Context, _ int) (string, error) {
			paid, vouched := adze.OnSignal[int]("paid"), adze.OnSignal[string]("vouched")
			packed := adze.OnSignal[bool]("packed")
			if err := adze.All(ctx, adze.Either(paid, vouched), packed); err != nil {
				return "", err
			}
			if paid.Met() {
				return "paid", nil
			}
			return vouched.Payload(), nil
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		for _, name := range []string{"vouched", "packed"} {
			env.Advance(time.Minute)
			require.Equal(t, adze.Waiting, env.Status(run.ID))
			var payload any = "bob"
			if name == "packed" {
				payload = true
			}
			require.NoError(t, run.Signal(t.Context(), name, payload))
		}
		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "bob", out)
	})
}

func TestAForkKeepsWhatWasBeforeAStep(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		task := adze.NewDurable("forked", func(ctx context.Context, in string) (string, error) {
			a, err := j.give(ctx, "a")
			if err != nil {
				return "", err
			}
			if err := adze.Sleep(ctx, time.Hour); err != nil {
				return "", err
			}
			b, err := j.give(ctx, "b")
			return in + a + b, err
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "x")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)

		fork, err := env.Client.Fork(t.Context(), run.ID, adze.FromStep("b"), adze.WithInput("y"))
		require.NoError(t, err)
		out, err := task.Lookup(env.Client, fork).Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "yab", out)
		require.Equal(t, []string{"a", "b", "b"}, j.all())
		require.Equal(t, time.Hour, env.Now().Sub(adzetest.Start), "the sleep is over")
		info, err := env.Client.Get(t.Context(), fork)
		require.NoError(t, err)
		require.Equal(t, run.ID, info.ReplayOf)
		require.Len(t, info.Log, 3)
		require.Equal(t, "wait", info.Log[1].Kind)
		require.Len(t, info.Log[1].Mets, 1)
		_, err = env.Client.Fork(t.Context(), run.ID, adze.FromStep("c"))
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}
