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

// tenants remembers the shards of tenants and their names, which never change. Those made
// since the start are read when they first come.
type tenants struct {
	db pg.DB
	mu sync.RWMutex
	of map[id.ID]tenant.Tenant
}

func openTenants(ctx context.Context, pool *pgxpool.Pool, now time.Time) (*tenants, error) {
	if _, err := tenant.EnsureDefault(ctx, pool, now); err != nil {
		return nil, err
	}
	all, err := tenant.All(ctx, pool)
	if err != nil {
		return nil, err
	}
	t := &tenants{db: pool, of: make(map[id.ID]tenant.Tenant, len(all))}
	for _, one := range all {
		t.of[one.ID] = one
	}
	return t, nil
}

func (t *tenants) shardOf(ctx context.Context, who id.ID) (int32, error) {
	known, err := t.find(ctx, who)
	return known.Shard, err
}

func (t *tenants) nameOf(ctx context.Context, who id.ID) (string, error) {
	known, err := t.find(ctx, who)
	return known.Name, err
}

func (t *tenants) find(ctx context.Context, who id.ID) (tenant.Tenant, error) {
	if known, is := t.get(who); is {
		return known, nil
	}
	found, err := tenant.ByID(ctx, t.db, []id.ID{who})
	if err != nil {
		return tenant.Tenant{}, err
	}
	known, is := found[who]
	if !is {
		return known, fault.New(fault.NotFound, "", "no tenant %s", who)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of[who] = known
	return known, nil
}

func (t *tenants) get(who id.ID) (tenant.Tenant, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	known, is := t.of[who]
	return known, is
}

// MakeTenant makes a tenant: in the shard of another one, so that the two can share
// workers, or in one that its UUID chooses.
func MakeTenant(ctx context.Context, db pg.DB, name, beside string, now time.Time) (tenant.Tenant, error) {
	fresh := tenant.Tenant{UUID: uuid.New(), Name: name, CreatedAt: now}
	fresh.Shard = shardFor(fresh.UUID)
	if beside != "" {
		neighbour, err := tenant.ByName(ctx, db, beside)
		if err != nil {
			return tenant.Tenant{}, fault.At("beside", err)
		}
		fresh.Shard = neighbour.Shard
	}
	ids := id.NewSource(fresh.Shard, 0)
	for {
		fresh.ID = ids.Next(now.UnixMilli())
		err := tenant.Insert(ctx, db, fresh)
		if fault.KindOf(err) != fault.Conflict {
			return fresh, err
		}
		if _, taken := tenant.ByName(ctx, db, name); fault.KindOf(taken) != fault.NotFound {
			return tenant.Tenant{}, err
		}
		// Another one was made in this millisecond, and has the id.
	}
}

// EnsureTenant finds the tenant of that name, or makes it in a shard that its UUID chooses.
func EnsureTenant(ctx context.Context, db pg.DB, name string, now time.Time) (tenant.Tenant, error) {
	if name == tenant.DefaultName {
		return tenant.EnsureDefault(ctx, db, now)
	}
	known, err := tenant.ByName(ctx, db, name)
	if fault.KindOf(err) == fault.NotFound {
		return MakeTenant(ctx, db, name, "", now)
	}
	return known, err
}

func shardFor(u uuid.UUID) int32 {
	hash := fnv.New32a()
	_, _ = hash.Write(u[:]) // never fails
	return int32(hash.Sum32() % Shards)
}
