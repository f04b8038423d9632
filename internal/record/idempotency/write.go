// Package idempotency keeps which run holds which key: the rows of idempotency.
//
// It owns this table; nobody else writes it, and it is written in the journal's
// transactions only, a key together with the run that holds it. It promises that what is
// read of a key tells how far its run has come, as it was then or later.
package idempotency

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed put_many.sql
	putManySQL string
	//go:embed delete_many.sql
	deleteManySQL string

	putMany    = bulk.Statement{Name: "idempotency_put_many", SQL: putManySQL}
	deleteMany = bulk.Statement{Name: "idempotency_delete_many", SQL: deleteManySQL}
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them. All may be repeated as they are.
func Statements() []bulk.Statement { return []bulk.Statement{putMany, deleteMany} }

// Columns are rows on their way to Postgres.
type Columns struct {
	run, tenant, by, until, first bulk.Int8
	shard                         bulk.Int4
	hold, key                     bulk.Text
	closed                        bulk.Int8
}

// Add appends a row; a run must not come twice.
func (c *Columns) Add(k *core.OnceKey) {
	c.run.Add(int64(k.Run))
	c.tenant.Add(int64(k.Tenant))
	c.by.AddOrNull(int64(k.By))
	c.until.AddOrNull(int64(k.Until))
	c.first.AddOrNull(int64(k.First))
	c.shard.Add(k.Run.Shard())
	c.hold.Add(k.Hold.String())
	c.key.Add(k.Key)
}

// Close appends a run whose row is deleted; it need not have one.
func (c *Columns) Close(run id.ID) { c.closed.Add(int64(run)) }

// Queue adds the statements to b that there are rows for, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch) {
	if c.closed.Rows() > 0 {
		b.Add(deleteMany, &c.closed)
		c.closed.Reset()
	}
	if c.run.Rows() == 0 {
		return
	}
	columns := []bulk.Column{&c.run, &c.tenant, &c.by, &c.until, &c.first, &c.shard, &c.hold, &c.key}
	b.Add(putMany, columns...)
	for _, column := range columns {
		column.Reset()
	}
}
