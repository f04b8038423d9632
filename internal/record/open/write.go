// Package open keeps the checkpoint: the rows of open_task and low_water.
//
// It owns these two tables; nobody else writes them. It promises that what it
// loads of a lane, or of what falls due, comes in the order the core goes by, from
// one range of an index however deep the backlog is.
package open

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/flow"
)

var (
	//go:embed upsert_many.sql
	upsertManySQL string
	//go:embed delete_many.sql
	deleteManySQL string
	//go:embed move_due.sql
	moveDueSQL string
	//go:embed put_low_water.sql
	putLowWaterSQL string

	upsertMany  = bulk.Statement{Name: "open_upsert_many", SQL: upsertManySQL}
	deleteMany  = bulk.Statement{Name: "open_delete_many", SQL: deleteManySQL}
	moveDue     = bulk.Statement{Name: "open_move_due", SQL: moveDueSQL}
	putLowWater = bulk.Statement{Name: "open_put_low_water", SQL: putLowWaterSQL}
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them. All may be repeated as they are.
func Statements() []bulk.Statement {
	return []bulk.Statement{upsertMany, deleteMany, moveDue, putLowWater}
}

// Columns are open_task rows on their way to Postgres.
type Columns struct {
	id, tenant, version, worker, token, due, assigned bulk.Int8
	shard, priority, attempt, failures, node          bulk.Int4
	entries, waits                                    bulk.Int4
	binds                                             bulk.Bool
	state, queue, key, cancel                         bulk.Text
	passed                                            bulk.Int4
	rank                                              bulk.Int8
	flow                                              bulk.Bytea
	batch                                             bulk.Int8
	suspensions                                       bulk.Int4
}

func (c *Columns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.version, &c.worker, &c.token, &c.due, &c.assigned,
		&c.shard, &c.priority, &c.attempt, &c.failures, &c.node,
		&c.entries, &c.waits, &c.binds,
		&c.state, &c.queue, &c.key, &c.cancel,
		&c.passed, &c.rank, &c.flow, &c.batch, &c.suspensions,
	}
}

// Add appends a row; an id must not come twice.
func (c *Columns) Add(o *core.OpenTask) {
	c.id.Add(int64(o.ID))
	c.tenant.Add(int64(o.Tenant))
	c.version.Add(int64(o.Version))
	c.worker.Add(int64(o.Worker))
	c.token.Add(int64(o.Token))
	c.due.Add(int64(o.Due))
	c.assigned.Add(int64(o.Assigned))
	c.shard.Add(o.ID.Shard())
	c.priority.Add(o.Priority)
	c.attempt.Add(o.Attempt)
	c.failures.Add(o.Failures)
	if o.Run != 0 {
		c.node.Add(o.Node)
	} else {
		c.node.AddNull()
	}
	c.entries.Add(o.Entries)
	c.waits.Add(o.Waits)
	c.binds.Add(o.Binds)
	c.state.Add(o.State.String())
	c.queue.Add(o.Queue)
	c.key.Add(o.Key)
	c.cancel.Add(o.Cancel)
	c.passed.Add(o.Passed)
	c.rank.Add(o.Rank)
	c.flow.Add(flow.Encode(o.Flow))
	c.batch.Add(int64(o.Batch))
	c.suspensions.Add(o.Suspensions)
}

// Queue adds the upsert to b, unless there are no rows, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch) {
	queue(b, upsertMany, c.id.Rows(), c.all()...)
}

// ClosedColumns are the ids of open_task rows to delete.
type ClosedColumns struct{ id bulk.Int8 }

// Add appends an id; it need not have a row.
func (c *ClosedColumns) Add(task id.ID) { c.id.Add(int64(task)) }

// Queue adds the delete to b, unless there are no ids, and empties the columns.
func (c *ClosedColumns) Queue(b *bulk.Batch) { queue(b, deleteMany, c.id.Rows(), &c.id) }

// DueColumns are due times of open_task rows to change.
type DueColumns struct{ id, due bulk.Int8 }

// Add appends a change; a task must not come twice, and need not have a row.
func (c *DueColumns) Add(d *core.DueChange) {
	c.id.Add(int64(d.Task))
	c.due.Add(int64(d.Due))
}

// Queue adds the update to b, unless there are no changes, and empties the columns.
func (c *DueColumns) Queue(b *bulk.Batch) { queue(b, moveDue, c.id.Rows(), &c.id, &c.due) }

// LowWaterColumns are low-water marks on their way to Postgres.
type LowWaterColumns struct {
	shard bulk.Int4
	id    bulk.Int8
}

// Add appends a shard's mark; a shard must not come twice.
func (c *LowWaterColumns) Add(shard int32, mark id.ID) {
	c.shard.Add(shard)
	c.id.Add(int64(mark))
}

// Queue adds the update to b, unless there are no marks, and empties the columns.
func (c *LowWaterColumns) Queue(b *bulk.Batch) {
	queue(b, putLowWater, c.id.Rows(), &c.shard, &c.id)
}

func queue(b *bulk.Batch, s bulk.Statement, rows int, columns ...bulk.Column) {
	if rows == 0 {
		return
	}
	b.Add(s, columns...)
	for _, c := range columns {
		c.Reset()
	}
}
