// Package task keeps what was submitted and what came of it: the rows of task,
// task_result and attempt.
//
// It owns these three tables; nobody else writes them, and rows are only ever
// added. It promises that a task has one result for ever: the primary key of
// task_result refuses another one.
package task

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed insert_many.sql
	insertManySQL string
	//go:embed insert_results.sql
	insertResultsSQL string
	//go:embed insert_attempts.sql
	insertAttemptsSQL string

	insertMany     = bulk.Statement{Name: "task_insert_many", SQL: insertManySQL}
	insertResults  = bulk.Statement{Name: "task_insert_results", SQL: insertResultsSQL}
	insertAttempts = bulk.Statement{Name: "task_insert_attempts", SQL: insertAttemptsSQL}

	insertManyRepeated     = insertMany.Repeated()
	insertResultsRepeated  = insertResults.Repeated()
	insertAttemptsRepeated = insertAttempts.Repeated()
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them.
func Statements() []bulk.Statement {
	return []bulk.Statement{
		insertMany, insertManyRepeated,
		insertResults, insertResultsRepeated,
		insertAttempts, insertAttemptsRepeated,
	}
}

// Columns are task rows on their way to Postgres.
type Columns struct {
	id, tenant, version, runAt, replayOf bulk.Int8
	priority                             bulk.Int4
	key                                  bulk.Text
	input, metadata                      bulk.Bytea
}

func (c *Columns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.version, &c.runAt, &c.replayOf,
		&c.priority, &c.key, &c.input, &c.metadata,
	}
}

// Add appends a row.
func (c *Columns) Add(t *core.NewTask) {
	c.id.Add(int64(t.ID))
	c.tenant.Add(int64(t.Tenant))
	c.version.Add(int64(t.Version))
	c.runAt.Add(int64(t.RunAt))
	c.replayOf.AddOrNull(int64(t.ReplayOf))
	c.priority.Add(t.Priority)
	c.key.Add(t.Key)
	c.input.Add(t.Input)
	c.metadata.Add(t.Metadata)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch, repeat bool) {
	queue(b, &c.id, repeat, insertMany, insertManyRepeated, c.all())
}

// ResultColumns are task_result rows on their way to Postgres.
type ResultColumns struct {
	id, tenant, worker, assigned, started, finished bulk.Int8
	attempt                                         bulk.Int4
	status, err                                     bulk.Text
	output                                          bulk.Bytea
}

func (c *ResultColumns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.worker, &c.assigned, &c.started, &c.finished,
		&c.attempt, &c.status, &c.err, &c.output,
	}
}

// Add appends a row.
func (c *ResultColumns) Add(r *core.Result) {
	c.id.Add(int64(r.Task))
	c.tenant.Add(int64(r.Tenant))
	c.worker.AddOrNull(int64(r.Worker))
	c.assigned.Add(int64(r.Assigned))
	c.started.Add(int64(r.Started))
	c.finished.Add(int64(r.Finished))
	c.attempt.Add(r.Attempt)
	c.status.Add(r.Status.String())
	c.err.AddOrNull(r.Error)
	c.output.Add(r.Output)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *ResultColumns) Queue(b *bulk.Batch, repeat bool) {
	queue(b, &c.id, repeat, insertResults, insertResultsRepeated, c.all())
}

// AttemptColumns are attempt rows on their way to Postgres.
type AttemptColumns struct {
	task, tenant, worker, assigned, started, finished, retryAt bulk.Int8
	number                                                     bulk.Int4
	outcome, err                                               bulk.Text
}

func (c *AttemptColumns) all() []bulk.Column {
	return []bulk.Column{
		&c.task, &c.tenant, &c.worker, &c.assigned, &c.started, &c.finished, &c.retryAt,
		&c.number, &c.outcome, &c.err,
	}
}

// Add appends a row.
func (c *AttemptColumns) Add(a *core.Attempt) {
	c.task.Add(int64(a.Task))
	c.tenant.Add(int64(a.Tenant))
	c.worker.AddOrNull(int64(a.Worker))
	c.assigned.Add(int64(a.Assigned))
	c.started.Add(int64(a.Started))
	c.finished.Add(int64(a.Finished))
	c.retryAt.Add(int64(a.RetryAt))
	c.number.Add(a.Number)
	c.outcome.Add(a.Outcome.String())
	c.err.Add(a.Error)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *AttemptColumns) Queue(b *bulk.Batch, repeat bool) {
	queue(b, &c.task, repeat, insertAttempts, insertAttemptsRepeated, c.all())
}

func queue(b *bulk.Batch, key *bulk.Int8, repeat bool, plain, repeated bulk.Statement, columns []bulk.Column) {
	if key.Rows() == 0 {
		return
	}
	if repeat {
		plain = repeated
	}
	b.Add(plain, columns...)
	for _, c := range columns {
		c.Reset()
	}
}
