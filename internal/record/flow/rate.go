package flow

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed put_rate.sql
	putRateSQL string
	//go:embed close_rate.sql
	closeRateSQL string
	//go:embed rates_of_tenant.sql
	ratesOfTenantSQL string
	//go:embed rates_of_shard.sql
	ratesOfShardSQL string

	putRate   = bulk.Statement{Name: "flow_put_rate", SQL: putRateSQL}
	closeRate = bulk.Statement{Name: "flow_close_rate", SQL: closeRateSQL}
)

// RateColumns are states of rate limits on their way to Postgres.
type RateColumns struct {
	tenant, debt, since, period bulk.Int8
	shard, limit                bulk.Int4
	name, key                   bulk.Text

	closedTenant          bulk.Int8
	closedName, closedKey bulk.Text
}

// Add appends the state of a key; a key must not come twice.
func (c *RateColumns) Add(shard int32, r *core.RateState) {
	c.tenant.Add(int64(r.Tenant))
	c.debt.Add(r.Debt)
	c.since.Add(int64(r.Since))
	c.period.Add(r.PeriodMS)
	c.shard.Add(shard)
	c.limit.Add(r.Limit)
	c.name.Add(r.Name)
	c.key.Add(r.Key)
}

// Close appends a key whose row is deleted; it need not have one.
func (c *RateColumns) Close(r core.RateName) {
	c.closedTenant.Add(int64(r.Tenant))
	c.closedName.Add(r.Name)
	c.closedKey.Add(r.Key)
}

// Queue adds the statements to b that there are rows for, and empties the columns.
func (c *RateColumns) Queue(b *bulk.Batch) {
	queue(b, closeRate, c.closedName.Rows(), &c.closedTenant, &c.closedName, &c.closedKey)
	queue(b, putRate, c.name.Rows(), &c.tenant, &c.debt, &c.since, &c.period, &c.shard, &c.limit, &c.name, &c.key)
}

// RatesOfShard reads the states of the rate limits of all tenants of a shard.
func RatesOfShard(ctx context.Context, db pg.DB, shard int32) ([]core.RateState, error) {
	states, err := readRates(ctx, db, ratesOfShardSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read rate limits of shard %d: %w", shard, err)
	}
	return states, nil
}

// RatesOfTenant reads at most limit states of keys of a rate limit, and of those whose
// names begin with its name and a colon.
func RatesOfTenant(ctx context.Context, db pg.DB, tenant id.ID, name string, limit int) ([]core.RateState, error) {
	states, err := readRates(ctx, db, ratesOfTenantSQL, tenant, name, limit)
	if err != nil {
		return nil, fmt.Errorf("read rate limits of tenant %s: %w", tenant, err)
	}
	return states, nil
}

func readRates(ctx context.Context, db pg.DB, sql string, args ...any) ([]core.RateState, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r core.RateState, err error) {
		err = row.Scan(&r.Tenant, &r.Name, &r.Key, &r.Debt, &r.Since, &r.PeriodMS, &r.Limit)
		return r, err
	})
}
