package trip_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/trip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agency notes what is booked.
type agency struct {
	mu     sync.Mutex
	booked map[string]bool
	full   bool
}

func (a *agency) note(what string, booked bool) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.booked == nil {
		a.booked = map[string]bool{}
	}
	a.booked[what] = booked
	return what, nil
}

func (a *agency) Flight(_ context.Context, _ adze.ID, to string) (string, error) {
	return a.note("flight to "+to, true)
}

func (a *agency) Room(_ context.Context, _ adze.ID, to string, _ int) (string, error) {
	if a.full {
		return "", adze.NonRetryable(context.DeadlineExceeded)
	}
	return a.note("room in "+to, true)
}

func (a *agency) Undo(_ context.Context, _, booking string) error {
	_, err := a.note(booking, false)
	return err
}

func begin(t *testing.T, env *adzetest.Env, a *agency, in trip.Trip) (*trip.Tasks, *adze.Run[string]) {
	t.Helper()
	tasks := trip.New(a)
	env.Work(tasks.Book, tasks.Flight, tasks.Room)
	run, err := tasks.Book.Run(t.Context(), env.Client, in)
	require.NoError(t, err)
	env.Advance(time.Minute)
	return tasks, run
}

func TestATripIsConfirmedByItsTraveller(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		_, run := begin(t, env, &agency{}, trip.Trip{To: "Oslo"})

		stage, err := adze.GetValue[string](t.Context(), env.Client, run.ID, "stage")
		require.NoError(t, err)
		require.Equal(t, "waiting for you", stage)

		_, err = adze.Update[trip.Confirmation, string](t.Context(), env.Client, run.ID, "confirm", trip.Confirmation{Code: "1"})
		require.ErrorContains(t, err, "that is not your code")

		answer, err := adze.Update[trip.Confirmation, string](t.Context(), env.Client, run.ID, "confirm", trip.Confirmation{Code: "4711"})
		require.NoError(t, err)
		require.Equal(t, "have a good trip", answer)

		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "flight to Oslo, room in Oslo", out)
	})
}

func TestATripThatNobodyConfirmsIsUndone(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		a := &agency{}
		_, run := begin(t, env, a, trip.Trip{To: "Oslo", Express: true})
		_, err := run.Result(t.Context())
		require.ErrorContains(t, err, trip.ErrNotConfirmed.Error())
		require.Equal(t, map[string]bool{"flight to Oslo": false, "room in Oslo": false}, a.booked)
		require.Less(t, env.Now().Sub(adzetest.Start), 2*time.Hour)
	})
}

func TestATripIsStoppedByASignal(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		_, run := begin(t, env, &agency{}, trip.Trip{To: "Oslo"})
		require.NoError(t, run.Signal(t.Context(), "stop", "too cold"))
		_, err := run.Result(t.Context())
		require.ErrorContains(t, err, "stopped: too cold")
	})
}

func TestWithoutARoomThereIsNoFlight(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		a := &agency{full: true}
		tasks, run := begin(t, env, a, trip.Trip{To: "Oslo"})
		_, err := run.Result(t.Context())
		require.Error(t, err)
		require.Equal(t, map[string]bool{"flight to Oslo": false}, a.booked)

		a.full = false
		again, err := env.Client.Fork(t.Context(), run.ID, adze.FromStep("trip/room"))
		require.NoError(t, err)
		env.Advance(time.Minute)
		require.NoError(t, env.Client.Signal(t.Context(), again, "stop", "enough"))
		_, err = tasks.Book.Lookup(env.Client, again).Result(t.Context())
		require.ErrorContains(t, err, "enough")
	})
}
