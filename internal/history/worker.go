package history

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed worker.sql
	workerSQL string
	//go:embed workers.sql
	workersSQL string
)

const (
	// WorkersMax is how many workers are listed at most.
	WorkersMax = 1_000

	// workersLookedAtMax bounds the rows that a list looks at: a tenant may have had many
	// workers that are gone.
	workersLookedAtMax = 10_000
)

// Worker is what a worker said of itself last.
type Worker struct {
	ID       id.ID
	JoinedAt time.Time  // its last session; of one that never joined: when it was introduced
	LeftAt   *time.Time // nil: it is there, or expected back
	Paused   bool
	Slots    int32
	Name     string
	SDK      string
	Actions  []string
	Labels   map[string]string
	Types    map[string]int32  // slots of other types than the default one
	Runtime  map[string]string // what it runs on
}

// GetWorker reads a worker of the tenant, or fails with fault.NotFound.
func GetWorker(ctx context.Context, db pg.DB, tenant, worker id.ID) (Worker, error) {
	rows, err := db.Query(ctx, workerSQL, tenant, worker)
	if err != nil {
		return Worker{}, fmt.Errorf("read worker %s: %w", worker, err)
	}
	w, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Worker])
	if errors.Is(err, pgx.ErrNoRows) {
		return Worker{}, fault.New(fault.NotFound, "worker_id", "no worker %s", worker)
	}
	if err != nil {
		return Worker{}, fmt.Errorf("read worker %s: %w", worker, err)
	}
	return w, nil
}

// Workers reads the tenant's workers that are there or left after a time, newest first: at
// most WorkersMax.
func Workers(ctx context.Context, db pg.DB, tenant id.ID, since time.Time) ([]Worker, error) {
	rows, err := db.Query(ctx, workersSQL, tenant, since, WorkersMax, workersLookedAtMax)
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	workers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Worker])
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	return workers, nil
}
