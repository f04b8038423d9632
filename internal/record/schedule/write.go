// Package schedule keeps what starts runs by itself: the rows of schedule and
// schedule_state.
//
// It owns these two tables; nobody else writes them, and they are written in the
// journal's transactions only, a state together with the run that it tells of. It
// promises that a schedule has both rows or none.
package schedule

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed upsert_many.sql
	upsertManySQL string
	//go:embed upsert_states.sql
	upsertStatesSQL string
	//go:embed delete_many.sql
	deleteManySQL string
	//go:embed delete_states.sql
	deleteStatesSQL string

	upsertMany   = bulk.Statement{Name: "schedule_upsert_many", SQL: upsertManySQL}
	upsertStates = bulk.Statement{Name: "schedule_upsert_states", SQL: upsertStatesSQL}
	deleteMany   = bulk.Statement{Name: "schedule_delete_many", SQL: deleteManySQL}
	deleteStates = bulk.Statement{Name: "schedule_delete_states", SQL: deleteStatesSQL}
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them. All may be repeated as they are.
func Statements() []bulk.Statement {
	return []bulk.Statement{upsertMany, upsertStates, deleteMany, deleteStates}
}

// Columns are the rows of schedules on their way to Postgres.
type Columns struct {
	definitions definitionColumns
	states      stateColumns
	closed      bulk.Int8
}

// Add appends a definition; an id must not come twice.
func (c *Columns) Add(s *core.Schedule) { c.definitions.add(s) }

// AddState appends a state; an id must not come twice.
func (c *Columns) AddState(s *core.ScheduleState) { c.states.add(s) }

// Close appends an id whose rows are deleted; it need not have any.
func (c *Columns) Close(schedule id.ID) { c.closed.Add(int64(schedule)) }

// Queue adds the statements to b that there are rows for, and empties the columns.
// Deletes come first: the name of a schedule that goes may be that of one that comes.
func (c *Columns) Queue(b *bulk.Batch) {
	if c.closed.Rows() > 0 {
		b.Add(deleteMany, &c.closed)
		b.Add(deleteStates, &c.closed)
		c.closed.Reset()
	}
	queue(b, upsertMany, c.definitions.id.Rows(), c.definitions.all())
	queue(b, upsertStates, c.states.id.Rows(), c.states.all())
}

func queue(b *bulk.Batch, s bulk.Statement, rows int, columns []bulk.Column) {
	if rows == 0 {
		return
	}
	b.Add(s, columns...)
	for _, c := range columns {
		c.Reset()
	}
}

type definitionColumns struct {
	id, tenant, at, jitter                             bulk.Int8
	shard, priority, catchUpMax                        bulk.Int4
	paused, declared                                   bulk.Bool
	overlap, catchUp, workflow, name, expression, zone bulk.Text
	input, metadata                                    bulk.Bytea
}

func (c *definitionColumns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.at, &c.jitter, &c.shard, &c.priority, &c.catchUpMax, &c.paused, &c.declared,
		&c.overlap, &c.catchUp, &c.workflow, &c.name, &c.expression, &c.zone, &c.input, &c.metadata,
	}
}

func (c *definitionColumns) add(s *core.Schedule) {
	c.id.Add(int64(s.ID))
	c.tenant.Add(int64(s.Tenant))
	c.at.Add(int64(s.At))
	c.jitter.Add(s.JitterMS)
	c.shard.Add(s.ID.Shard())
	c.priority.Add(s.Priority)
	c.catchUpMax.Add(s.CatchUpMax)
	c.paused.Add(s.Paused)
	c.declared.Add(s.Declared)
	c.overlap.Add(s.Overlap.String())
	c.catchUp.Add(s.CatchUp.String())
	c.workflow.Add(s.Workflow)
	c.name.AddOrNull(s.Name)
	c.expression.Add(s.Expression)
	c.zone.Add(s.Zone)
	c.input.Add(s.Input)
	c.metadata.Add(s.Metadata)
}

type stateColumns struct {
	id, tenant, due, last, lastRun, running, queued, skipped bulk.Int8
	shard, revision                                          bulk.Int4
}

func (c *stateColumns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.due, &c.last, &c.lastRun, &c.running, &c.queued, &c.skipped,
		&c.shard, &c.revision,
	}
}

func (c *stateColumns) add(s *core.ScheduleState) {
	c.id.Add(int64(s.ID))
	c.tenant.Add(int64(s.Tenant))
	c.due.Add(int64(s.Due))
	c.last.Add(int64(s.Last))
	c.lastRun.AddOrNull(int64(s.LastRun))
	c.running.AddOrNull(int64(s.Running))
	c.queued.Add(int64(s.Queued))
	c.skipped.Add(s.Skipped)
	c.shard.Add(s.ID.Shard())
	c.revision.Add(s.Revision)
}
