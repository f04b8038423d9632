package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/auth"
)

// tokens is a Store in memory.
type tokens struct {
	mu     sync.Mutex
	stored map[[2]uuid.UUID]*auth.Token
	asked  int
	looks  []int // how many tokens each call of Revoked was about
	err    error
}

var secret = []byte(strings.Repeat("s", auth.SecretBytes))

func (s *tokens) Token(_ context.Context, token, tenant uuid.UUID) (*auth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.stored[[2]uuid.UUID{token, tenant}], s.err
}

// stopped is a clock that stands until a test moves it.
type stopped struct {
	clock.Clock
	now time.Time
}

func (c *stopped) Now() time.Time { return c.now }

type bundle struct {
	*auth.Verifier
	store  *tokens
	clock  *stopped
	secret []byte
	grant  auth.Grant
	token  string
}

// setup is a verifier that knows one token, which ends in an hour.
func setup(t *testing.T) *bundle {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := &bundle{
		store:  &tokens{stored: map[[2]uuid.UUID]*auth.Token{}},
		clock:  &stopped{now: now},
		secret: secret,
		grant: auth.Grant{
			Token: uuid.New(), Tenant: uuid.New(), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
			GRPCAddr: "127.0.0.1:7077", HTTPURL: "http://127.0.0.1:8080",
		},
	}
	b.store.stored[b.key()] = &auth.Token{Tenant: 42, ExpiresAt: b.grant.ExpiresAt}
	b.Verifier = auth.NewVerifier(b.secret, b.store, b.clock, slog.New(slog.DiscardHandler))
	b.token = b.sign(t, b.secret, b.grant)
	return b
}

func (b *bundle) key() [2]uuid.UUID { return [2]uuid.UUID{b.grant.Token, b.grant.Tenant} }

func (b *bundle) sign(t *testing.T, secret []byte, g auth.Grant) string {
	t.Helper()
	token, err := auth.Sign(secret, g)
	require.NoError(t, err)
	return token
}

func refused(t *testing.T, err error, text string) {
	t.Helper()
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, text)
}

func TestTokenNamesItsTenantAndServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caller, err := b.Bearer(t.Context(), "Bearer "+b.token)
	require.NoError(t, err)
	require.Equal(t, auth.Caller{Tenant: 42, UUID: b.grant.Tenant}, caller)
	require.Equal(t, "127.0.0.1:7077", auth.Address(b.token))
	require.Equal(t, caller.Tenant, auth.Tenant(auth.WithCaller(t.Context(), caller)))
}

func TestWrongTokensAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	unknown := b.grant
	unknown.Token = uuid.New()
	stranger := b.grant
	stranger.Tenant = uuid.New()
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"sub": b.grant.Tenant.String()}).
		SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	foreign, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "somebody", "aud": "adze", "exp": b.clock.now.Add(time.Hour).Unix(),
	}).SignedString(b.secret)
	require.NoError(t, err)

	for name, c := range map[string]struct{ header, text string }{
		"missing":         {"", "no token"},
		"another scheme":  {"Basic abc", "no bearer token"},
		"not a JWT":       {"Bearer abc", "malformed"},
		"too long":        {"Bearer " + strings.Repeat("a", 5_000), "malformed"},
		"wrong signature": {"Bearer " + b.sign(t, []byte(strings.Repeat("x", 32)), b.grant), "signature"},
		"no signature":    {"Bearer " + unsigned, "signature"},
		"another issuer":  {"Bearer " + foreign, "not one of Adze's"},
		"unknown":         {"Bearer " + b.sign(t, b.secret, unknown), "unknown"},
		"another tenant":  {"Bearer " + b.sign(t, b.secret, stranger), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Bearer(t.Context(), c.header)
			refused(t, err, c.text)
		})
	}
}

func TestTokenEndsWhenItSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Token(t.Context(), b.token)
	require.NoError(t, err)
	b.clock.now = b.grant.ExpiresAt
	_, err = b.Token(t.Context(), b.token)
	refused(t, err, "expired on 2026-01-02T04:04:05Z")

	fresh := auth.NewVerifier(b.secret, b.store, b.clock, slog.New(slog.DiscardHandler))
	_, err = fresh.Token(t.Context(), b.token)
	refused(t, err, "expired on 2026-01-02T04:04:05Z")
}

func TestRevokedTokenIsRefusedWithinHalfAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Token(t.Context(), b.token)
	require.NoError(t, err)
	b.store.stored[b.key()].Revoked = true

	b.clock.now = b.clock.now.Add(auth.RecheckAfter - time.Millisecond)
	_, err = b.Token(t.Context(), b.token)
	require.NoError(t, err)
	require.Equal(t, 1, b.store.asked)

	b.clock.now = b.clock.now.Add(time.Millisecond)
	_, err = b.Token(t.Context(), b.token)
	refused(t, err, "revoked")
}

func TestKnownTokenOutlivesADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Token(t.Context(), b.token)
	require.NoError(t, err)
	b.store.err = errors.New("connection refused")

	b.clock.now = b.clock.now.Add(time.Minute)
	_, err = b.Token(t.Context(), b.token)
	require.NoError(t, err)

	b.clock.now = b.clock.now.Add(5 * time.Minute)
	_, err = b.Token(t.Context(), b.token)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func FuzzToken(f *testing.F) {
	f.Add("eyJhbGciOiJIUzI1NiJ9.e30.x")
	verifier := auth.NewVerifier(make([]byte, auth.SecretBytes), &tokens{}, clock.Wall, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := verifier.Token(t.Context(), token); fault.KindOf(err) != fault.Unauthenticated {
			t.Fatalf("%q: %v", token, err)
		}
		auth.Address(token)
	})
}
