// Package moment keeps what happened to attempts on their way: the rows of moment.
//
// It owns this table; nobody else writes it, and rows are only ever added. It promises
// that a moment which is told again changes nothing, and that what is read of a task is
// one range of one index.
package moment

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
	//go:embed insert_many.sql
	insertManySQL string
	//go:embed of_tasks.sql
	ofTasksSQL string

	insertMany = bulk.Statement{Name: "moment_insert_many", SQL: insertManySQL}
)

// Statements are those that the columns of this package queue: they must be prepared on
// the connection that sends them. All may be repeated as they are.
func Statements() []bulk.Statement { return []bulk.Statement{insertMany} }

// Columns are moment rows on their way to Postgres.
type Columns struct {
	task, tenant, token, at, deadline, worker bulk.Int8
	by, assigned, started                     bulk.Int8
	attempt                                   bulk.Int4
	kind                                      bulk.Text
}

// Add appends a row.
func (c *Columns) Add(m *core.Moment) {
	c.task.Add(int64(m.Task))
	c.tenant.Add(int64(m.Tenant))
	c.token.Add(int64(m.Token))
	c.at.Add(int64(m.At))
	c.deadline.Add(int64(m.Deadline))
	c.worker.Add(int64(m.Worker))
	c.by.AddOrNull(m.ByMS)
	c.assigned.AddOrNull(int64(m.Assigned))
	c.started.AddOrNull(int64(m.Started))
	c.attempt.Add(m.Attempt)
	c.kind.Add(m.Kind.String())
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch) {
	if c.task.Rows() == 0 {
		return
	}
	all := []bulk.Column{
		&c.task, &c.tenant, &c.token, &c.at, &c.deadline, &c.worker, &c.by, &c.assigned, &c.started, &c.attempt, &c.kind,
	}
	b.Add(insertMany, all...)
	for _, column := range all {
		column.Reset()
	}
}

// ReadMax is how many moments are read of a task, the newest: a function that moves its
// deadline every second would fill a page for nobody.
const ReadMax = 1_000

// Of reads the moments of the tenant's tasks, by task and then in the order in which they
// happened. A task of another tenant has none.
func Of(ctx context.Context, db pg.DB, tenant id.ID, tasks ...id.ID) ([]core.Moment, error) {
	rows, err := db.Query(ctx, ofTasksSQL, tenant, tasks, ReadMax)
	if err != nil {
		return nil, fmt.Errorf("read moments of %d tasks: %w", len(tasks), err)
	}
	moments, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read moments of %d tasks: %w", len(tasks), err)
	}
	return moments, nil
}

func scan(row pgx.CollectableRow) (m core.Moment, err error) {
	var kind string
	err = row.Scan(&m.Task, &m.Tenant, &m.Worker, &m.Token, &m.At, &m.Deadline, &m.ByMS, &m.Assigned, &m.Started, &m.Attempt, &kind)
	m.Kind = core.ParseMomentKind(kind)
	return m, err
}
