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
	"github.com/adzehq/adze/internal/record/flow"
)

var (
	//go:embed insert_many.sql
	insertManySQL string
	//go:embed insert_nodes.sql
	insertNodesSQL string
	//go:embed insert_attempts.sql
	insertAttemptsSQL string

	insertMany     = insertOf("task_insert_many", insertManySQL)
	insertNodes    = insertOf("task_insert_nodes", insertNodesSQL)
	insertAttempts = insertOf("task_insert_attempts", insertAttemptsSQL)
)

// insertion is a statement with its form for rows that may be there already.
type insertion struct{ plain, repeated bulk.Statement }

func insertOf(name, sql string) insertion {
	s := bulk.Statement{Name: name, SQL: sql}
	return insertion{s, s.Repeated()}
}

// queue adds the insert to b, unless there are no rows, and empties the columns.
func (i *insertion) queue(b *bulk.Batch, repeat bool, rows int, columns []bulk.Column) {
	if rows == 0 {
		return
	}
	s := i.plain
	if repeat {
		s = i.repeated
	}
	b.Add(s, columns...)
	for _, c := range columns {
		c.Reset()
	}
}

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them.
func Statements() (all []bulk.Statement) {
	for _, i := range []insertion{insertMany, insertNodes, insertResults, insertJudged, insertFailures, insertAttempts} {
		all = append(all, i.plain, i.repeated)
	}
	return all
}

// Columns are task rows on their way to Postgres. Those of graphs go by a statement of
// their own: they have a column more than the others, and three less.
type Columns struct {
	id, tenant, version, runAt, replayOf, event, schedule, parent bulk.Int8
	priority                                                      bulk.Int4
	key                                                           bulk.Text
	input, metadata, given, flow                                  bulk.Bytea

	nodes nodeColumns
}

func (c *Columns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.version, &c.runAt, &c.replayOf, &c.event, &c.schedule, &c.parent,
		&c.priority, &c.key, &c.input, &c.metadata, &c.given, &c.flow,
	}
}

// Add appends a row.
func (c *Columns) Add(t *core.NewTask) {
	if t.Run != 0 {
		c.nodes.add(t)
		return
	}
	c.id.Add(int64(t.ID))
	c.tenant.Add(int64(t.Tenant))
	c.version.Add(int64(t.Version))
	c.runAt.Add(int64(t.RunAt))
	c.replayOf.AddOrNull(int64(t.ReplayOf))
	c.event.AddOrNull(int64(t.Event))
	c.schedule.AddOrNull(int64(t.Schedule))
	c.parent.AddOrNull(int64(t.Parent))
	c.priority.Add(t.Priority)
	c.key.Add(t.Key)
	c.input.Add(t.Input)
	c.metadata.Add(t.Metadata)
	c.given.Add(t.Given)
	c.flow.Add(flow.Encode(t.Flow))
}

// Queue adds the inserts to b, unless there are no rows, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch, repeat bool) {
	insertMany.queue(b, repeat, c.id.Rows(), c.all())
	insertNodes.queue(b, repeat, c.nodes.id.Rows(), c.nodes.all())
}

// nodeColumns are rows of tasks of graphs.
type nodeColumns struct {
	id, tenant, version, runAt bulk.Int8
	priority, node             bulk.Int4
	key                        bulk.Text
}

func (c *nodeColumns) all() []bulk.Column {
	return []bulk.Column{&c.id, &c.tenant, &c.version, &c.runAt, &c.priority, &c.node, &c.key}
}

func (c *nodeColumns) add(t *core.NewTask) {
	c.id.Add(int64(t.ID))
	c.tenant.Add(int64(t.Tenant))
	c.version.Add(int64(t.Version))
	c.runAt.Add(int64(t.RunAt))
	c.priority.Add(t.Priority)
	c.node.Add(t.Node)
	c.key.Add(t.Key)
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
	insertAttempts.queue(b, repeat, c.task.Rows(), c.all())
}
