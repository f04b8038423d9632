package hatchet

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/record/schedule"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

const (
	// schedulesRead is how many schedules are read by one statement, schedulesSeenMax how
	// many are looked at for a list, the oldest.
	schedulesRead    = 1_000
	schedulesSeenMax = 20_000
)

// schedules reads those of the tenant that are wanted; of one workflow only, unless its name
// is empty.
func (c Config) schedules(
	ctx context.Context, caller auth.Caller, workflow string, wanted func(*core.Schedule) bool,
) (list []core.Schedule, err error) {
	after := id.ID(0)
	for seen := 0; seen < schedulesSeenMax; {
		read, err := schedule.List(ctx, c.DB, caller.Tenant, after, workflow, "", schedulesRead)
		if err != nil {
			return nil, err
		}
		for i := range read {
			if wanted(&read[i].Schedule) {
				list = append(list, read[i].Schedule)
			}
		}
		if len(read) < schedulesRead {
			break
		}
		seen += len(read)
		after = read[len(read)-1].ID
	}
	return list, nil
}

// scheduledQuery says which schedules are wanted.
type scheduledQuery struct {
	workflow  string // its id; "" = all
	metadata  map[string]string
	parentRun string
	parent    string
	statuses  []string // of those that have fired, of their runs; empty = all
}

// matches tells whether a schedule has all metadata that is wanted.
func (q *scheduledQuery) matches(s *core.Schedule) bool {
	wanted := map[string]string{}
	for key, value := range q.metadata {
		wanted[key] = value
	}
	for key, value := range map[string]string{
		"hatchet__parent_workflow_run_id": q.parentRun, "hatchet__parent_step_run_id": q.parent,
	} {
		if value != "" {
			wanted[key] = value
		}
	}
	return carries(s.Metadata, wanted)
}

// carries tells whether metadata has the values that are wanted, as texts.
func carries(metadata []byte, wanted map[string]string) bool {
	if len(wanted) == 0 {
		return true
	}
	var members map[string]any
	if json.Unmarshal(metadata, &members) != nil {
		return false
	}
	for key, value := range wanted {
		if text, is := members[key].(string); !is || text != value {
			return false
		}
	}
	return true
}

// workflowOf is the name of the workflow that is asked for by id; false if there is none.
func (c Config) workflowOf(ctx context.Context, caller auth.Caller, number string) (string, bool, error) {
	if number == "" {
		return "", true, nil
	}
	parsed, err := id.Parse(number)
	if err != nil {
		return "", false, nil //nolint:nilerr // what is none of ours does not exist
	}
	w, err := record.Get(ctx, c.DB, caller.Tenant, parsed)
	if fault.KindOf(err) == fault.NotFound {
		return "", false, nil
	}
	return w.Name, err == nil, err
}

func (c Config) oneOffs(ctx context.Context, caller auth.Caller, q *scheduledQuery) ([]core.Schedule, error) {
	workflow, there, err := c.workflowOf(ctx, caller, q.workflow)
	if err != nil || !there {
		return nil, err
	}
	return c.schedules(ctx, caller, workflow, func(s *core.Schedule) bool { return s.Once() && q.matches(s) })
}

// statusScheduled is that of a run that is still to come.
const statusScheduled = "SCHEDULED"

// readStatuses reads which are wanted.
func (q *scheduledQuery) readStatuses(from *query) {
	q.statuses = from.texts("statuses")
	for _, s := range q.statuses {
		if !hatchetrest.ScheduledRunStatus(s).Valid() {
			from.refuse("statuses", "has %q; there are PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, QUEUED, SCHEDULED", s)
		}
	}
}

// has tells whether a status is wanted.
func (q *scheduledQuery) has(status string) bool {
	return len(q.statuses) == 0 || slices.Contains(q.statuses, status)
}
