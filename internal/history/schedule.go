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
)

var (
	//go:embed of_schedule.sql
	ofScheduleSQL string
	//go:embed fired.sql
	firedSQL string
)

// FiredMax is how many schedules that started runs are looked at for a list, the newest.
const FiredMax = 1_000

// Fired is a schedule that is gone by its first run.
type Fired struct {
	Schedule   id.ID
	Run        id.ID
	At         core.Time // that it was scheduled for
	Workflow   string
	Version    id.ID
	WorkflowID id.ID
	Priority   int32
	Input      []byte
	Metadata   []byte
}

// OfSchedule reads the first run of the tenant that a schedule started, or fails with
// fault.NotFound. The schedule may be gone.
func OfSchedule(ctx context.Context, db pg.DB, tenant, schedule id.ID) (Fired, error) {
	f := Fired{Schedule: schedule}
	err := db.QueryRow(ctx, ofScheduleSQL, tenant, schedule).Scan(&f.Run, &f.At, &f.Workflow, &f.Version, &f.WorkflowID,
		&f.Priority, &f.Input, &f.Metadata)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, fault.New(fault.NotFound, "schedule_id", "no schedule %s", schedule)
	}
	if err != nil {
		return f, fmt.Errorf("read run of schedule %s: %w", schedule, err)
	}
	return f, nil
}

// FiredSchedules reads the schedules of a tenant that started one run and are gone, the
// newest first: of the newest FiredMax that started any.
func FiredSchedules(ctx context.Context, db pg.DB, tenant id.ID) ([]Fired, error) {
	rows, err := db.Query(ctx, firedSQL, tenant, FiredMax)
	if err != nil {
		return nil, fmt.Errorf("list fired schedules: %w", err)
	}
	fired, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Fired])
	if err != nil {
		return nil, fmt.Errorf("list fired schedules: %w", err)
	}
	return fired, nil
}
