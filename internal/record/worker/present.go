package worker

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
	//go:embed leave.sql
	leaveSQL string
	//go:embed present.sql
	presentSQL string
	//go:embed pause.sql
	pauseSQL string

	leave = bulk.Statement{Name: "worker_leave", SQL: leaveSQL}
	pause = bulk.Statement{Name: "worker_pause", SQL: pauseSQL}
)

// Statements are those that the columns of this package queue: they must be prepared on
// the connection that sends them. All may be repeated as they are.
func Statements() []bulk.Statement { return []bulk.Statement{leave, pause} }

// LeftColumns are workers that are not expected back.
type LeftColumns struct{ id, at bulk.Int8 }

// Add appends a worker; it must not come twice.
func (c *LeftColumns) Add(worker id.ID, at core.Time) {
	c.id.Add(int64(worker))
	c.at.Add(int64(at))
}

// Queue adds the update to b, unless there are no workers, and empties the columns.
func (c *LeftColumns) Queue(b *bulk.Batch) {
	if c.id.Rows() == 0 {
		return
	}
	b.Add(leave, &c.id, &c.at)
	c.id.Reset()
	c.at.Reset()
}

// PausedColumns are workers that are given nothing new, or something again.
type PausedColumns struct {
	id     bulk.Int8
	paused bulk.Bool
}

// Add appends a worker; it must not come twice.
func (c *PausedColumns) Add(row *core.PausedWorker) {
	c.id.Add(int64(row.Worker))
	c.paused.Add(row.Paused)
}

// Queue adds the update to b, unless there are no workers, and empties the columns.
func (c *PausedColumns) Queue(b *bulk.Batch) {
	if c.id.Rows() == 0 {
		return
	}
	b.Add(pause, &c.id, &c.paused)
	c.id.Reset()
	c.paused.Reset()
}

// Present reads the workers of a shard that have not left, ids ascending.
func Present(ctx context.Context, db pg.DB, shard int32) ([]core.Present, error) {
	rows, err := db.Query(ctx, presentSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read workers of shard %d: %w", shard, err)
	}
	workers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[core.Present])
	if err != nil {
		return nil, fmt.Errorf("read workers of shard %d: %w", shard, err)
	}
	return workers, nil
}
