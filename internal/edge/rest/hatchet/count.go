package hatchet

import (
	"net/http"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// taskMetrics counts tasks by status. Those that were skipped count as completed, and those
// that waited too long for a worker as cancelled.
func (c Config) taskMetrics(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	f := history.CountFilter{
		Since:     core.Time(q.wantedTime("since").UnixMilli()),
		Workflows: q.chosen("workflow_ids"),
		Metadata:  q.texts("additional_metadata"),
	}
	if until := q.time("until"); !until.IsZero() {
		f.Until = core.Time(until.UnixMilli())
	}
	f.Parents, f.Event = c.parents(r, caller, q), q.one("triggering_event_external_id")
	if q.err != nil {
		return nil, q.err
	}
	counts, err := history.Count(r.Context(), c.DB, caller.Tenant, f)
	if err != nil {
		return nil, err
	}
	begun, evicted, err := c.begun(r, caller, counts.OpenIDs)
	if err != nil {
		return nil, err
	}
	ended := counts.Ended
	return []hatchetrest.V1TaskRunMetric{
		{Status: hatchetrest.V1TaskStatusQUEUED, Count: counts.Open - begun},
		{
			Status: hatchetrest.V1TaskStatusRUNNING, Count: begun,
			RunningDetailCount: hatchetrest.V1RunningDetailCount{Evicted: evicted, OnWorker: begun - evicted},
		},
		{Status: hatchetrest.V1TaskStatusCOMPLETED, Count: ended[core.Succeeded] + ended[core.Skipped]},
		{Status: hatchetrest.V1TaskStatusCANCELLED, Count: ended[core.Cancelled] + counts.Late},
		{Status: hatchetrest.V1TaskStatusFAILED, Count: ended[core.Failed] - counts.Late},
	}, nil
}

// begun tells how many of open tasks run, and how many of these wait without a worker in
// the midst of it.
func (c Config) begun(r *http.Request, caller auth.Caller, open []id.ID) (n, evicted int64, err error) {
	if len(open) == 0 {
		return 0, 0, nil
	}
	stands, err := c.Shards.Live(r.Context(), caller.Tenant, open)
	if err != nil {
		return 0, 0, err
	}
	for _, live := range stands {
		switch live.State {
		case core.OpenWaiting:
			evicted++
			n++
		case core.OpenRunning:
			n++
		}
	}
	return n, evicted, nil
}
