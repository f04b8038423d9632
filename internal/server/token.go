package server

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/record/tenant"
)

// TokenRequest says what token to make.
type TokenRequest struct {
	Tenant   string        // name; made if it does not exist
	Name     string        // what the token is for, for people
	TTL      time.Duration // how long it is good
	GRPCAddr string        // where a client finds the engine
	HTTPURL  string
}

// IssueToken makes a token. Only its number is stored: the text is told once.
func IssueToken(ctx context.Context, db pg.DB, r TokenRequest, now time.Time) (string, error) {
	owner, err := EnsureTenant(ctx, db, r.Tenant, now)
	if err != nil {
		return "", err
	}
	secret, err := tenant.SigningKey(ctx, db, freshSecret())
	if err != nil {
		return "", err
	}
	grant := auth.Grant{
		Token: uuid.New(), Tenant: owner.UUID, IssuedAt: now, ExpiresAt: now.Add(r.TTL),
		GRPCAddr: r.GRPCAddr, HTTPURL: r.HTTPURL,
	}
	signed, err := auth.Sign(secret, grant)
	if err != nil {
		return "", err
	}
	return signed, tenant.InsertToken(ctx, db, tenant.Token{
		ID: grant.Token, Tenant: owner.ID, Name: r.Name, CreatedAt: now, ExpiresAt: grant.ExpiresAt,
	})
}
