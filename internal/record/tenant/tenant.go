// Package tenant keeps whose work it is, and who may speak for them: tenants,
// their tokens, and the key that tokens are signed with.
//
// It owns the tables tenant, token and signing_key. It promises that there is one
// signing key, whoever made it first, and that a token that is gone from its
// table speaks for nobody.
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
	//go:embed insert.sql
	insertSQL string
	//go:embed all.sql
	allSQL string
	//go:embed by_uuid.sql
	byUUIDSQL string
	//go:embed by_name.sql
	byNameSQL string
	//go:embed by_id.sql
	byIDSQL string
)

// The tenant that is there from the first start. Its UUID is the one that the
// field's tools expect of a default tenant.
const (
	DefaultID   id.ID = 1
	DefaultName       = "default"
)

// DefaultUUID is the "sub" of the default tenant's tokens.
var DefaultUUID = uuid.MustParse("707d0855-80ab-4e1f-a156-f1c4546cbf52")

// Tenant is a row.
type Tenant struct {
	ID        id.ID
	UUID      uuid.UUID
	Shard     int32 // whose owner decides about its tasks
	Name      string
	CreatedAt time.Time
}

// EnsureDefault makes the default tenant, on shard 0, unless it is there.
func EnsureDefault(ctx context.Context, db pg.DB, now time.Time) (Tenant, error) {
	t := Tenant{ID: DefaultID, UUID: DefaultUUID, Name: DefaultName, CreatedAt: now}
	if _, err := insert(ctx, db, t); err != nil {
		return Tenant{}, err
	}
	return ByUUID(ctx, db, DefaultUUID)
}

// Insert stores t, or fails with fault.Conflict if its id, UUID or name is taken.
func Insert(ctx context.Context, db pg.DB, t Tenant) error {
	created, err := insert(ctx, db, t)
	if err == nil && !created {
		return fault.New(fault.Conflict, "name", "a tenant %q exists already: choose another name", t.Name)
	}
	return err
}

func insert(ctx context.Context, db pg.DB, t Tenant) (created bool, err error) {
	tag, err := db.Exec(ctx, insertSQL, t.ID, t.UUID, t.Shard, t.Name, t.CreatedAt)
	if err != nil {
		return false, fmt.Errorf("insert tenant %s: %w", t.Name, err)
	}
	return tag.RowsAffected() == 1, nil
}

// All reads all tenants, ids ascending.
func All(ctx context.Context, db pg.DB) ([]Tenant, error) {
	rows, err := db.Query(ctx, allSQL)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	tenants, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Tenant])
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	return tenants, nil
}

// ByUUID reads the tenant that a token names, or fails with fault.NotFound.
func ByUUID(ctx context.Context, db pg.DB, u uuid.UUID) (Tenant, error) {
	rows, err := db.Query(ctx, byUUIDSQL, u)
	if err != nil {
		return Tenant{}, fmt.Errorf("read tenant %s: %w", u, err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Tenant])
	if errors.Is(err, pgx.ErrNoRows) {
		return Tenant{}, fault.New(fault.NotFound, "", "no tenant %s", u)
	}
	if err != nil {
		return Tenant{}, fmt.Errorf("read tenant %s: %w", u, err)
	}
	return t, nil
}

// ByName reads the tenant of that name, or fails with fault.NotFound.
func ByName(ctx context.Context, db pg.DB, name string) (Tenant, error) {
	rows, err := db.Query(ctx, byNameSQL, name)
	if err != nil {
		return Tenant{}, fmt.Errorf("read tenant %q: %w", name, err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Tenant])
	if errors.Is(err, pgx.ErrNoRows) {
		return Tenant{}, fault.New(fault.NotFound, "name", "no tenant %q", name)
	}
	if err != nil {
		return Tenant{}, fmt.Errorf("read tenant %q: %w", name, err)
	}
	return t, nil
}

// ByID reads tenants; ids without one are left out.
func ByID(ctx context.Context, db pg.DB, ids []id.ID) (map[id.ID]Tenant, error) {
	rows, err := db.Query(ctx, byIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d tenants: %w", len(ids), err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Tenant])
	if err != nil {
		return nil, fmt.Errorf("read %d tenants: %w", len(ids), err)
	}
	of := make(map[id.ID]Tenant, len(list))
	for _, t := range list {
		of[t.ID] = t
	}
	return of, nil
}
