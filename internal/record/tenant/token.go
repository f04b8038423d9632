package tenant

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed insert_token.sql
	insertTokenSQL string
	//go:embed token_by_id.sql
	tokenByIDSQL string
	//go:embed revoked_tokens.sql
	revokedTokensSQL string
	//go:embed revoke_token.sql
	revokeTokenSQL string
	//go:embed insert_signing_key.sql
	insertSigningKeySQL string
	//go:embed signing_key.sql
	signingKeySQL string
)

// Token is what is stored of a token; the signed text itself is not.
type Token struct {
	ID        uuid.UUID
	Tenant    id.ID
	Name      string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt *time.Time // nil: not revoked
}

// InsertToken stores a new token; RevokedAt is not.
func InsertToken(ctx context.Context, db pg.DB, t Token) error {
	_, err := db.Exec(ctx, insertTokenSQL, t.ID, t.Tenant, t.Name, t.CreatedAt, t.ExpiresAt)
	if err != nil {
		return fmt.Errorf("insert token %s: %w", t.Name, err)
	}
	return nil
}

// TokenByID reads a token, or fails with fault.NotFound.
func TokenByID(ctx context.Context, db pg.DB, token uuid.UUID) (Token, error) {
	rows, err := db.Query(ctx, tokenByIDSQL, token)
	if err != nil {
		return Token{}, fmt.Errorf("read token %s: %w", token, err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Token])
	if errors.Is(err, pgx.ErrNoRows) {
		return Token{}, fault.New(fault.NotFound, "", "no token %s", token)
	}
	if err != nil {
		return Token{}, fmt.Errorf("read token %s: %w", token, err)
	}
	return t, nil
}

// RevokeToken ends a token of the tenant; one that is revoked already stays so,
// with its first time.
func RevokeToken(ctx context.Context, db pg.DB, tenant id.ID, token uuid.UUID, now time.Time) error {
	if _, err := db.Exec(ctx, revokeTokenSQL, tenant, token, now); err != nil {
		return fmt.Errorf("revoke token %s: %w", token, err)
	}
	return nil
}

// RevokedTokens are those of the tokens that were revoked, or are gone, in any order.
func RevokedTokens(ctx context.Context, db pg.DB, tokens []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := db.Query(ctx, revokedTokensSQL, tokens)
	if err != nil {
		return nil, fmt.Errorf("find revoked tokens: %w", err)
	}
	revoked, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("find revoked tokens: %w", err)
	}
	return revoked, nil
}

// SigningKey is the one key that tokens are signed with. The first caller's
// fresh secret becomes it; everybody else's is thrown away.
func SigningKey(ctx context.Context, db pg.DB, fresh []byte) ([]byte, error) {
	var secret []byte
	err := db.QueryRow(ctx, signingKeySQL).Scan(&secret)
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err := db.Exec(ctx, insertSigningKeySQL, fresh); err != nil {
			return nil, fmt.Errorf("make signing key: %w", err)
		}
		err = db.QueryRow(ctx, signingKeySQL).Scan(&secret)
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	return secret, nil
}
