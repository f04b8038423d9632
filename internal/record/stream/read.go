package stream

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed lines.sql
	linesSQL string
	//go:embed chunks.sql
	chunksSQL string
)

// Lines reads at most limit lines of the log of the tenant's task that come after a
// place: token and seq of a line, or 0 and 0 for all. A task of another tenant has none.
func Lines(ctx context.Context, db pg.DB, tenant, task id.ID, token core.Token, seq int32, limit int) ([]core.LogLine, error) {
	rows, err := db.Query(ctx, linesSQL, tenant, task, token, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("read log of task %s: %w", task, err)
	}
	lines, err := pgx.CollectRows(rows, scanLine)
	if err != nil {
		return nil, fmt.Errorf("read log of task %s: %w", task, err)
	}
	return lines, nil
}

func scanLine(row pgx.CollectableRow) (l core.LogLine, err error) {
	var fields []byte
	err = row.Scan(&l.Task, &l.Tenant, &l.Token, &l.At, &l.Attempt, &l.Seq, &l.Level, &l.Message, &fields)
	l.Fields = fields
	return l, err
}

// Chunks reads at most limit chunks of the stream of the tenant's task, as Lines does.
func Chunks(ctx context.Context, db pg.DB, tenant, task id.ID, token core.Token, seq int32, limit int) ([]core.Chunk, error) {
	rows, err := db.Query(ctx, chunksSQL, tenant, task, token, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("read stream of task %s: %w", task, err)
	}
	chunks, err := pgx.CollectRows(rows, scanChunk)
	if err != nil {
		return nil, fmt.Errorf("read stream of task %s: %w", task, err)
	}
	return chunks, nil
}

func scanChunk(row pgx.CollectableRow) (c core.Chunk, err error) {
	var data []byte
	err = row.Scan(&c.Task, &c.Tenant, &c.Token, &c.Attempt, &c.Seq, &data)
	c.Data = data
	return c, err
}
