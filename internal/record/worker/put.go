// Package worker keeps who works and has worked: one row per worker, for people who ask
// what "worker 0190…" was, and for a new owner, who awaits those that have not left.
//
// It owns the table worker. It promises that a row tells of the worker's last session,
// and that a worker that may run something has not left by its row.
package worker

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed put.sql
var putSQL string

// Worker is a row.
type Worker struct {
	ID       id.ID
	Tenant   id.ID
	JoinedAt time.Time // the last session's begin
	Slots    int32
	Name     string
	SDK      string
	Actions  []string
}

// Put records a session of w. The id of another tenant's worker is refused: with it
// comes the right to that worker's tasks.
func Put(ctx context.Context, db pg.DB, w Worker) error {
	actions := make([]string, len(w.Actions))
	for i, a := range w.Actions {
		actions[i] = bulk.Clean(a)
	}
	tag, err := db.Exec(ctx, putSQL, w.ID, w.Tenant, w.JoinedAt, w.Slots, bulk.Clean(w.Name), bulk.Clean(w.SDK), actions)
	if err != nil {
		return fmt.Errorf("record worker %s: %w", w.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "hello.worker_id", "no worker %s; leave it out to get a new id", w.ID)
	}
	return nil
}
