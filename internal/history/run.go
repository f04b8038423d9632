// Package history is the read side: runs as they are committed.
//
// It owns no table and decides nothing. It promises that what it tells is what
// Postgres has, that another tenant's run does not exist for the asker, and that
// no question makes it read more than a bounded number of rows. Where an open run
// stands right now is its shard's to say (shard.Client.Live).
package history

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/task"
)

var (
	//go:embed run.sql
	runSQL string
	//go:embed attempts.sql
	attemptsSQL string
)

// attemptsMax is how many attempts are told of one task: all, for a definition has
// at most 1,000 retries, and LossesMax workers may be lost besides.
const attemptsMax = 1_100

// Run is a run as it was submitted and, if it has ended, how.
type Run struct {
	ID       id.ID // made when it was submitted: ID.UnixMilli
	Version  id.ID
	ReplayOf id.ID     // 0 if none
	Event    id.ID     // that started it; 0 if none
	Parent   id.ID     // the task that spawned it; 0 if none
	Schedule id.ID     // the schedule that started it; 0 if none
	RunAt    core.Time // 0 = at once
	Priority int32
	Workflow string

	// Of the result; all zero while the run is open.
	Status      core.Status
	Attempt     int32
	Suspensions int32
	Worker      id.ID
	Assigned    core.Time
	Started     core.Time
	Finished    core.Time
	Error       string

	// Only if asked for.
	Input    []byte
	Metadata []byte
	Output   []byte // of a graph that has ended: an object with the output of each task that succeeded

	// Graph tells that it is a run of several tasks. It has no attempt, no worker, and
	// no time but its end: its Tasks have, which only Get tells.
	Graph bool
	Tasks []TaskRun
}

// Open tells whether the run has not ended.
func (r *Run) Open() bool { return r.Status == 0 }

// Get reads a run of the tenant, with its payloads if asked for, or fails with
// fault.NotFound.
func Get(ctx context.Context, db pg.DB, tenant, run id.ID, payloads bool) (Run, error) {
	rows, err := db.Query(ctx, runSQL, tenant, run, payloads)
	if err != nil {
		return Run{}, fmt.Errorf("read run %s: %w", run, err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRun)
	if errors.Is(err, pgx.ErrNoRows) {
		r, err = getGraph(ctx, db, tenant, run, payloads)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Run{}, fault.New(fault.NotFound, "run_id", "no run %s", run)
	}
	if err != nil {
		return Run{}, fmt.Errorf("read run %s: %w", run, err)
	}
	return r, nil
}

func scanRun(row pgx.CollectableRow) (r Run, err error) {
	var status string
	err = row.Scan(&r.ID, &r.Version, &r.Graph, &r.ReplayOf, &r.Event, &r.Parent, &r.Schedule, &r.RunAt, &r.Priority, &r.Workflow,
		&status, &r.Attempt, &r.Suspensions, &r.Worker, &r.Assigned, &r.Started, &r.Finished, &r.Error,
		&r.Input, &r.Metadata, &r.Output)
	r.Status = task.ParseStatus(status)
	return r, err
}

// Attempts reads the attempts of the tenant's task that ended without ending it, in
// order; the id of a run of one task is its task's. A task that is unknown, or another
// tenant's, has none.
func Attempts(ctx context.Context, db pg.DB, tenant, task id.ID) ([]core.Attempt, error) {
	rows, err := db.Query(ctx, attemptsSQL, tenant, task, attemptsMax)
	if err != nil {
		return nil, fmt.Errorf("read attempts of task %s: %w", task, err)
	}
	attempts, err := pgx.CollectRows(rows, scanAttempt)
	if err != nil {
		return nil, fmt.Errorf("read attempts of task %s: %w", task, err)
	}
	return attempts, nil
}

func scanAttempt(row pgx.CollectableRow) (a core.Attempt, err error) {
	var outcome string
	err = row.Scan(&a.Task, &a.Tenant, &a.Number, &outcome, &a.Worker,
		&a.Assigned, &a.Started, &a.Finished, &a.RetryAt, &a.Error)
	a.Outcome = task.ParseOutcome(outcome)
	return a, err
}
