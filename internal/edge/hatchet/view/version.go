package view

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/shard"
)

// versionsMax bounds the definitions that are kept. When there are more it begins anew.
const versionsMax = 10_000

// Version is a version of a workflow. It never changes.
type Version struct {
	shard.Workflow
	ID         id.ID
	WorkflowID id.ID

	once *expr.TextProgram // its idempotency key; nil: it declares none
}

// OnceKey is the idempotency key of the run by what its workflow declares; empty if none.
func (r *Run) OnceKey() string {
	if r.Version.once == nil {
		return ""
	}
	var values [2]expr.Value
	for i, document := range [][]byte{r.Input, r.Metadata} {
		if document == nil {
			continue // null
		}
		var err error
		if values[i], err = expr.Parse(document); err != nil {
			return ""
		}
	}
	key, err := r.Version.once.Text(values[0], values[1])
	if err != nil {
		return "" // it has none, then
	}
	return key
}

// StepID is the id on this wire of a task's definition in a version: the same for all runs.
func StepID(version id.ID, task string) uuid.UUID { return uuid.NewSHA1(version.UUID(), []byte(task)) }

// Task is the definition of a task by its name; nil if there is none.
func (v *Version) Task(name string) *shard.Task {
	for i := range v.Tasks {
		if v.Tasks[i].Name == name {
			return &v.Tasks[i]
		}
	}
	return nil
}

// versions are definitions that were read before.
type versions struct {
	mu sync.Mutex
	of map[id.ID]*Version
}

// Version reads a version of any tenant: whose it is was asked before.
func (r *Reader) Version(ctx context.Context, number id.ID) (*Version, error) {
	found, err := r.Versions(ctx, []id.ID{number})
	if err != nil {
		return nil, err
	}
	if found[number] == nil {
		return nil, fmt.Errorf("read version %s: there is none", number)
	}
	return found[number], nil
}

// Versions reads versions by id; those that there are not are left out.
func (r *Reader) Versions(ctx context.Context, numbers []id.ID) (map[id.ID]*Version, error) {
	found, missing := r.versions.get(numbers)
	if len(missing) == 0 {
		return found, nil
	}
	read, err := readVersions(ctx, r.DB, missing)
	if err != nil {
		return nil, err
	}
	r.versions.put(read)
	for _, v := range read {
		found[v.ID] = v
	}
	return found, nil
}

func readVersions(ctx context.Context, db pg.DB, numbers []id.ID) ([]*Version, error) {
	rows, err := workflow.ByID(ctx, db, numbers)
	if err != nil {
		return nil, err
	}
	list := make([]*Version, len(rows))
	for i := range rows {
		list[i] = &Version{ID: rows[i].ID, WorkflowID: rows[i].Workflow}
		if err := json.Unmarshal(rows[i].JSON, &list[i].Workflow); err != nil {
			return nil, fmt.Errorf("decode version %s: %w", rows[i].ID, err)
		}
		if declared := list[i].Idempotency; declared != nil {
			var err error
			if list[i].once, err = expr.Run.CompileText(declared.Key); err != nil {
				return nil, fmt.Errorf("compile key of version %s: %w", rows[i].ID, err)
			}
		}
	}
	return list, nil
}

func (v *versions) get(numbers []id.ID) (found map[id.ID]*Version, missing []id.ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found = make(map[id.ID]*Version, len(numbers))
	for _, number := range numbers {
		if known := v.of[number]; known != nil {
			found[number] = known
		} else if _, asked := found[number]; !asked {
			found[number] = nil
			missing = append(missing, number)
		}
	}
	for _, number := range missing {
		delete(found, number)
	}
	return found, missing
}

func (v *versions) put(list []*Version) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil || len(v.of)+len(list) > versionsMax {
		v.of = map[id.ID]*Version{}
	}
	for _, one := range list {
		v.of[one.ID] = one
	}
}
