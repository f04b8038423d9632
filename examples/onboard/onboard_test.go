package onboard_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/onboard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const week = 7 * 24 * time.Hour

// outbox notes what was sent, and refuses the first mails.
type outbox struct {
	refuse int
	sent   []string
}

func (o *outbox) send(_ context.Context, _, to, template string) error {
	if o.refuse--; o.refuse >= 0 {
		return errors.New("mailbox is full")
	}
	o.sent = append(o.sent, template+" to "+to)
	return nil
}

// signUp pushes the event that starts a run.
func signUp(t *testing.T, env *adzetest.Env) adze.ID {
	t.Helper()
	pushed, err := env.Client.Push(t.Context(), "user.created", onboard.User{ID: "ada", Email: "ada@example.com"})
	require.NoError(t, err)
	require.Len(t, pushed.Runs, 1)
	return pushed.Runs[0]
}

func TestWhoDoesNotUpgradeIsToldAfterAWeek(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var mails outbox
		task := onboard.New(mails.send)
		env.Work(task)
		run := signUp(t, env)

		out, err := task.Lookup(env.Client, run).Result(t.Context())

		require.NoError(t, err)
		require.Equal(t, "reminded", out)
		require.Equal(t, []string{"hi to ada@example.com", "upgrade to ada@example.com"}, mails.sent)
		require.Equal(t, week, env.Now().Sub(adzetest.Start), "and yet this test takes no time")
	})
}

func TestWhoUpgradesIsLeftAlone(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var mails outbox
		task := onboard.New(mails.send)
		env.Work(task)
		run := signUp(t, env)
		env.Advance(3 * 24 * time.Hour)
		for _, user := range []string{"bob", "ada"} {
			_, err := env.Client.Push(t.Context(), "user.upgraded", onboard.Upgrade{Plan: "pro"}, adze.Scope(user))
			require.NoError(t, err)
		}

		out, err := task.Lookup(env.Client, run).Result(t.Context())

		require.NoError(t, err)
		require.Equal(t, "pro", out)
		require.Equal(t, []string{"hi to ada@example.com"}, mails.sent)
	})
}

func TestAFullMailboxIsTriedAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		mails := outbox{refuse: 3}
		env.Work(onboard.New(mails.send))
		signUp(t, env)
		env.Advance(time.Minute)
		require.Equal(t, []string{"hi to ada@example.com"}, mails.sent)
	})
}
