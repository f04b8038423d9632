// Package webhook keeps where others may post what becomes an event, and what proves
// that it is them.
//
// It owns the table webhook. It promises that a name is one webhook of its tenant, and
// that a change is seen by the next call.
package webhook

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
	//go:embed insert.sql
	insertSQL string
	//go:embed update.sql
	updateSQL string
	//go:embed delete.sql
	deleteSQL string
	//go:embed named.sql
	namedSQL string
	//go:embed called.sql
	calledSQL string
	//go:embed list.sql
	listSQL string
)

// Max is how many webhooks a tenant has at most.
const Max = 1_000

// Webhook is a row.
type Webhook struct {
	ID              uuid.UUID
	Tenant          id.ID
	CreatedAt       time.Time
	UpdatedAt       time.Time
	AnswersEvent    bool // the caller is told what event it became
	Name            string
	Source          string // GENERIC, GITHUB, STRIPE, SLACK, LINEAR, SVIX
	KeyExpression   string
	ScopeExpression string // "" = no scope
	AuthType        string // BASIC, API_KEY, HMAC
	Auth            []byte // JSON
	StaticPayload   []byte // JSON object, or nil
}

// Insert stores a new webhook. It fails with fault.Conflict if its name is taken, and with
// fault.Exhausted if its tenant has Max.
func Insert(ctx context.Context, db pg.DB, w Webhook) error {
	var inserted, room bool
	err := db.QueryRow(ctx, insertSQL, w.ID, w.Tenant, w.CreatedAt, w.UpdatedAt, w.AnswersEvent, w.Name, w.Source,
		w.KeyExpression, w.ScopeExpression, w.AuthType, w.Auth, w.StaticPayload, Max).Scan(&inserted, &room)
	switch {
	case err != nil:
		return fmt.Errorf("insert webhook %s: %w", w.Name, err)
	case !room:
		return fault.New(fault.Exhausted, "name", "the tenant has %d webhooks, more are not allowed: delete one", Max)
	case !inserted:
		return fault.New(fault.Conflict, "name", "a webhook %q exists already: choose another name, or change that one", w.Name)
	}
	return nil
}

// Update changes what may be changed of a webhook: all but its name, its source and its
// secrets. It fails with fault.NotFound.
func Update(ctx context.Context, db pg.DB, w Webhook) error {
	tag, err := db.Exec(ctx, updateSQL, w.Tenant, w.Name, w.UpdatedAt, w.AnswersEvent, w.KeyExpression, w.ScopeExpression, w.StaticPayload)
	if err != nil {
		return fmt.Errorf("update webhook %s: %w", w.Name, err)
	}
	if tag.RowsAffected() == 0 {
		return unknown(w.Name)
	}
	return nil
}

// Delete deletes a webhook and gives what it was, or fails with fault.NotFound.
func Delete(ctx context.Context, db pg.DB, tenant id.ID, name string) (Webhook, error) {
	return one(ctx, db, name, deleteSQL, tenant, name)
}

// Named reads a webhook of a tenant, or fails with fault.NotFound.
func Named(ctx context.Context, db pg.DB, tenant id.ID, name string) (Webhook, error) {
	return one(ctx, db, name, namedSQL, tenant, name)
}

// Called reads the webhook that a caller names who knows its tenant by the UUID, or fails
// with fault.NotFound.
func Called(ctx context.Context, db pg.DB, tenant uuid.UUID, name string) (Webhook, error) {
	return one(ctx, db, name, calledSQL, tenant, name)
}

func one(ctx context.Context, db pg.DB, name, query string, args ...any) (Webhook, error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return Webhook{}, fmt.Errorf("read webhook %s: %w", name, err)
	}
	w, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Webhook])
	if errors.Is(err, pgx.ErrNoRows) {
		return Webhook{}, unknown(name)
	}
	if err != nil {
		return Webhook{}, fmt.Errorf("read webhook %s: %w", name, err)
	}
	return w, nil
}

func unknown(name string) error { return fault.New(fault.NotFound, "name", "no webhook %q", name) }

// List reads the tenant's webhooks by name: those of the sources and of the names, of
// which an empty list is all.
func List(ctx context.Context, db pg.DB, tenant id.ID, sources, names []string) ([]Webhook, error) {
	rows, err := db.Query(ctx, listSQL, tenant, sources, names, Max)
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Webhook])
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return all, nil
}
