package durable

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed log.sql
	logSQL string
	//go:embed mets.sql
	metsSQL string
	//go:embed replies.sql
	repliesSQL string
	//go:embed value.sql
	valueSQL string
	//go:embed waits.sql
	waitsSQL string
)

// Log reads the entries of tasks, those of each by index.
func Log(ctx context.Context, db pg.DB, tasks ...id.ID) ([]core.Entry, error) {
	rows, err := db.Query(ctx, logSQL, tasks)
	if err != nil {
		return nil, fmt.Errorf("read logs of %d tasks: %w", len(tasks), err)
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("read logs of %d tasks: %w", len(tasks), err)
	}
	return entries, nil
}

func scanEntry(row pgx.CollectableRow) (e core.Entry, err error) {
	var kind string
	var data, conditions []byte
	if err := row.Scan(&e.Task, &e.Tenant, &e.At, &e.Index, &kind, &e.Name, &e.Error, &data, &conditions); err != nil {
		return e, err
	}
	e.Kind, e.Data = core.ParseEntryKind(kind), data
	e.Conditions, err = decodeConditions(conditions)
	return e, err
}

// Mets reads which conditions of tasks were met, those of each by their order.
func Mets(ctx context.Context, db pg.DB, tasks ...id.ID) ([]core.Met, error) {
	rows, err := db.Query(ctx, metsSQL, tasks)
	if err != nil {
		return nil, fmt.Errorf("read what %d tasks met: %w", len(tasks), err)
	}
	mets, err := pgx.CollectRows(rows, scanMet)
	if err != nil {
		return nil, fmt.Errorf("read what %d tasks met: %w", len(tasks), err)
	}
	return mets, nil
}

func scanMet(row pgx.CollectableRow) (m core.Met, err error) {
	var data []byte
	err = row.Scan(&m.Task, &m.Tenant, &m.Event, &m.Order, &m.At, &m.Index, &m.Condition, &data)
	m.Data = data
	return m, err
}

// Replies reads what was answered to requests, by the ids of their events, in any
// order; those without an answer, or of another tenant, are left out.
func Replies(ctx context.Context, db pg.DB, tenant id.ID, events []id.ID) ([]core.Reply, error) {
	rows, err := db.Query(ctx, repliesSQL, tenant, events)
	if err != nil {
		return nil, fmt.Errorf("read replies to %d events: %w", len(events), err)
	}
	replies, err := pgx.CollectRows(rows, scanReply)
	if err != nil {
		return nil, fmt.Errorf("read replies to %d events: %w", len(events), err)
	}
	return replies, nil
}

func scanReply(row pgx.CollectableRow) (r core.Reply, err error) {
	var data []byte
	err = row.Scan(&r.Event, &r.Tenant, &r.At, &r.Error, &data)
	r.Data = data
	return r, err
}

// Value reads what a task published last under a name; its Task is 0 if nothing.
func Value(ctx context.Context, db pg.DB, task id.ID, name string) (core.Value, error) {
	var v core.Value
	var data []byte
	err := db.QueryRow(ctx, valueSQL, task, name).Scan(&v.Task, &v.Tenant, &v.At, &v.Name, &data)
	if errors.Is(err, pgx.ErrNoRows) {
		return core.Value{}, nil
	}
	if err != nil {
		return core.Value{}, fmt.Errorf("read value %s of task %s: %w", name, task, err)
	}
	v.Data = data
	return v, nil
}

// Waits reads what tasks wait for, with what is met of it, by (task, index).
func Waits(ctx context.Context, db pg.DB, tasks []id.ID) ([]core.Wait, error) {
	waits, err := collectWaits(ctx, db, waitsSQL, tasks)
	if err != nil {
		return nil, fmt.Errorf("read waits of %d tasks: %w", len(tasks), err)
	}
	return waits, nil
}

func collectWaits(ctx context.Context, db pg.DB, sql string, argument any) ([]core.Wait, error) {
	rows, err := db.Query(ctx, sql, argument)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanWait)
}

func scanWait(row pgx.CollectableRow) (w core.Wait, err error) {
	var conditions []byte
	if err := row.Scan(&w.Task, &w.Tenant, &w.Run, &w.Index, &conditions, &w.Met); err != nil {
		return w, err
	}
	if len(w.Met) == 0 {
		w.Met = nil
	}
	w.Conditions, err = decodeConditions(conditions)
	return w, err
}
