package view

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/task"
)

// Row reads how the run of a task was submitted; of is 0 if that is the task.
func (r *Reader) Row(ctx context.Context, own, of id.ID) (core.NewTask, error) {
	var rows []core.NewTask
	var err error
	if of == 0 {
		rows, err = task.Inputs(ctx, r.DB, []id.ID{own})
	} else {
		rows, err = run.ByID(ctx, r.DB, []id.ID{of})
	}
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("read task %s: it has no row", own)
	}
	if err != nil {
		return core.NewTask{}, err
	}
	return rows[0], nil
}
