// Package stream keeps what attempts write while they run: the rows of log_line and
// stream_chunk.
//
// It owns these two tables; nobody else writes them. Both are only ever added to, and
// their primary keys are the order of reading. It promises that a row which comes
// again changes nothing, and that a page is one range of one index.
package stream

import (
	_ "embed"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed insert_lines.sql
	insertLinesSQL string
	//go:embed insert_chunks.sql
	insertChunksSQL string

	insertLines  = bulk.Statement{Name: "stream_insert_lines", SQL: insertLinesSQL}
	insertChunks = bulk.Statement{Name: "stream_insert_chunks", SQL: insertChunksSQL}
)

// Statements are those that the columns of this package queue: they must be
// prepared on the connection that sends them. All may be repeated as they are.
func Statements() []bulk.Statement { return []bulk.Statement{insertLines, insertChunks} }

// LineColumns are log_line rows on their way to Postgres.
type LineColumns struct {
	task, tenant, token, logged bulk.Int8
	attempt, seq, level         bulk.Int4
	message                     bulk.Text
	fields                      bulk.Bytea
}

// Add appends a row.
func (c *LineColumns) Add(l *core.LogLine) {
	c.task.Add(int64(l.Task))
	c.tenant.Add(int64(l.Tenant))
	c.token.Add(int64(l.Token))
	c.logged.Add(int64(l.At))
	c.attempt.Add(l.Attempt)
	c.seq.Add(l.Seq)
	c.level.Add(l.Level)
	c.message.Add(l.Message)
	c.fields.Add(l.Fields)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *LineColumns) Queue(b *bulk.Batch) {
	queue(b, insertLines, c.task.Rows(),
		&c.task, &c.tenant, &c.token, &c.logged, &c.attempt, &c.seq, &c.level, &c.message, &c.fields)
}

// ChunkColumns are stream_chunk rows on their way to Postgres.
type ChunkColumns struct {
	task, tenant, token bulk.Int8
	attempt, seq        bulk.Int4
	data                bulk.Bytea
}

// Add appends a row.
func (c *ChunkColumns) Add(k *core.Chunk) {
	c.task.Add(int64(k.Task))
	c.tenant.Add(int64(k.Tenant))
	c.token.Add(int64(k.Token))
	c.attempt.Add(k.Attempt)
	c.seq.Add(k.Seq)
	data := []byte(k.Data)
	if data == nil {
		data = []byte{} // a null would refuse the batch
	}
	c.data.Add(data)
}

// Queue adds the insert to b, unless there are no rows, and empties the columns.
func (c *ChunkColumns) Queue(b *bulk.Batch) {
	queue(b, insertChunks, c.task.Rows(), &c.task, &c.tenant, &c.token, &c.attempt, &c.seq, &c.data)
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
