package auth

import (
	"context"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/record/tenant"
)

// Database is the Store of an engine.
type Database struct{ DB pg.DB }

// Token implements Store. A token whose claimed tenant is gone is unknown, too.
func (d Database) Token(ctx context.Context, token, claimed uuid.UUID) (*Token, error) {
	stored, err := tenant.TokenByID(ctx, d.DB, token)
	if err != nil {
		return nil, unlessNotFound(err)
	}
	owner, err := tenant.ByUUID(ctx, d.DB, claimed)
	if err != nil {
		return nil, unlessNotFound(err)
	}
	if owner.ID != stored.Tenant {
		return nil, nil
	}
	return &Token{Tenant: stored.Tenant, ExpiresAt: stored.ExpiresAt, Revoked: stored.RevokedAt != nil}, nil
}

// Revoked implements Store.
func (d Database) Revoked(ctx context.Context, tokens []uuid.UUID) ([]uuid.UUID, error) {
	return tenant.RevokedTokens(ctx, d.DB, tokens)
}

func unlessNotFound(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}
