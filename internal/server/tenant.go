package server

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/record/tenant"
)

// tenants remembers the shards of tenants, which never change. Those made since the
// start are read when they first come.
type tenants struct {
	db pg.DB
	mu sync.RWMutex
	of map[id.ID]int32
}

func openTenants(ctx context.Context, pool *pgxpool.Pool, now time.Time) (*tenants, error) {
	if _, err := tenant.EnsureDefault(ctx, pool, now); err != nil {
		return nil, err
	}
	t := &tenants{db: pool, of: map[id.ID]int32{}}
	return t, t.read(ctx)
}

func (t *tenants) read(ctx context.Context) error {
	all, err := tenant.All(ctx, t.db)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range all {
		t.of[one.ID] = one.Shard
	}
	return nil
}

func (t *tenants) shardOf(ctx context.Context, who id.ID) (int32, error) {
	if number, known := t.get(who); known {
		return number, nil
	}
	if err := t.read(ctx); err != nil {
		return 0, err
	}
	number, known := t.get(who)
	if !known {
		return 0, fault.New(fault.NotFound, "", "no tenant %s", who)
	}
	return number, nil
}

func (t *tenants) get(who id.ID) (int32, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	number, known := t.of[who]
	return number, known
}

// EnsureTenant finds the tenant of that name, or makes it on a shard that its UUID
// chooses.
func EnsureTenant(ctx context.Context, db pg.DB, name string, now time.Time) (tenant.Tenant, error) {
	if name == tenant.DefaultName {
		return tenant.EnsureDefault(ctx, db, now)
	}
	all, err := tenant.All(ctx, db)
	if err != nil {
		return tenant.Tenant{}, err
	}
	for _, one := range all {
		if one.Name == name {
			return one, nil
		}
	}
	fresh := tenant.Tenant{UUID: uuid.New(), Name: name, CreatedAt: now}
	fresh.Shard = shardFor(fresh.UUID)
	fresh.ID = id.NewSource(fresh.Shard, 0).Next(now.UnixMilli())
	return fresh, tenant.Insert(ctx, db, fresh)
}

func shardFor(u uuid.UUID) int32 {
	hash := fnv.New32a()
	_, _ = hash.Write(u[:]) // never fails
	return int32(hash.Sum32() % Shards)
}
