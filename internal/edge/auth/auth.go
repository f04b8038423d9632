// Package auth tells whose a call is: a bearer token, a JWT signed with the key
// that the engines of one database share, names the tenant.
//
// It owns what is in a token, the cache of those seen, and which streams are open on
// them. It promises that a token past its end is refused at once, and one that was revoked
// within RecheckAfter; that the streams of either end within StreamsCheckedEvery; and that
// a database that is away costs nobody a stream.
package auth

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
)

const (
	// RecheckAfter is how long a token is taken to be valid without asking the
	// database again.
	RecheckAfter = 30 * time.Second

	// StreamsCheckedEvery is how often the tokens are looked at on which streams are
	// open: all of an engine by one statement for each askedTokensMax of them.
	StreamsCheckedEvery = 3 * time.Second
	askedTokensMax      = 1_000

	// askTimeout bounds that statement: one that waits for longer is tried again with
	// the next look.
	askTimeout = 10 * time.Second

	// trustWithoutDatabase is how long a known token is still good while the
	// database cannot be asked: the journal waits for it, calls may do so too.
	trustWithoutDatabase = 5 * time.Minute

	// cachedTokensMax bounds the cache. Past it, it starts anew.
	cachedTokensMax = 10_000

	// tokenBytesMax is far above any token of ours; more is not even decoded.
	tokenBytesMax = 4 << 10

	// ttlMax is the longest life of a token.
	ttlMax = 10 * 365 * 24 * time.Hour

	issuer   = "adze"
	audience = "adze"
)

// Token is what is stored of a token.
type Token struct {
	Tenant    id.ID
	ExpiresAt time.Time
	Revoked   bool
}

// Store reads tokens.
type Store interface {
	// Token reads one token of the tenant that it claims; nil if there is none.
	Token(ctx context.Context, token, tenant uuid.UUID) (*Token, error)
	// Revoked are those of the tokens that were revoked, or are gone.
	Revoked(ctx context.Context, tokens []uuid.UUID) ([]uuid.UUID, error)
}

// Caller is whose a call is.
type Caller struct {
	Tenant id.ID
	UUID   uuid.UUID // of the tenant: the subject of its tokens, and its name on the outside
}

type callerKey struct{}

// WithCaller is ctx for a call of caller.
func WithCaller(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerOf is whose call ctx belongs to; zero if nobody was asked.
func CallerOf(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}

// Tenant is the tenant of CallerOf.
func Tenant(ctx context.Context) id.ID { return CallerOf(ctx).Tenant }

func unauthenticated(format string, args ...any) error {
	return fault.New(fault.Unauthenticated, "", format, args...)
}
