package tail

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/stream"
)

// Database is the Source of production.
type Database struct{ DB pg.DB }

// Tasks implements Source.
func (d Database) Tasks(ctx context.Context, tenant, run id.ID) ([]Task, error) {
	stored, err := history.Get(ctx, d.DB, tenant, run, false)
	if err != nil {
		return nil, err
	}
	if !stored.Graph {
		return []Task{{run, stored.Workflow}}, nil
	}
	tasks := make([]Task, len(stored.Tasks))
	for i := range stored.Tasks {
		tasks[i] = Task{stored.Tasks[i].ID, stored.Tasks[i].Name}
	}
	return tasks, nil
}

// Lines implements Source.
func (d Database) Lines(ctx context.Context, tenant, task id.ID, after Place, limit int) ([]core.LogLine, error) {
	return stream.Lines(ctx, d.DB, tenant, task, after.Token, after.Seq, limit)
}

// Chunks implements Source.
func (d Database) Chunks(ctx context.Context, tenant, task id.ID, after Place, limit int) ([]core.Chunk, error) {
	return stream.Chunks(ctx, d.DB, tenant, task, after.Token, after.Seq, limit)
}
