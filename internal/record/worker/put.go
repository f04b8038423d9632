// Package worker keeps who works and has worked: one row per worker, for people who ask
// what "worker 0190…" was, and for a new owner, who awaits those that have not left.
//
// It owns the table worker. It promises that a row tells of the worker's last session,
// and that a worker that may run something has not left by its row: one that was introduced
// and has not joined yet has.
package worker

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed join.sql
	joinSQL string
	//go:embed introduce.sql
	introduceSQL string
	//go:embed pause_away.sql
	pauseAwaySQL string
)

// Worker is a row.
type Worker struct {
	ID       id.ID
	Tenant   id.ID
	JoinedAt time.Time // the last session's begin; of one that never joined: when it was introduced
	Slots    int32
	Name     string
	SDK      string
	Actions  []string
	Labels   map[string]string
	Types    map[string]int32  // slots of other types than the default one
	Runtime  map[string]string // what it says it runs on, for people
}

// Join records a session of w, and tells whether it is paused. The id of another tenant's
// worker is refused: with it comes the right to that worker's tasks.
func Join(ctx context.Context, db pg.DB, w Worker) (paused bool, err error) {
	return put(ctx, db, joinSQL, &w)
}

// Introduce records what w says of itself, without a session of it. Of one that there is,
// JoinedAt stays.
func Introduce(ctx context.Context, db pg.DB, w Worker) error {
	_, err := put(ctx, db, introduceSQL, &w)
	return err
}

func put(ctx context.Context, db pg.DB, statement string, w *Worker) (paused bool, err error) {
	actions := make([]string, len(w.Actions))
	for i, a := range w.Actions {
		actions[i] = bulk.Clean(a)
	}
	err = db.QueryRow(ctx, statement, w.ID, w.Tenant, w.JoinedAt, w.Slots, bulk.Clean(w.Name), bulk.Clean(w.SDK), actions,
		cleaned(w.Labels), orEmpty(w.Types), cleaned(w.Runtime)).Scan(&paused)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, fault.New(fault.NotFound, "hello.worker_id", "no worker %s; leave it out to get a new id", w.ID)
	}
	if err != nil {
		return false, fmt.Errorf("record worker %s: %w", w.ID, err)
	}
	return paused, nil
}

// PauseAway notes whether workers of a tenant are to be given nothing new, and tells which
// there are, in any order. It is for those that are not there: Join tells it.
func PauseAway(ctx context.Context, db pg.DB, tenant id.ID, workers []id.ID, paused bool) ([]id.ID, error) {
	rows, err := db.Query(ctx, pauseAwaySQL, tenant, workers, paused)
	if err != nil {
		return nil, fmt.Errorf("pause workers: %w", err)
	}
	known, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, fmt.Errorf("pause workers: %w", err)
	}
	return known, nil
}

// cleaned are texts as jsonb takes them; it does not take null.
func cleaned(texts map[string]string) map[string]string {
	kept := make(map[string]string, len(texts))
	for key, text := range texts {
		kept[bulk.Clean(key)] = bulk.Clean(text)
	}
	return kept
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
