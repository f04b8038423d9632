package adze

import (
	"cmp"
	"context"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (t *grpcTransport) get(ctx context.Context, run id.ID, task string) (*RunInfo, error) {
	response, err := t.engine.GetRun(ctx, getRequest(run, task))
	if err != nil {
		return nil, received(err)
	}
	return runDetails(response), nil
}

func (t *grpcTransport) list(ctx context.Context, f Filter, before id.ID, limit int) ([]RunInfo, id.ID, error) {
	request, err := listRequest(f, before, limit)
	if err != nil {
		return nil, 0, err
	}
	response, err := t.engine.ListRuns(ctx, request)
	if err != nil {
		return nil, 0, received(err)
	}
	return runPage(response), id.ID(response.NextBefore), nil
}

func getRequest(run id.ID, task string) *wire.GetRunRequest {
	return &wire.GetRunRequest{RunId: uint64(run), Payloads: true, Task: task}
}

func listRequest(f Filter, before id.ID, limit int) (*wire.ListRunsRequest, error) {
	request := &wire.ListRunsRequest{
		Workflow: f.Task, SinceMs: milli(f.Since), UntilMs: milli(f.Until),
		Before: uint64(before), Limit: int32(limit),
	}
	for _, s := range f.Statuses {
		code, known := wireStatuses[s]
		if !known {
			return nil, &Error{Kind: KindInvalid, Field: "statuses", Text: "there is no status " + string(s)}
		}
		request.Statuses = append(request.Statuses, code)
	}
	return request, nil
}

func runDetails(response *wire.GetRunResponse) *RunInfo {
	info := runInfo(response.Run)
	info.Once, info.OnceHeld = response.OnceKey, timeOf(response.OnceUntilMs)
	for _, a := range response.Attempts {
		info.Attempts = append(info.Attempts, AttemptInfo{
			Number: int(a.Number), Outcome: a.Outcome, Error: a.Error,
			AssignedAt: timeOf(a.AssignedMs), StartedAt: timeOf(a.StartedMs),
			FinishedAt: timeOf(a.FinishedMs), RetryAt: timeOf(a.RetryAtMs),
		})
	}
	for _, m := range response.Moments {
		info.Moments = append(info.Moments, MomentInfo{
			Kind: MomentKind(m.Kind), At: timeOf(m.AtMs), Attempt: int(m.Attempt),
			Deadline: timeOf(m.DeadlineMs), By: time.Duration(m.ByMs) * time.Millisecond,
			AssignedAt: timeOf(m.AssignedMs), StartedAt: timeOf(m.StartedMs),
		})
	}
	for _, t := range response.Tasks {
		info.Tasks = append(info.Tasks, TaskInfo{
			ID: ID(t.TaskId), Name: t.Name, Parents: t.Parents, Role: string(outline.RoleFromWire(t.Role)),
			Status: cmp.Or(publicStatuses[t.Status], Waiting), Attempt: int(t.Attempt),
			AssignedAt: timeOf(t.AssignedMs), StartedAt: timeOf(t.StartedMs), FinishedAt: timeOf(t.FinishedMs),
			Error: t.Error, Output: t.Output, WaitsFor: waitInfo(t.Waits),
		})
	}
	info.Log = logInfo(response)
	for _, c := range response.Children {
		info.Children = append(info.Children, ChildInfo{ID: ID(c.RunId), Key: c.Key})
	}
	return &info
}

func waitInfo(from []*wire.WaitCondition) []WaitInfo {
	var list []WaitInfo
	for _, c := range from {
		list = append(list, WaitInfo{
			Group: int(c.Group), Until: timeOf(c.UntilMs), Event: c.Event, Scope: c.Scope, If: c.Filter,
		})
	}
	return list
}

func runPage(response *wire.ListRunsResponse) []RunInfo {
	page := make([]RunInfo, len(response.Runs))
	for i, r := range response.Runs {
		page[i] = runInfo(r)
	}
	return page
}

func runInfo(r *wire.Run) RunInfo {
	return RunInfo{
		ID: ID(r.RunId), Task: r.Workflow, Status: publicStatuses[r.Status],
		Priority: int(r.Priority), Attempt: int(r.Attempt),
		SubmittedAt: timeOf(r.SubmittedMs), RunAt: timeOf(r.RunAtMs), AssignedAt: timeOf(r.AssignedMs),
		StartedAt: timeOf(r.StartedMs), FinishedAt: timeOf(r.FinishedMs),
		ReplayOf: ID(r.ReplayOf), ParentID: ID(r.ParentId), Event: ID(r.EventId), Schedule: ID(r.ScheduleId), Error: r.Error,
		Input: r.Input, Metadata: r.Metadata, Output: r.Output,
	}
}

var wireStatuses = map[Status]wire.Status{
	Waiting:   wire.Status_STATUS_WAITING,
	Delayed:   wire.Status_STATUS_DELAYED,
	Queued:    wire.Status_STATUS_QUEUED,
	Running:   wire.Status_STATUS_RUNNING,
	Succeeded: wire.Status_STATUS_SUCCEEDED,
	Failed:    wire.Status_STATUS_FAILED,
	Cancelled: wire.Status_STATUS_CANCELLED,
	Skipped:   wire.Status_STATUS_SKIPPED,
}

var publicStatuses = func() map[wire.Status]Status {
	inverse := make(map[wire.Status]Status, len(wireStatuses))
	for s, code := range wireStatuses {
		inverse[code] = s
	}
	return inverse
}()
