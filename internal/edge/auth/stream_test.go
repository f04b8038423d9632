package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/auth"
)

// Revoked implements auth.Store.
func (s *tokens) Revoked(_ context.Context, list []uuid.UUID) (revoked []uuid.UUID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks = append(s.looks, len(list))
	for _, token := range list {
		for key, stored := range s.stored {
			if key[0] == token && stored.Revoked {
				revoked = append(revoked, token)
			}
		}
	}
	return revoked, s.err
}

func (s *tokens) revoke(g auth.Grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored[[2]uuid.UUID{g.Token, g.Tenant}].Revoked = true
}

func (s *tokens) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// lookedAt are how many tokens were asked about by each statement so far.
func (s *tokens) lookedAt() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.looks...)
}

// running is a verifier that looks after its streams, on the clock of the bubble.
type running struct {
	*auth.Verifier
	store *tokens
	t     *testing.T
}

func run(t *testing.T) *running {
	t.Helper()
	r := &running{store: &tokens{stored: map[[2]uuid.UUID]*auth.Token{}}, t: t}
	r.Verifier = auth.NewVerifier(secret, r.store, clock.Wall, slog.New(slog.DiscardHandler))
	go func() { _ = r.Run(t.Context()) }()
	return r
}

// grant makes a token that lives for so long.
func (r *running) grant(life time.Duration) (auth.Grant, string) {
	r.t.Helper()
	now := time.Now()
	g := auth.Grant{Token: uuid.New(), Tenant: uuid.New(), IssuedAt: now, ExpiresAt: now.Add(life)}
	token, err := auth.Sign(secret, g)
	require.NoError(r.t, err)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.stored[[2]uuid.UUID{g.Token, g.Tenant}] = &auth.Token{Tenant: 42, ExpiresAt: g.ExpiresAt}
	return g, token
}

func (r *running) open(token string) context.Context {
	r.t.Helper()
	open, release, err := r.Stream(r.t.Context(), "bearer "+token)
	require.NoError(r.t, err)
	r.t.Cleanup(release)
	return open
}

func TestStreamsEndSoonAfterTheirTokenIsRevokedAndNoOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		mine, token := r.grant(time.Hour)
		_, others := r.grant(time.Hour)
		first, second, other := r.open(token), r.open(token), r.open(others)
		require.Equal(t, mine.Tenant, auth.CallerOf(first).UUID)

		r.store.revoke(mine)
		begun := time.Now()
		<-first.Done()
		<-second.Done()
		require.LessOrEqual(t, time.Since(begun), auth.StreamsCheckedEvery)
		refused(t, context.Cause(first), "revoked")
		require.NoError(t, other.Err())

		_, _, err := r.Stream(t.Context(), "bearer "+token) // it was checked less than RecheckAfter ago
		refused(t, err, "revoked")
	})
}

func TestStreamsEndWhenTheirTokenExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		_, token := r.grant(time.Minute)
		begun := time.Now()
		open := r.open(token)
		<-open.Done()
		refused(t, context.Cause(open), "expired")
		require.GreaterOrEqual(t, time.Since(begun), time.Minute)
		require.LessOrEqual(t, time.Since(begun), time.Minute+auth.StreamsCheckedEvery)
	})
}

func TestStreamsOutliveADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		g, token := r.grant(24 * time.Hour)
		open := r.open(token)
		r.store.fail(errors.New("connection refused"))
		r.store.revoke(g)
		away, back := context.WithTimeout(open, time.Hour)
		defer back()
		<-away.Done()
		require.NoError(t, open.Err())

		r.store.fail(nil)
		<-open.Done()
		refused(t, context.Cause(open), "revoked")
	})
}

func TestOneStatementLooksAtAThousandTokensAndNoneAtNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		var ends []func()
		add := func() {
			_, token := r.grant(time.Hour)
			_, release, err := r.Stream(t.Context(), "bearer "+token)
			require.NoError(t, err)
			ends = append(ends, release)
		}
		pass := func() {
			time.Sleep(auth.StreamsCheckedEvery)
			synctest.Wait()
		}
		pass()
		require.Empty(t, r.store.lookedAt())
		for range 1_000 {
			add()
		}
		pass()
		require.Equal(t, []int{1_000}, r.store.lookedAt())
		add()
		pass()
		require.Equal(t, []int{1_000, 1_000, 1}, r.store.lookedAt())
		for _, end := range ends {
			end()
		}
		pass()
		require.Len(t, r.store.lookedAt(), 3, "what is closed is not looked at")
	})
}

func TestStreamWithoutAGoodTokenDoesNotBegin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for header, text := range map[string]string{"": "no token", "Bearer abc": "malformed"} {
		_, _, err := b.Stream(t.Context(), header)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
		require.ErrorContains(t, err, text)
	}
}
