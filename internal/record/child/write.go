// Package child keeps who spawned whom: the rows of child and closing.
//
// It owns these two tables; nobody else writes them. Children are only ever added; a
// row of closing says that the children of a task are still to be cancelled, and goes
// when they are. It promises that a key of a parent names one run for ever: the
// primary key of child refuses another one.
package child

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed insert_many.sql
	insertManySQL string
	//go:embed put_closing.sql
	putClosingSQL string
	//go:embed delete_closing.sql
	deleteClosingSQL string

	insertMany    = bulk.Statement{Name: "child_insert_many", SQL: insertManySQL}
	putClosing    = bulk.Statement{Name: "child_put_closing", SQL: putClosingSQL}
	deleteClosing = bulk.Statement{Name: "child_delete_closing", SQL: deleteClosingSQL}

	insertManyRepeated = insertMany.Repeated()
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them.
func Statements() []bulk.Statement {
	return []bulk.Statement{
		insertMany, insertManyRepeated,
		putClosing, deleteClosing, // may be repeated as they are
	}
}

// Columns are child rows on their way to Postgres.
type Columns struct {
	parent, tenant, run bulk.Int8
	cancel              bulk.Bool
	key                 bulk.Text
}

// Add appends a row.
func (c *Columns) Add(child *core.Child) {
	c.parent.Add(int64(child.Parent))
	c.tenant.Add(int64(child.Tenant))
	c.run.Add(int64(child.Run))
	c.cancel.Add(child.Cancel)
	c.key.Add(child.Key)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch, repeat bool) {
	s := insertMany
	if repeat {
		s = insertManyRepeated
	}
	queue(b, s, c.parent.Rows(), &c.parent, &c.tenant, &c.run, &c.cancel, &c.key)
}

// ClosingColumns are closing rows on their way to Postgres.
type ClosingColumns struct {
	task, tenant bulk.Int8
	shard        bulk.Int4
	whole        bulk.Bool
	reason       bulk.Text
}

// Add appends a row; a task must not come twice.
func (c *ClosingColumns) Add(closing *core.Closing) {
	c.task.Add(int64(closing.Task))
	c.tenant.Add(int64(closing.Tenant))
	c.shard.Add(closing.Task.Shard())
	c.whole.Add(closing.Whole)
	c.reason.Add(closing.Reason)
}

// Queue adds the upsert to b, unless there are no rows, and empties the columns.
func (c *ClosingColumns) Queue(b *bulk.Batch) {
	queue(b, putClosing, c.task.Rows(), &c.task, &c.tenant, &c.shard, &c.whole, &c.reason)
}

// ClosedColumns are the tasks of closing rows to delete.
type ClosedColumns struct{ task bulk.Int8 }

// Add appends a task; it need not have a row.
func (c *ClosedColumns) Add(task id.ID) { c.task.Add(int64(task)) }

// Queue adds the delete to b, unless there are no tasks, and empties the columns.
func (c *ClosedColumns) Queue(b *bulk.Batch) { queue(b, deleteClosing, c.task.Rows(), &c.task) }

func queue(b *bulk.Batch, s bulk.Statement, rows int, columns ...bulk.Column) {
	if rows == 0 {
		return
	}
	b.Add(s, columns...)
	for _, c := range columns {
		c.Reset()
	}
}
