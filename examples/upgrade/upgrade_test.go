package upgrade_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/upgrade"
)

// outbox is what was sent, by user.
type outbox map[string][]string

func (o outbox) send(_ context.Context, _ adze.ID, user upgrade.User, mail string) error {
	o[user.ID] = append(o[user.ID], mail)
	return nil
}

func TestOnlyThoseWhoHaveNotUpgradedAreAskedAfterAWeek(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		sent := outbox{}
		env.Work(upgrade.New(sent.send), adze.Slots(1))
		for _, user := range []string{"ada", "bob"} {
			_, err := env.Client.Push(t.Context(), "user.signed_up", upgrade.User{ID: user})
			require.NoError(t, err)
		}
		env.Advance(3 * 24 * time.Hour)
		_, err := env.Client.Push(t.Context(), "user.upgraded", nil, adze.Scope("ada"))
		require.NoError(t, err)
		env.Advance(4*24*time.Hour - time.Second)
		require.Equal(t, outbox{"ada": {"hi"}, "bob": {"hi"}}, sent)

		env.Advance(time.Second)
		require.Equal(t, outbox{"ada": {"hi"}, "bob": {"hi", "upgrade"}}, sent)
	})
}

func TestWhoPaysIsNotRemindedAndWhoDoesNotIs(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		sent := outbox{}
		invoice := upgrade.NewInvoice(sent.send)
		env.Work(invoice, adze.Slots(1))
		for _, user := range []string{"ada", "bob"} {
			_, err := invoice.Run(t.Context(), env.Client, upgrade.Invoice{ID: "of-" + user, User: upgrade.User{ID: user}, Cents: 100})
			require.NoError(t, err)
		}
		env.Advance(20 * 24 * time.Hour)
		_, err := env.Client.Push(t.Context(), "invoice.paid", upgrade.Payment{Cents: 100, By: "card"}, adze.Scope("of-ada"))
		require.NoError(t, err)
		env.Advance(70 * 24 * time.Hour)
		require.Equal(t, outbox{
			"ada": {"please pay", "thank you for paying by card"},
			"bob": {"please pay", "please pay now", "you did not pay"},
		}, sent)
	})
}
