package trip_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/trip"
	"github.com/adzehq/adze/internal/guidetest"
)

var record = flag.Bool("record", false, "record the history in testdata anew")

func TestABookingThatCannotBeUndoneAtOnceIsTriedAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		a := &agency{}
		env.FailStep("undo room in Oslo", errors.New("hotel does not answer"), 5)
		_, run := begin(t, env, a, trip.Trip{To: "Oslo"})

		_, err := run.Result(t.Context()) // nobody confirms

		require.ErrorContains(t, err, "nobody confirmed")
		require.Equal(t, map[string]bool{"flight to Oslo": false, "room in Oslo": false}, a.booked)
	})
}

func TestAWorkerThatDiesAfterTheFlightBooksNoSecondOne(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.CrashAfter("trip/flight")
		_, run := begin(t, env, &agency{}, trip.Trip{To: "Oslo"})

		require.NoError(t, run.Signal(t.Context(), "stop", "enough"))
		_, err := run.Result(t.Context())

		require.ErrorContains(t, err, "enough")
		flights := 0
		for range env.Client.List(t.Context(), adze.Filter{Task: "trip/flight"}) {
			flights++
		}
		require.Equal(t, 1, flights)
	})
}

func TestATripSurvivesADeathAtEachLine(t *testing.T) {
	t.Parallel()
	adzetest.CrashEverywhere(t, func(t *testing.T, env *adzetest.Env) any {
		a := &agency{}
		_, run := begin(t, env, a, trip.Trip{To: "Oslo"})
		answer, refused := adze.Update[trip.Confirmation, string](t.Context(), env.Client, run.ID, "confirm", trip.Confirmation{Code: "4711"})
		out, err := run.Result(t.Context())
		return []any{answer, refused, out, err, a.booked}
	})
}

func TestATripThatNobodyConfirmsIsUndoneWhateverDies(t *testing.T) {
	t.Parallel()
	adzetest.CrashEverywhere(t, func(t *testing.T, env *adzetest.Env) any {
		a := &agency{}
		_, run := begin(t, env, a, trip.Trip{To: "Oslo"})
		_, err := run.Result(t.Context())
		return []any{err != nil, a.booked}
	})
}

func TestTripsThatHaveBegunGoOnWithTheCodeOfToday(t *testing.T) {
	t.Parallel()
	if *record {
		recordTrip(t, "testdata/confirmed.json")
	}
	adzetest.ReplayFile(t, trip.New(nil).Book, "testdata/confirmed.json")
}

// recordTrip writes the history of a trip that was confirmed at the second try.
func recordTrip(t *testing.T, file string) {
	t.Helper()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		_, run := begin(t, env, &agency{}, trip.Trip{To: "Oslo"})
		for _, code := range []string{"1", "4711"} {
			_, _ = adze.Update[trip.Confirmation, string](t.Context(), env.Client, run.ID, "confirm", trip.Confirmation{Code: code})
			env.Advance(time.Minute)
		}
		history, err := env.Client.History(t.Context(), run.ID)
		require.NoError(t, err)
		text, err := json.MarshalIndent(history, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o600))
	})
}

func TestTheGuideToTheTestKitShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "testing.md", "kit_test.go", "trip_test.go")
}
