package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Reader tells where runs stand: what is committed (history), and for those that
// are open what their shard has in mind.
//
// It asks the shard first and Postgres after it. A run that ends in between has a
// result then; the other way round it would be neither open nor ended.
type Reader struct {
	DB     pg.DB
	Shards shard.Client
}

// GetRun implements the service.
func (s *Server) GetRun(ctx context.Context, req *wire.GetRunRequest) (*wire.GetRunResponse, error) {
	response, err := s.Reader.GetRun(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// ListRuns implements the service.
func (s *Server) ListRuns(ctx context.Context, req *wire.ListRunsRequest) (*wire.ListRunsResponse, error) {
	response, err := s.Reader.ListRuns(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// GetRun reads one run of the tenant.
func (r *Reader) GetRun(ctx context.Context, tenant id.ID, req *wire.GetRunRequest) (*wire.GetRunResponse, error) {
	run := id.ID(req.RunId)
	live, err := r.Shards.Live(ctx, tenant, []id.ID{run})
	if err != nil {
		return nil, err
	}
	stored, err := history.Get(ctx, r.DB, tenant, run, req.Payloads)
	if err != nil {
		return nil, err
	}
	response, err := r.details(ctx, tenant, &stored, live[0], req)
	if err != nil {
		return nil, err
	}
	key, until, err := history.HeldKey(ctx, r.DB, tenant, run)
	response.OnceKey, response.OnceUntilMs = key, int64(until)
	return response, err
}

// details is all that is told of a run but for its key.
func (r *Reader) details(ctx context.Context, tenant id.ID, stored *history.Run, live core.Live, req *wire.GetRunRequest) (*wire.GetRunResponse, error) {
	run := stored.ID
	if stored.Graph {
		response, err := r.graph(ctx, tenant, *stored, req.Payloads)
		if err != nil || req.Task == "" {
			return response, err
		}
		return response, r.deedsOf(ctx, tenant, response, req)
	}
	attempts, err := history.Attempts(ctx, r.DB, tenant, run)
	if err != nil {
		return nil, err
	}
	response := &wire.GetRunResponse{Run: runOf(stored), Attempts: attemptsOf(attempts)}
	if err := r.deeds(ctx, tenant, response, run, req.Payloads); err != nil {
		return nil, err
	}
	if stored.Open() {
		err = r.overlay(ctx, []*wire.Run{response.Run}, map[id.ID]core.Live{run: live})
	}
	return response, err
}

// ListRuns reads a page of the tenant's runs. Whether an open run waits or runs is
// the shard's to say, so a page that asks for one of these may come out shorter.
func (r *Reader) ListRuns(ctx context.Context, tenant id.ID, req *wire.ListRunsRequest) (*wire.ListRunsResponse, error) {
	filter, wanted, err := filterOf(req)
	if err != nil {
		return nil, err
	}
	page, live, err := r.page(ctx, tenant, filter)
	if err != nil {
		return nil, err
	}
	runs := make([]*wire.Run, len(page.Runs))
	for i := range page.Runs {
		runs[i] = runOf(&page.Runs[i])
	}
	if err := r.overlay(ctx, runs, live); err != nil {
		return nil, err
	}
	response := &wire.ListRunsResponse{NextBefore: uint64(page.Next)}
	for _, run := range runs {
		if len(wanted) == 0 || wanted[run.Status] {
			response.Runs = append(response.Runs, run)
		}
	}
	return response, nil
}

// page reads a page and what the shard knows of the open runs in it. If there are
// open ones, Postgres is asked again, after the shard.
func (r *Reader) page(ctx context.Context, tenant id.ID, filter history.Filter) (history.Page, map[id.ID]core.Live, error) {
	page, err := history.Runs(ctx, r.DB, tenant, filter)
	if err != nil {
		return page, nil, err
	}
	var asked []id.ID
	for i := range page.Runs {
		if page.Runs[i].Open() {
			asked = append(asked, page.Runs[i].ID)
		}
	}
	if len(asked) == 0 {
		return page, nil, nil
	}
	answers, err := r.Shards.Live(ctx, tenant, asked)
	if err != nil {
		return page, nil, err
	}
	live := make(map[id.ID]core.Live, len(asked))
	for i, run := range asked {
		live[run] = answers[i]
	}
	filter.Before = page.Runs[0].ID + 1 // the same page, without what came since
	page, err = history.Runs(ctx, r.DB, tenant, filter)
	return page, live, err
}

// overlay says of the open runs where they stand. Those that are not in memory wait
// in Postgres.
func (r *Reader) overlay(ctx context.Context, runs []*wire.Run, live map[id.ID]core.Live) error {
	var elsewhere []id.ID
	at := map[id.ID]*wire.Run{}
	for _, run := range runs {
		if run.Status != wire.Status_STATUS_UNSPECIFIED {
			continue
		}
		run.Status = wire.Status_STATUS_QUEUED
		if l := live[id.ID(run.RunId)]; l.State != 0 {
			stand(run, l)
			continue
		}
		elsewhere = append(elsewhere, id.ID(run.RunId))
		at[id.ID(run.RunId)] = run
	}
	if len(elsewhere) == 0 {
		return nil
	}
	rows, err := open.ByID(ctx, r.DB, elsewhere)
	for i := range rows {
		row := &rows[i]
		stand(at[row.ID], core.Live{
			State: row.State, Attempt: row.Attempt, Worker: row.Worker, Assigned: row.Assigned, Due: row.Due,
		})
	}
	return err
}

// stand writes where an open run stands.
func stand(run *wire.Run, live core.Live) {
	run.Attempt = live.Attempt - 1 // the one before: the next one has not begun
	switch live.State {
	case core.OpenReady:
		run.Status = wire.Status_STATUS_QUEUED
	case core.OpenDelayed:
		run.Status = wire.Status_STATUS_DELAYED
		run.RunAtMs = int64(live.Due)
	case core.OpenWaiting:
		run.Status = wire.Status_STATUS_WAITING
		run.Attempt = live.Attempt // it goes on where it was
		run.RunAtMs = int64(live.Due)
	case core.OpenRunning:
		run.Status = wire.Status_STATUS_RUNNING
		run.Attempt = live.Attempt
		run.WorkerId = uint64(live.Worker)
		run.AssignedMs, run.StartedMs = int64(live.Assigned), int64(live.Started)
	}
}

// filterOf reads a request; wanted are the statuses asked for, none if all are.
func filterOf(req *wire.ListRunsRequest) (f history.Filter, wanted map[wire.Status]bool, err error) {
	if err := pageSize(req.Limit); err != nil {
		return f, nil, err
	}
	if req.SinceMs < 0 || req.UntilMs < 0 {
		return f, nil, fault.New(fault.Invalid, "since_ms", "and until_ms must not be negative")
	}
	f = history.Filter{
		Workflow: req.Workflow, Since: core.Time(req.SinceMs), Until: core.Time(req.UntilMs),
		Before: id.ID(req.Before), Limit: int(req.Limit),
	}
	wanted = make(map[wire.Status]bool, len(req.Statuses))
	for _, status := range req.Statuses {
		wanted[status] = true
	}
	for status := range wanted {
		switch status {
		case wire.Status_STATUS_DELAYED, wire.Status_STATUS_QUEUED, wire.Status_STATUS_RUNNING, wire.Status_STATUS_WAITING:
			f.Open = true
		case wire.Status_STATUS_SUCCEEDED:
			f.Statuses = append(f.Statuses, core.Succeeded)
		case wire.Status_STATUS_FAILED:
			f.Statuses = append(f.Statuses, core.Failed)
		case wire.Status_STATUS_CANCELLED:
			f.Statuses = append(f.Statuses, core.Cancelled)
		default:
			return f, nil, fault.New(fault.Invalid, "statuses", "has the unknown status %d", status)
		}
	}
	return f, wanted, nil
}

// pageSize checks how long a page is to be.
func pageSize(limit int32) error {
	if limit < 0 || limit > history.PageMax {
		return fault.New(fault.Invalid, "limit", "is %d, allowed is 1 to %d, or 0 for %d",
			limit, history.PageMax, history.PageDefault)
	}
	return nil
}

// runOf is r as it is committed; an open run has no status yet.
func runOf(r *history.Run) *wire.Run {
	return &wire.Run{
		RunId:       uint64(r.ID),
		Workflow:    r.Workflow,
		Status:      endStatuses[r.Status],
		Priority:    r.Priority,
		Attempt:     r.Attempt,
		SubmittedMs: r.ID.UnixMilli(),
		RunAtMs:     int64(r.RunAt),
		AssignedMs:  int64(r.Assigned),
		StartedMs:   int64(r.Started),
		FinishedMs:  int64(r.Finished),
		WorkerId:    uint64(r.Worker),
		ReplayOf:    uint64(r.ReplayOf),
		EventId:     uint64(r.Event),
		ParentId:    uint64(r.Parent),
		ScheduleId:  uint64(r.Schedule),
		Error:       r.Error,
		Input:       r.Input,
		Metadata:    r.Metadata,
		Output:      r.Output,
		VersionId:   uint64(r.Version),
	}
}

func attemptsOf(attempts []core.Attempt) []*wire.Attempt {
	list := make([]*wire.Attempt, len(attempts))
	for i, a := range attempts {
		list[i] = &wire.Attempt{
			Number:     a.Number,
			Outcome:    a.Outcome.String(),
			WorkerId:   uint64(a.Worker),
			AssignedMs: int64(a.Assigned),
			StartedMs:  int64(a.Started),
			FinishedMs: int64(a.Finished),
			RetryAtMs:  int64(a.RetryAt),
			Error:      a.Error,
		}
	}
	return list
}
