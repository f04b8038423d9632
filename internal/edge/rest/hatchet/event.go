package hatchet

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/task"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// eventsSince is how far a list of events goes back if nobody says.
const eventsSince = 24 * time.Hour

func (c Config) eventRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/stable/tenants/{tenant}/events", c.of(c.listEvents))
	mux.HandleFunc("GET /api/v1/stable/tenants/{tenant}/events/{event}", c.of(c.getEvent))
}

func (c Config) getEvent(r *http.Request, caller auth.Caller) (any, error) {
	number, err := pathID(r, "event")
	if err != nil {
		return nil, err
	}
	event, err := history.GetEvent(r.Context(), c.DB, caller.Tenant, number, true)
	if err != nil {
		return nil, err
	}
	rows, err := c.eventModels(r.Context(), caller, []history.Event{event})
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// listEvents pages through the newest events that match.
func (c Config) listEvents(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	match := history.EventMatch{
		Since: core.Time(c.now().Add(-eventsSince).UnixMilli()), Keys: q.texts("keys"), Scopes: q.texts("scopes"),
		IDs: q.ids("eventIds"), Metadata: q.pairs("additionalMetadata"),
	}
	if since := q.time("since"); !since.IsZero() {
		match.Since = core.Time(since.UnixMilli())
	}
	if until := q.time("until"); !until.IsZero() {
		match.Until = core.Time(until.UnixMilli())
	}
	byRun := runMatch{statuses: q.texts("workflowRunStatuses"), workflows: q.chosen("workflowIds")}
	if q.err != nil {
		return nil, q.err
	}
	if len(q.texts("eventIds")) > 0 && len(match.IDs) == 0 {
		return eventList(nil, offset, limit, 0), nil // none of these is ours
	}
	events, err := history.MatchingEvents(r.Context(), c.DB, caller.Tenant, match)
	if err != nil {
		return nil, err
	}
	if events, err = c.withRuns(r.Context(), caller, events, byRun); err != nil {
		return nil, err
	}
	rows, err := c.eventModels(r.Context(), caller, page(events, offset, limit))
	if err != nil {
		return nil, err
	}
	return eventList(rows, offset, limit, len(events)), nil
}

func eventList(rows []hatchetrest.V1Event, offset, limit, all int) hatchetrest.V1EventList {
	if rows == nil {
		rows = []hatchetrest.V1Event{}
	}
	return hatchetrest.V1EventList{Rows: rows, Pagination: pagination(offset, limit, all, false)}
}

// runMatch chooses events by the runs that they started; its zero value chooses all.
type runMatch struct {
	statuses  []string // of V1TaskStatus
	workflows []id.ID
}

// withRuns are the events of which a run matches.
func (c Config) withRuns(
	ctx context.Context, caller auth.Caller, events []history.Event, m runMatch,
) ([]history.Event, error) {
	if len(m.statuses) == 0 && len(m.workflows) == 0 {
		return events, nil
	}
	names, err := record.Names(ctx, c.DB, caller.Tenant, m.workflows)
	if err != nil {
		return nil, err
	}
	wanted := slices.Collect(maps.Values(names))
	open, err := c.addRuns(ctx, caller, events)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(events, func(e history.Event) bool {
		return !slices.ContainsFunc(e.Runs, func(run history.EventRun) bool {
			return (len(m.workflows) == 0 || slices.Contains(wanted, run.Workflow)) &&
				(len(m.statuses) == 0 || slices.Contains(m.statuses, statusOf(&run, open)))
		})
	}), nil
}

// addRuns adds to events the runs that they started, and tells where those stand that have
// not ended. One that was replayed stands as its newest replay does.
func (c Config) addRuns(ctx context.Context, caller auth.Caller, events []history.Event) (map[id.ID]core.Live, error) {
	if err := history.AddRuns(ctx, c.DB, events, history.EventRunsMax); err != nil {
		return nil, err
	}
	var runs []*history.EventRun
	var ids []id.ID
	for i := range events {
		for at := range events[i].Runs {
			runs, ids = append(runs, &events[i].Runs[at]), append(ids, events[i].Runs[at].ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	latest, err := c.Shards.Latest(ctx, caller.Tenant, ids)
	if err != nil {
		return nil, err
	}
	if err := c.addReplays(ctx, caller, runs, latest); err != nil {
		return nil, err
	}
	return c.openRuns(ctx, caller, runs, latest)
}

// addReplays has those of runs that were replayed end as their newest replays did.
func (c Config) addReplays(ctx context.Context, caller auth.Caller, runs []*history.EventRun, latest []id.ID) error {
	replays := map[id.ID]*history.EventRun{}
	for i, run := range runs {
		if latest[i] != run.ID {
			run.Status = 0
			replays[latest[i]] = run
		}
	}
	if len(replays) == 0 {
		return nil
	}
	asked := slices.Collect(maps.Keys(replays))
	of, err := task.Outcomes(ctx, c.DB, caller.Tenant, asked)
	if err != nil {
		return err
	}
	for i := range of {
		replays[of[i].Task].Status = of[i].Status
	}
	several, err := run.Outcomes(ctx, c.DB, caller.Tenant, asked)
	for i := range several {
		replays[several[i].Run].Status = several[i].Status
	}
	return err
}

// openRuns tells where runs stand that have not ended, by the ids of what they repeat.
func (c Config) openRuns(ctx context.Context, caller auth.Caller, runs []*history.EventRun, latest []id.ID) (map[id.ID]core.Live, error) {
	var asked, of []id.ID
	for i, run := range runs {
		if run.Status == 0 {
			asked, of = append(asked, latest[i]), append(of, run.ID)
		}
	}
	if len(asked) == 0 {
		return nil, nil
	}
	live, err := c.Shards.Live(ctx, caller.Tenant, asked)
	if err != nil {
		return nil, err
	}
	open := make(map[id.ID]core.Live, len(asked))
	for i := range asked {
		open[of[i]] = live[i]
	}
	return open, nil
}

// statusOf is a run's on this wire. Of a graph it is not known what its tasks do: it runs.
func statusOf(run *history.EventRun, open map[id.ID]core.Live) string {
	switch run.Status {
	case core.Succeeded:
		return "COMPLETED"
	case core.Failed:
		return "FAILED"
	case core.Cancelled:
		return "CANCELLED"
	}
	if state := open[run.ID].State; state == 0 || state == core.OpenRunning || state == core.OpenWaiting {
		return "RUNNING"
	}
	return "QUEUED"
}

// eventModels reads the runs of events, and tells of both.
func (c Config) eventModels(ctx context.Context, caller auth.Caller, events []history.Event) ([]hatchetrest.V1Event, error) {
	open, err := c.addRuns(ctx, caller, events)
	if err != nil {
		return nil, err
	}
	rows := make([]hatchetrest.V1Event, len(events))
	for i := range events {
		rows[i] = eventModel(&events[i], caller, open)
	}
	return rows, nil
}

func eventModel(e *history.Event, caller auth.Caller, open map[id.ID]core.Live) hatchetrest.V1Event {
	model := hatchetrest.V1Event{
		Metadata: metaOf(e.ID, e.ID.Time()), Key: e.Key, TenantId: caller.UUID.String(), SeenAt: e.ID.Time().UTC(),
		Scope: e.Scope, Payload: e.Payload, AdditionalMetadata: object(e.Metadata),
	}
	summary := &model.WorkflowRunSummary
	counts := map[string]*int64{
		"COMPLETED": &summary.Succeeded, "FAILED": &summary.Failed, "CANCELLED": &summary.Cancelled,
		"RUNNING": &summary.Running, "QUEUED": &summary.Queued,
	}
	for i := range e.Runs {
		run := &e.Runs[i]
		started := hatchetrest.V1EventTriggeredRun{WorkflowRunId: run.ID.String()}
		if run.Filter != 0 {
			started.FilterId = run.Filter.String()
		}
		model.TriggeredRuns = append(model.TriggeredRuns, started)
		*counts[statusOf(run, open)]++
	}
	return model
}

// object is what was stored of a JSON object, never nothing.
func object(stored []byte) hatchetrest.JSONObject {
	if len(stored) == 0 {
		return hatchetrest.JSONObject("{}")
	}
	return stored
}
