// Package durable keeps what durable tasks did and wait for: the rows of durable_entry,
// condition_met, reply, durable_value and wait.
//
// It owns these five tables; nobody else writes them. Logs, replies and what was met are
// only ever added to, a value is the last of its name, and a wait is a row until it is over.
// It promises that an entry and a met condition are there once, by their primary keys,
// and that conditions are read as they were written by any version before.
package durable

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed insert_entries.sql
	insertEntriesSQL string
	//go:embed insert_mets.sql
	insertMetsSQL string
	//go:embed insert_replies.sql
	insertRepliesSQL string
	//go:embed put_values.sql
	putValuesSQL string
	//go:embed put_waits.sql
	putWaitsSQL string
	//go:embed delete_waits.sql
	deleteWaitsSQL string

	insertEntries = bulk.Statement{Name: "durable_insert_entries", SQL: insertEntriesSQL}
	insertMets    = bulk.Statement{Name: "durable_insert_mets", SQL: insertMetsSQL}
	insertReplies = bulk.Statement{Name: "durable_insert_replies", SQL: insertRepliesSQL}
	putValues     = bulk.Statement{Name: "durable_put_values", SQL: putValuesSQL}
	putWaits      = bulk.Statement{Name: "durable_put_waits", SQL: putWaitsSQL}
	deleteWaits   = bulk.Statement{Name: "durable_delete_waits", SQL: deleteWaitsSQL}

	insertEntriesRepeated = insertEntries.Repeated()
	insertMetsRepeated    = insertMets.Repeated()
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them.
func Statements() []bulk.Statement {
	return []bulk.Statement{
		insertEntries, insertEntriesRepeated,
		insertMets, insertMetsRepeated,
		insertReplies, putValues, putWaits, deleteWaits, // may be repeated as they are
	}
}

// EntryColumns are durable_entry rows on their way to Postgres.
type EntryColumns struct {
	task, tenant, at bulk.Int8
	index            bulk.Int4
	kind, name, err  bulk.Text
	data, conditions bulk.Bytea
}

// Add appends a row.
func (c *EntryColumns) Add(e *core.Entry) {
	c.task.Add(int64(e.Task))
	c.tenant.Add(int64(e.Tenant))
	c.at.Add(int64(e.At))
	c.index.Add(e.Index)
	c.kind.Add(e.Kind.String())
	c.name.Add(e.Name)
	c.err.AddOrNull(e.Error)
	c.data.Add(e.Data)
	if len(e.Conditions) > 0 {
		c.conditions.Add(encodeConditions(e.Conditions))
	} else {
		c.conditions.Add(nil)
	}
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *EntryColumns) Queue(b *bulk.Batch, repeat bool) {
	s := insertEntries
	if repeat {
		s = insertEntriesRepeated
	}
	queue(b, s, c.task.Rows(),
		&c.task, &c.tenant, &c.at, &c.index, &c.kind, &c.name, &c.err, &c.data, &c.conditions)
}

// MetColumns are condition_met rows on their way to Postgres.
type MetColumns struct {
	task, tenant, event, order, at bulk.Int8
	index, condition               bulk.Int4
	data                           bulk.Bytea
}

// Add appends a row.
func (c *MetColumns) Add(m *core.Met) {
	c.task.Add(int64(m.Task))
	c.tenant.Add(int64(m.Tenant))
	c.event.AddOrNull(int64(m.Event))
	c.order.Add(m.Order)
	c.at.Add(int64(m.At))
	c.index.Add(m.Index)
	c.condition.Add(m.Condition)
	c.data.Add(m.Data)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *MetColumns) Queue(b *bulk.Batch, repeat bool) {
	s := insertMets
	if repeat {
		s = insertMetsRepeated
	}
	queue(b, s, c.task.Rows(),
		&c.task, &c.tenant, &c.event, &c.order, &c.at, &c.index, &c.condition, &c.data)
}

// ReplyColumns are reply rows on their way to Postgres.
type ReplyColumns struct {
	event, tenant, at bulk.Int8
	err               bulk.Text
	data              bulk.Bytea
}

// Add appends a row; the first of an event stands.
func (c *ReplyColumns) Add(r *core.Reply) {
	c.event.Add(int64(r.Event))
	c.tenant.Add(int64(r.Tenant))
	c.at.Add(int64(r.At))
	c.err.AddOrNull(r.Error)
	c.data.Add(r.Data)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *ReplyColumns) Queue(b *bulk.Batch) {
	queue(b, insertReplies, c.event.Rows(), &c.event, &c.tenant, &c.at, &c.err, &c.data)
}

// ValueColumns are durable_value rows on their way to Postgres.
type ValueColumns struct {
	task, tenant, at bulk.Int8
	name             bulk.Text
	data             bulk.Bytea
}

// Add appends a row; a name of a task must not come twice.
func (c *ValueColumns) Add(v *core.Value) {
	c.task.Add(int64(v.Task))
	c.tenant.Add(int64(v.Tenant))
	c.at.Add(int64(v.At))
	c.name.Add(v.Name)
	if v.Data == nil {
		c.data.Add([]byte("null")) // its worker left it out; a null would refuse everybody's batch
	} else {
		c.data.Add(v.Data)
	}
}

// Queue adds the upsert to b, unless there are no rows, and empties the columns.
func (c *ValueColumns) Queue(b *bulk.Batch) {
	queue(b, putValues, c.task.Rows(), &c.task, &c.tenant, &c.at, &c.name, &c.data)
}

// WaitColumns are wait rows on their way to Postgres.
type WaitColumns struct {
	task, tenant, run bulk.Int8
	shard, index      bulk.Int4
	watched           bulk.Bool
	conditions        bulk.Bytea
}

// Add appends a row; a key must not come twice.
func (c *WaitColumns) Add(w *core.Wait) {
	c.task.Add(int64(w.Task))
	c.tenant.Add(int64(w.Tenant))
	c.run.AddOrNull(int64(w.Run))
	c.shard.Add(w.Task.Shard())
	c.index.Add(w.Index)
	c.watched.Add(watched(w.Conditions))
	c.conditions.Add(encodeConditions(w.Conditions))
}

// Queue adds the upsert to b, unless there are no rows, and empties the columns.
func (c *WaitColumns) Queue(b *bulk.Batch) {
	queue(b, putWaits, c.task.Rows(), &c.task, &c.tenant, &c.run, &c.shard, &c.index, &c.watched, &c.conditions)
}

// watched tells whether a wait is for more than times. Those are found by the due time
// of their task; all else must be in the memory of whoever meets it.
func watched(conditions []core.Condition) bool {
	for i := range conditions {
		if conditions[i].Kind != core.OnSleep {
			return true
		}
	}
	return false
}

// ClosedWaitColumns are the keys of wait rows to delete.
type ClosedWaitColumns struct {
	task  bulk.Int8
	index bulk.Int4
}

// Add appends a key; it need not have a row.
func (c *ClosedWaitColumns) Add(k core.WaitKey) {
	c.task.Add(int64(k.Task))
	c.index.Add(k.Index)
}

// Queue adds the delete to b, unless there are no keys, and empties the columns.
func (c *ClosedWaitColumns) Queue(b *bulk.Batch) {
	queue(b, deleteWaits, c.task.Rows(), &c.task, &c.index)
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
