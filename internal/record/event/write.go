// Package event keeps what was pushed: the rows of event, event_run and event_filter.
//
// It owns these three tables; nobody else writes them. Rows of the first two are only
// ever added, in the journal's transactions; a filter is added or deleted, never
// changed. It promises that what an event started can be told for as long as the event.
package event

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed insert_many.sql
	insertManySQL string
	//go:embed insert_runs.sql
	insertRunsSQL string

	insertMany = bulk.Statement{Name: "event_insert_many", SQL: insertManySQL}
	insertRuns = bulk.Statement{Name: "event_insert_runs", SQL: insertRunsSQL}

	insertManyRepeated = insertMany.Repeated()
	insertRunsRepeated = insertRuns.Repeated()
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them.
func Statements() []bulk.Statement {
	return []bulk.Statement{insertMany, insertManyRepeated, insertRuns, insertRunsRepeated}
}

// Columns are event rows on their way to Postgres.
type Columns struct {
	id, tenant, target, replayOf bulk.Int8
	priority                     bulk.Int4
	key, scope                   bulk.Text
	payload, metadata            bulk.Bytea
	warning                      bulk.Text
}

// Add appends a row.
func (c *Columns) Add(e *core.NewEvent) {
	c.id.Add(int64(e.ID))
	c.tenant.Add(int64(e.Tenant))
	c.target.AddOrNull(int64(e.Target))
	c.replayOf.AddOrNull(int64(e.ReplayOf))
	c.priority.Add(e.Priority)
	c.key.Add(e.Key)
	c.scope.Add(e.Scope)
	c.payload.Add(e.Payload)
	c.metadata.Add(e.Metadata)
	c.warning.AddOrNull(e.Warning)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch, repeat bool) {
	s := insertMany
	if repeat {
		s = insertManyRepeated
	}
	queue(b, s, c.id.Rows(), &c.id, &c.tenant, &c.target, &c.replayOf,
		&c.priority, &c.key, &c.scope, &c.payload, &c.metadata, &c.warning)
}

// RunColumns are event_run rows on their way to Postgres.
type RunColumns struct {
	event, run, filter bulk.Int8
}

// Add appends a row.
func (c *RunColumns) Add(r *core.EventRun) {
	c.event.Add(int64(r.Event))
	c.run.Add(int64(r.Run))
	c.filter.AddOrNull(int64(r.Filter))
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *RunColumns) Queue(b *bulk.Batch, repeat bool) {
	s := insertRuns
	if repeat {
		s = insertRunsRepeated
	}
	queue(b, s, c.event.Rows(), &c.event, &c.run, &c.filter)
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
