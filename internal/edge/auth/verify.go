package auth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
)

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	secret []byte
	store  Store
	clock  clock.Clock
	log    *slog.Logger
	parser *jwt.Parser

	mu    sync.Mutex
	known map[string]*entry // by the token's text

	streams streams
}

// entry is a token whose signature is good.
type entry struct {
	token   uuid.UUID
	claimed uuid.UUID // the tenant
	expires time.Time

	mu        sync.Mutex // held while the database is asked, so that one of many callers asks
	checkedAt time.Time  // when the database last knew it; zero = not yet
	tenant    id.ID
	err       error // why it is refused, until it is checked again
}

// NewVerifier checks tokens that were signed with secret.
func NewVerifier(secret []byte, store Store, c clock.Clock, log *slog.Logger) *Verifier {
	return &Verifier{
		secret: secret, store: store, clock: c, log: log,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithIssuer(issuer), jwt.WithAudience(audience),
			jwt.WithExpirationRequired(), jwt.WithTimeFunc(c.Now)),
		known: map[string]*entry{}, streams: streams{of: map[uuid.UUID]*opened{}},
	}
}

// Bearer checks the value of an authorization header and tells who calls.
func (v *Verifier) Bearer(ctx context.Context, header string) (Caller, error) {
	token, err := tokenOf(header)
	if err != nil {
		return Caller{}, err
	}
	return v.Token(ctx, token)
}

// tokenOf is the token in an authorization header.
func tokenOf(header string) (string, error) {
	const scheme = "bearer "
	if header == "" {
		return "", unauthenticated(`no token: set ADZE_TOKEN, or send the metadata "authorization: Bearer <token>"`)
	}
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", unauthenticated(`the authorization is no bearer token: send "authorization: Bearer <token>"`)
	}
	return strings.TrimSpace(header[len(scheme):]), nil
}

// Token checks a token and tells who calls.
func (v *Verifier) Token(ctx context.Context, token string) (Caller, error) {
	e, err := v.entry(token)
	if err != nil {
		return Caller{}, err
	}
	return v.callerOf(ctx, e)
}

// callerOf is who calls with a token whose signature is good.
func (v *Verifier) callerOf(ctx context.Context, e *entry) (Caller, error) {
	now := v.clock.Now()
	if !now.Before(e.expires) {
		return Caller{}, expired(e.expires)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.checkedAt.IsZero() || now.Sub(e.checkedAt) >= RecheckAfter {
		if err := v.recheck(ctx, e, now); err != nil {
			return Caller{}, err
		}
	}
	if e.err != nil {
		return Caller{}, e.err
	}
	return Caller{Tenant: e.tenant, UUID: e.claimed}, nil
}

// entry finds the token among those seen, or checks its signature.
func (v *Verifier) entry(token string) (*entry, error) {
	v.mu.Lock()
	e := v.known[token]
	v.mu.Unlock()
	if e != nil {
		return e, nil
	}
	e, err := v.parse(token)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= cachedTokensMax {
		clear(v.known)
	}
	if other := v.known[token]; other != nil {
		return other, nil
	}
	v.known[token] = e
	return e, nil
}

// parse reads a token that was not seen before.
func (v *Verifier) parse(token string) (*entry, error) {
	if len(token) > tokenBytesMax {
		return nil, unauthenticated("the token is malformed: it is longer than %d bytes", tokenBytesMax)
	}
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return v.secret, nil })
	if err != nil {
		return nil, explain(err, &c)
	}
	tokenID, err := uuid.Parse(c.TokenID)
	if err != nil {
		return nil, unauthenticated("the token is malformed: it has no token_id")
	}
	tenant, err := uuid.Parse(c.Subject)
	if err != nil {
		return nil, unauthenticated("the token is malformed: its subject is no tenant")
	}
	return &entry{token: tokenID, claimed: tenant, expires: c.ExpiresAt.Time}, nil
}

// explain says what is wrong with a token in words for its bearer.
func explain(err error, c *claims) error {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && c.ExpiresAt != nil:
		return expired(c.ExpiresAt.Time)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return unauthenticated("the token's signature is wrong: it was made for another database, or changed")
	case errors.Is(err, jwt.ErrTokenMalformed):
		return unauthenticated("the token is malformed: it is no JWT")
	default:
		return unauthenticated("the token is not one of Adze's: make one with: adze token create")
	}
}

var errRevoked = unauthenticated("the token was revoked: make a new one with: adze token create")

func expired(at time.Time) error {
	return unauthenticated("the token expired on %s: make a new one with: adze token create",
		at.UTC().Format(time.RFC3339))
}

// recheck asks the database about e, whose lock is held. While the database cannot
// be asked, a token that was good stays good for a while.
func (v *Verifier) recheck(ctx context.Context, e *entry, now time.Time) error {
	stored, err := v.store.Token(ctx, e.token, e.claimed)
	if err != nil {
		if !e.checkedAt.IsZero() && now.Sub(e.checkedAt) < trustWithoutDatabase {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fault.New(fault.Unavailable, "", "the token cannot be checked now: the database does not answer; try again")
	}
	e.checkedAt, e.tenant, e.err = now, 0, nil
	switch {
	case stored == nil:
		e.err = unauthenticated("the token is unknown: make one with: adze token create")
	case stored.Revoked:
		e.err = errRevoked
	case !now.Before(stored.ExpiresAt):
		e.err = expired(stored.ExpiresAt)
	default:
		e.tenant = stored.Tenant
	}
	return nil
}
