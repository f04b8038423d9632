// Package run keeps runs of graphs: the rows of run, run_result and open_run.
//
// It owns these three tables; nobody else writes them. The first two are only ever
// added to, the third is the checkpoint. It promises that a run has one result for
// ever, and that a new owner finds every run that is open, with how its tasks ended.
package run

import (
	_ "embed"
	"strings"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/flow"
)

var (
	//go:embed insert_many.sql
	insertManySQL string
	//go:embed insert_results.sql
	insertResultsSQL string
	//go:embed upsert_open.sql
	upsertOpenSQL string
	//go:embed delete_open.sql
	deleteOpenSQL string

	insertMany    = bulk.Statement{Name: "run_insert_many", SQL: insertManySQL}
	insertResults = bulk.Statement{Name: "run_insert_results", SQL: insertResultsSQL}
	upsertOpen    = bulk.Statement{Name: "run_upsert_open", SQL: upsertOpenSQL}
	deleteOpen    = bulk.Statement{Name: "run_delete_open", SQL: deleteOpenSQL}

	insertManyRepeated    = insertMany.Repeated()
	insertResultsRepeated = insertResults.Repeated()
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them.
func Statements() []bulk.Statement {
	return []bulk.Statement{
		insertMany, insertManyRepeated,
		insertResults, insertResultsRepeated,
		upsertOpen, deleteOpen, // may be repeated as they are
	}
}

// Columns are run rows on their way to Postgres.
type Columns struct {
	id, tenant, version, runAt, replayOf, event, schedule, parent bulk.Int8
	priority                                                      bulk.Int4
	key, scopes                                                   bulk.Text
	input, metadata, given, flow                                  bulk.Bytea
}

// Add appends a row.
func (c *Columns) Add(r *core.NewTask) {
	c.id.Add(int64(r.ID))
	c.tenant.Add(int64(r.Tenant))
	c.version.Add(int64(r.Version))
	c.runAt.Add(int64(r.RunAt))
	c.replayOf.AddOrNull(int64(r.ReplayOf))
	c.event.AddOrNull(int64(r.Event))
	c.schedule.AddOrNull(int64(r.Schedule))
	c.parent.AddOrNull(int64(r.Parent))
	c.priority.Add(r.Priority)
	c.key.Add(r.Key)
	c.input.Add(r.Input)
	c.metadata.Add(r.Metadata)
	c.given.Add(r.Given)
	c.scopes.AddOrNull(encodeTexts(r.Scopes))
	c.flow.Add(flow.Encode(r.Flow))
}

// encodeTexts writes the text of an array of texts: an array of arrays cannot be sent.
// It is empty for none.
func encodeTexts(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	var b strings.Builder
	for i, text := range texts {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteByte('"')
		_, _ = quoteElement.WriteString(&b, text) // a Builder never fails
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

var quoteElement = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch, repeat bool) {
	s := insertMany
	if repeat {
		s = insertManyRepeated
	}
	queue(b, s, c.id.Rows(),
		&c.id, &c.tenant, &c.version, &c.runAt, &c.replayOf, &c.event, &c.schedule, &c.parent,
		&c.priority, &c.key, &c.input, &c.metadata, &c.given, &c.scopes, &c.flow)
}

// ResultColumns are run_result rows on their way to Postgres.
type ResultColumns struct {
	id, tenant, finished bulk.Int8
	status, err          bulk.Text
}

// Add appends a row.
func (c *ResultColumns) Add(r *core.RunResult) {
	c.id.Add(int64(r.Run))
	c.tenant.Add(int64(r.Tenant))
	c.finished.Add(int64(r.Finished))
	c.status.Add(r.Status.String())
	c.err.AddOrNull(r.Error)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *ResultColumns) Queue(b *bulk.Batch, repeat bool) {
	s := insertResults
	if repeat {
		s = insertResultsRepeated
	}
	queue(b, s, c.id.Rows(), &c.id, &c.tenant, &c.finished, &c.status, &c.err)
}

// OpenColumns are open_run rows on their way to Postgres.
type OpenColumns struct {
	id, tenant, version, runAt bulk.Int8
	shard, priority, passed    bulk.Int4
	key, cancel                bulk.Text
}

// Add appends a row; an id must not come twice.
func (c *OpenColumns) Add(r *core.OpenRun) {
	c.id.Add(int64(r.ID))
	c.tenant.Add(int64(r.Tenant))
	c.version.Add(int64(r.Version))
	c.runAt.Add(int64(r.RunAt))
	c.shard.Add(r.ID.Shard())
	c.priority.Add(r.Priority)
	c.key.Add(r.Key)
	c.cancel.Add(r.Cancel)
	c.passed.Add(r.Passed)
}

// Queue adds the upsert to b, unless there are no rows, and empties the columns.
func (c *OpenColumns) Queue(b *bulk.Batch) {
	queue(b, upsertOpen, c.id.Rows(),
		&c.id, &c.tenant, &c.version, &c.runAt, &c.shard, &c.priority, &c.key, &c.cancel, &c.passed)
}

// ClosedColumns are the ids of open_run rows to delete.
type ClosedColumns struct{ id bulk.Int8 }

// Add appends an id; it need not have a row.
func (c *ClosedColumns) Add(run id.ID) { c.id.Add(int64(run)) }

// Queue adds the delete to b, unless there are no ids, and empties the columns.
func (c *ClosedColumns) Queue(b *bulk.Batch) { queue(b, deleteOpen, c.id.Rows(), &c.id) }

func queue(b *bulk.Batch, s bulk.Statement, rows int, columns ...bulk.Column) {
	if rows == 0 {
		return
	}
	b.Add(s, columns...)
	for _, c := range columns {
		c.Reset()
	}
}
