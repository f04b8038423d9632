package schedule

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
	//go:embed states.sql
	statesSQL string
	//go:embed by_id.sql
	byIDSQL string
	//go:embed by_name.sql
	byNameSQL string
	//go:embed declared.sql
	declaredSQL string
	//go:embed list.sql
	listSQL string
	//go:embed of_workflow.sql
	ofWorkflowSQL string
	//go:embed last_id.sql
	lastIDSQL string
)

// States reads where the schedules of a shard stand, ids ascending.
func States(ctx context.Context, db pg.DB, shard int32) ([]core.ScheduleState, error) {
	rows, err := db.Query(ctx, statesSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read schedules of shard %d: %w", shard, err)
	}
	states, err := pgx.CollectRows(rows, scanState)
	if err != nil {
		return nil, fmt.Errorf("read schedules of shard %d: %w", shard, err)
	}
	return states, nil
}

func scanState(row pgx.CollectableRow) (s core.ScheduleState, err error) {
	var overlap string
	err = row.Scan(&s.ID, &s.Tenant, &s.Due, &s.Last, &s.LastRun, &s.Running, &s.Queued, &s.Skipped, &s.Revision, &overlap, &s.Once)
	if err == nil {
		s.Overlap, err = parse(core.ParseOverlap, overlap)
	}
	return s, err
}

// ByID reads schedules in any order; ids without a row are left out.
func ByID(ctx context.Context, db pg.DB, ids []id.ID) ([]core.Schedule, error) {
	return read(ctx, db, byIDSQL, ids)
}

// ByName reads those schedules of a tenant that have one of the names, in any order.
func ByName(ctx context.Context, db pg.DB, tenant id.ID, names []string) ([]core.Schedule, error) {
	return read(ctx, db, byNameSQL, tenant, names)
}

// Declared reads the schedules that are declared in the code of workflows, in any order.
func Declared(ctx context.Context, db pg.DB, tenant id.ID, workflows []string) ([]core.Schedule, error) {
	return read(ctx, db, declaredSQL, tenant, workflows)
}

// Of reads which schedules start runs of a workflow, ids ascending.
func Of(ctx context.Context, db pg.DB, tenant id.ID, workflow string) ([]id.ID, error) {
	rows, err := db.Query(ctx, ofWorkflowSQL, tenant, workflow)
	if err != nil {
		return nil, fmt.Errorf("list schedules of %s: %w", workflow, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, fmt.Errorf("list schedules of %s: %w", workflow, err)
	}
	return ids, nil
}

func read(ctx context.Context, db pg.DB, sql string, args ...any) ([]core.Schedule, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	schedules, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (core.Schedule, error) { return scan(row) })
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return schedules, nil
}

// scan reads a definition, and what comes after its columns into rest.
func scan(row pgx.CollectableRow, rest ...any) (s core.Schedule, err error) {
	var overlap, catchUp string
	var input, metadata []byte
	err = row.Scan(append([]any{
		&s.ID, &s.Tenant, &s.At, &s.JitterMS, &s.Priority, &s.CatchUpMax, &overlap, &catchUp, &s.Paused, &s.Declared,
		&s.Workflow, &s.Name, &s.Expression, &s.Zone, &input, &metadata,
	}, rest...)...)
	if err != nil {
		return s, err
	}
	s.Input, s.Metadata = input, metadata
	if s.Overlap, err = parse(core.ParseOverlap, overlap); err != nil {
		return s, err
	}
	s.CatchUp, err = parse(core.ParseCatchUp, catchUp)
	return s, err
}

func parse[P any](of func(string) (P, bool), name string) (P, error) {
	policy, known := of(name)
	if !known {
		return policy, fmt.Errorf("no policy %q", name)
	}
	return policy, nil
}

// Listed is a schedule with where it stands.
type Listed struct {
	core.Schedule
	State core.ScheduleState
}

// List reads at most limit schedules of a tenant after an id, ids ascending; workflow
// and name choose among them, "" = all.
func List(ctx context.Context, db pg.DB, tenant, after id.ID, workflow, name string, limit int) ([]Listed, error) {
	rows, err := db.Query(ctx, listSQL, tenant, after, workflow, name, limit)
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	listed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Listed, err error) {
		st := &l.State
		l.Schedule, err = scan(row, &st.Due, &st.Last, &st.LastRun, &st.Running, &st.Queued, &st.Skipped, &st.Revision)
		st.ID, st.Tenant, st.Overlap, st.Once = l.ID, l.Tenant, l.Overlap, l.Once()
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	return listed, nil
}

// LastID is the largest id of any schedule of any shard, 0 if there is none.
func LastID(ctx context.Context, db pg.DB) (last id.ID, err error) {
	if err := db.QueryRow(ctx, lastIDSQL).Scan(&last); err != nil {
		return 0, fmt.Errorf("read last schedule id: %w", err)
	}
	return last, nil
}
