package history

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/task"
)

var (
	//go:embed graph.sql
	graphSQL string
	//go:embed tasks.sql
	tasksSQL string
)

// TaskRun is a task of a run of a graph.
type TaskRun struct {
	ID      id.ID // of its task, if it ever has one
	Name    string
	Parents []string
	Role    string // as in the definition: "", on_failure, on_success
	Begun   bool   // else it waits for its parents, or ended without a task

	// Of the result; all zero while there is none.
	Status      core.Status
	Attempt     int32
	Suspensions int32
	Worker      id.ID
	Assigned    core.Time
	Started     core.Time
	Finished    core.Time
	Error       string
	Output      []byte // only if asked for
}

// definition is what is told of a workflow's, as it is stored (shard.Workflow).
type definition struct {
	Tasks []struct {
		Name    string   `json:"name"`
		Parents []string `json:"parents"`
		Role    string   `json:"role"`
	} `json:"tasks"`
}

// getGraph reads a run of a graph, and its tasks after it: if it has ended, so have
// they. It fails with pgx.ErrNoRows if there is no such run.
func getGraph(ctx context.Context, db pg.DB, tenant, run id.ID, payloads bool) (Run, error) {
	r := Run{Graph: true}
	var status string
	var encoded []byte
	err := db.QueryRow(ctx, graphSQL, tenant, run, payloads).Scan(
		&r.ID, &r.Version, &r.ReplayOf, &r.Event, &r.Parent, &r.Schedule, &r.RunAt, &r.Priority, &r.Workflow,
		&status, &r.Finished, &r.Error, &r.Input, &r.Metadata, &encoded)
	if err != nil {
		return r, err
	}
	r.Status = task.ParseStatus(status)
	var d definition
	if err := json.Unmarshal(encoded, &d); err != nil {
		return r, fmt.Errorf("decode workflow %s: %w", r.Workflow, err)
	}
	if r.Tasks, err = tasks(ctx, db, tenant, run, d, payloads); err != nil {
		return r, err
	}
	if payloads && !r.Open() {
		r.Output = object(r.Tasks)
	}
	return r, nil
}

// tasks are those of a run, in the order of its definition.
func tasks(ctx context.Context, db pg.DB, tenant, run id.ID, d definition, payloads bool) ([]TaskRun, error) {
	all := make([]TaskRun, len(d.Tasks))
	for i, t := range d.Tasks {
		all[i] = TaskRun{ID: run + 1 + id.ID(i), Name: t.Name, Parents: t.Parents, Role: t.Role}
	}
	rows, err := db.Query(ctx, tasksSQL, tenant, run+1, run+id.ID(len(all)), payloads)
	if err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	var found TaskRun
	var status string
	_, err = pgx.ForEachRow(rows, []any{
		&found.ID, &found.Begun, &status, &found.Attempt, &found.Suspensions, &found.Worker,
		&found.Assigned, &found.Started, &found.Finished, &found.Error, &found.Output,
	}, func() error {
		t := &all[found.ID-run-1]
		found.Name, found.Parents, found.Role = t.Name, t.Parents, t.Role
		found.Status = task.ParseStatus(status)
		*t = found
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	return all, nil
}

// object joins the outputs of the tasks that succeeded, which are JSON, by name.
func object(tasks []TaskRun) []byte {
	b := bytes.NewBufferString("{")
	for i := range tasks {
		t := &tasks[i]
		if t.Status != core.Succeeded {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(t.Name) // a string never fails
		b.Write(name)
		b.WriteByte(':')
		b.Write(t.Output)
	}
	b.WriteByte('}')
	return b.Bytes()
}
