package shard

import (
	"context"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
)

// redriveBatchMax is how many runs are replayed in one transaction: their inputs are in
// memory at the same time.
const redriveBatchMax = 100

// Redrive is which failed runs to replay, and how.
type Redrive struct {
	history.FailureFilter
	Limit      int  // runs of one call, 1 to 1,000
	FromFailed bool // as of Client.Replay
	Again      bool // also those that were replayed before
	DryRun     bool // tell which it would be
}

// Redriven is what came of a Redrive.
type Redriven struct {
	Runs    []RedrivenRun // the oldest first
	Skipped int           // they were replayed before
	Next    id.ID         // Redrive.Before of the next call; 0 = these were all
}

// RedrivenRun is a failed run, and its replay.
type RedrivenRun struct {
	Of  id.ID
	Run id.ID // 0 with DryRun, or Err
	Err error // why it could not be replayed
}

// Redrive implements Client.
func (r *Runtime) Redrive(ctx context.Context, tenant id.ID, want Redrive) (Redriven, error) {
	failed, next, err := r.config.Store.Failed(ctx, tenant, want.FailureFilter, want.Limit)
	if err != nil {
		return Redriven{}, err
	}
	slices.Reverse(failed)
	done := Redriven{Next: next}
	for batch := range slices.Chunk(failed, redriveBatchMax) {
		if err := r.redrive(ctx, tenant, &want, batch, &done); err != nil {
			return Redriven{}, err
		}
	}
	return done, nil
}

// redrive replays a batch. From when it looks which runs were replayed until its replays
// are committed, no other one does: so that whoever asks again, because an answer did not
// come, has no run replayed twice.
func (r *Runtime) redrive(ctx context.Context, tenant id.ID, want *Redrive, batch []id.ID, done *Redriven) error {
	select {
	case r.redriving <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	runs, skipped, err := r.redrivable(ctx, want, batch)
	done.Skipped += skipped
	if err == nil && !want.DryRun && len(runs) > 0 {
		return r.replayEach(ctx, tenant, want, runs, done)
	}
	<-r.redriving
	for _, run := range runs {
		done.Runs = append(done.Runs, RedrivenRun{Of: run})
	}
	return err
}

// redrivable are the runs of a batch that are not to be skipped.
func (r *Runtime) redrivable(ctx context.Context, want *Redrive, batch []id.ID) (runs []id.ID, skipped int, err error) {
	if want.Again {
		return batch, 0, nil
	}
	replayed, err := r.config.Store.Replayed(ctx, batch)
	if err != nil {
		return nil, 0, err
	}
	for _, run := range batch {
		if replayed[run] == 0 {
			runs = append(runs, run)
		}
	}
	return runs, len(batch) - len(runs), nil
}

// replayEach replays runs, each for itself. It ends the redriving once that is committed,
// or is not to be.
func (r *Runtime) replayEach(ctx context.Context, tenant id.ID, want *Redrive, runs []id.ID, done *Redriven) error {
	rows, answers, err := r.replays(ctx, tenant, want, runs)
	if err != nil || len(rows) == 0 {
		<-r.redriving
		done.Runs = append(done.Runs, answers...)
		return err
	}
	fresh, err := r.submitLast(ctx, rows)
	if err != nil {
		return err
	}
	for i := range answers {
		if answers[i].Err == nil {
			answers[i].Run, fresh = fresh[0], fresh[1:]
		}
	}
	done.Runs = append(done.Runs, answers...)
	return nil
}

// submitLast is submit, and ends the redriving: not with ctx, but when it is settled
// whether the rows are stored.
func (r *Runtime) submitLast(ctx context.Context, rows []submission) ([]id.ID, error) {
	bytes := bytesOf(rows)
	if err := r.config.Submits.Reserve(ctx, rows[0].row.Tenant, bytes, bool(WaitForRoom)); err != nil {
		<-r.redriving
		return nil, err
	}
	input, ids := &core.Submit{}, make([]id.ID, len(rows))
	committed := make(chan error, 1)
	err := r.send(message{
		input: input, prepare: func(now core.Time) { r.enumerate(input, rows, ids, now) },
		told: func(err error) { <-r.redriving; committed <- err },
		gate: r.config.Submits, holder: rows[0].row.Tenant, bytes: bytes,
	})
	if err == nil {
		err = r.wait(ctx, committed)
	}
	if err == nil {
		r.noteReplays(rows, ids)
	}
	return ids, err
}

// replays are runs as new ones, and an answer for each; those with an error have no row.
func (r *Runtime) replays(ctx context.Context, tenant id.ID, want *Redrive, runs []id.ID) (rows []submission, answers []RedrivenRun, err error) {
	stored, err := r.stored(ctx, runs)
	if err != nil {
		return nil, nil, err
	}
	answers = make([]RedrivenRun, len(runs))
	for i, run := range runs {
		answers[i].Of = run
		row := stored[run]
		if row == nil || row.Tenant != tenant {
			answers[i].Err = fault.New(fault.NotFound, "", "no run %s", run)
			continue
		}
		keep := keepNone
		if want.FromFailed {
			keep = keepAll
		}
		fresh, err := r.again(ctx, row, keep)
		switch {
		case err == nil:
			rows = append(rows, fresh)
		case fault.KindOf(err) == fault.Internal:
			return nil, nil, fmt.Errorf("redrive run %s: %w", run, err)
		default:
			answers[i].Err = err
		}
	}
	return rows, answers, nil
}
