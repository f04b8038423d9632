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

//go:embed of_schedule.sql
var ofScheduleSQL string

// Fired is a run that a schedule started.
type Fired struct {
	Run        id.ID
	At         core.Time // that it was scheduled for
	Workflow   string
	Version    id.ID
	WorkflowID id.ID
	Priority   int32
	Input      []byte
	Metadata   []byte
	Status     core.Status // 0: it is open
}

// OfSchedule reads the first run of the tenant that a schedule started, or fails with
// fault.NotFound. The schedule may be gone.
func OfSchedule(ctx context.Context, db pg.DB, tenant, schedule id.ID) (Fired, error) {
	var f Fired
	var status string
	err := db.QueryRow(ctx, ofScheduleSQL, tenant, schedule).Scan(&f.Run, &f.At, &f.Workflow, &f.Version, &f.WorkflowID,
		&f.Priority, &f.Input, &f.Metadata, &status)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, fault.New(fault.NotFound, "schedule_id", "no schedule %s", schedule)
	}
	if err != nil {
		return f, fmt.Errorf("read run of schedule %s: %w", schedule, err)
	}
	f.Status = task.ParseStatus(status)
	return f, nil
}
