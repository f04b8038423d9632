package checkout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/checkout"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "idempotency.md", "checkout.go", "checkout_test.go")
}

func TestAnOrderIsPaidOnce(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(checkout.Pay)
		first, err := checkout.PayOnce(t.Context(), env.Client, checkout.Order{Number: 17, Cents: 900})
		require.NoError(t, err)
		again, err := checkout.PayOnce(t.Context(), env.Client, checkout.Order{Number: 17, Cents: 900})
		require.NoError(t, err)
		require.Equal(t, first, again)
		env.Advance(24 * time.Hour)
		later, err := checkout.PayOnce(t.Context(), env.Client, checkout.Order{Number: 17, Cents: 900})
		require.NoError(t, err)
		require.NotEqual(t, first, later, "the day is over")
	})
}

func TestAnOrderIsShippedOnceWhoeverAsks(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		client := env.Client
		env.Work(checkout.Ship)
		run, err := checkout.Ship.Run(t.Context(), client, checkout.Order{Number: 17})
		require.NoError(t, err)
		pushed, err := client.Push(t.Context(), "order.paid", checkout.Order{Number: 17})
		require.NoError(t, err)
		require.Empty(t, pushed.Runs)
		require.Equal(t, "a run was not started: run "+run.ID.String()+" holds the key ship 17", pushed.Warning)
		again, err := checkout.Ship.Run(t.Context(), client, checkout.Order{Number: 17})
		require.NoError(t, err)
		require.True(t, again.Existed)
		require.Equal(t, run.ID, again.ID)
	})
}

func TestOneImportRunsAtATime(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(checkout.Import)
		_, err := checkout.Import.Call(t.Context(), env.Client, "a")
		require.NoError(t, err)
		_, err = checkout.Import.Run(t.Context(), env.Client, "b", adze.Delay(time.Hour))
		require.NoError(t, err)
		_, err = checkout.Import.Run(t.Context(), env.Client, "c")
		require.ErrorIs(t, err, adze.ErrConflict)
		env.Advance(time.Hour)
		_, err = checkout.Import.Call(t.Context(), env.Client, "c")
		require.NoError(t, err)
	})
}

func TestTheLastIndexThatWaitsIsMade(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(checkout.Index)
		old, err := checkout.Index.Run(t.Context(), env.Client, "toys", adze.Delay(time.Minute))
		require.NoError(t, err)
		fresh, err := checkout.Index.Call(t.Context(), env.Client, "toys")
		require.NoError(t, err)
		require.Equal(t, "indexed toys", fresh)
		_, err = old.Result(t.Context())
		require.ErrorIs(t, err, adze.ErrCancelled)
	})
}

func TestADocumentIsSavedWhenItsAuthorPauses(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		client := env.Client
		env.Work(checkout.Save)
		first, err := checkout.Save.Run(t.Context(), client, checkout.Edit{Document: "letter", Text: "Dear"})
		require.NoError(t, err)
		env.Advance(2 * time.Second)
		second, err := checkout.Save.Run(t.Context(), client, checkout.Edit{Document: "letter", Text: "Dear Ada"})
		require.NoError(t, err)
		_, err = first.Result(t.Context())
		require.ErrorContains(t, err, "superseded by "+second.ID.String())
		text, err := second.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "Dear Ada", text)

		var last *adze.Run[string]
		begun := env.Now()
		for env.Now().Sub(begun) < 50*time.Second {
			last, err = checkout.Save.Run(t.Context(), client, checkout.Edit{Document: "novel", Text: env.Now().String()})
			require.NoError(t, err)
			env.Advance(2 * time.Second)
		}
		_, err = last.Result(t.Context())
		require.NoError(t, err)
	})
}
