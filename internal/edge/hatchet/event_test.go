package hatchet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// put registers a workflow.
func put(t *testing.T, s *hatchettest.Stage, req *wire.CreateWorkflowVersionRequest) *wire.CreateWorkflowVersionResponse {
	t.Helper()
	response, err := s.Admin.PutWorkflow(s.Ctx, req)
	require.NoError(t, err)
	return response
}

// runs are those of a workflow, newest first.
func runs(t *testing.T, s *hatchettest.Stage, workflow string) []*native.Run {
	t.Helper()
	response, err := s.Native.ListRuns(s.Ctx, &native.ListRunsRequest{Workflow: workflow})
	require.NoError(t, err)
	return response.Runs
}

// Trap 44: a trigger may have wildcards.
func TestEventStartsTheWorkflowsThatListenForIt(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for name, event := range map[string]string{"exact": "user:created", "wild": "user:*", "other": "order:*"} {
		req := simple(name)
		req.EventTriggers = []string{event}
		put(t, s, req)
	}
	told, err := s.Events.Push(s.Ctx, &wire.PushEventRequest{
		Key: "user:created", Payload: `{"id": 7}`, Scope: new("eu"), Priority: new(int32(3)),
		AdditionalMetadata: new(`{"a":"b","hatchet__event_id":"x","hatchet__source_step_run_id":"y"}`),
	})
	require.NoError(t, err)
	require.Equal(t, s.Tenant, told.TenantId)
	require.Equal(t, "user:created", told.Key)
	require.JSONEq(t, `{"id": 7}`, told.Payload)
	require.Nil(t, told.Scope, "it is not echoed")
	event, err := id.Parse(told.EventId)
	require.NoError(t, err)
	for _, name := range []string{"exact", "wild"} {
		started := runs(t, s, name)
		require.Len(t, started, 1)
		require.EqualValues(t, event, started[0].EventId)
		require.EqualValues(t, 3, started[0].Priority)
		whole, err := s.Native.GetRun(s.Ctx, &native.GetRunRequest{RunId: started[0].RunId, Payloads: true})
		require.NoError(t, err)
		require.JSONEq(t, `{"id": 7}`, string(whole.Run.Input))
		require.JSONEq(t, `{"a":"b","hatchet__source_step_run_id":"y"}`, string(whole.Run.Metadata))
	}
	require.Empty(t, runs(t, s, "other"))
}

func TestEventsOfOneCallAreAnsweredInTheirOrder(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	many := make([]*wire.PushEventRequest, admit.EventsMax)
	for i := range many {
		many[i] = &wire.PushEventRequest{Key: fmt.Sprint("k", i), Payload: "{}"}
	}
	told, err := s.Events.BulkPush(s.Ctx, &wire.BulkPushEventRequest{Events: many})
	require.NoError(t, err)
	require.Len(t, told.Events, len(many))
	for i, e := range told.Events {
		require.Equal(t, many[i].Key, e.Key)
	}
	for _, events := range [][]*wire.PushEventRequest{nil, slices.Concat(many, many[:1])} {
		_, err = s.Events.BulkPush(s.Ctx, &wire.BulkPushEventRequest{Events: events})
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	}
}

// Trap 47: JSON with \u0000 is refused.
func TestBadEventIsRefusedWithItsField(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for says, req := range map[string]*wire.PushEventRequest{
		"key":                 {Payload: "{}"},
		"payload":             {Key: "k", Payload: "[]"},
		`\u0000`:              {Key: "k", Payload: `{"a":"\u0000"}`},
		"additional_metadata": {Key: "k", Payload: "{}", AdditionalMetadata: new("7")},
		"priority must be between 1 and 3, got 4": {Key: "k", Payload: "{}", Priority: new(int32(4))},
		"scope": {Key: "k", Payload: "{}", Scope: new(strings.Repeat("s", admit.ScopeBytesMax+1))},
	} {
		_, err := s.Events.Push(s.Ctx, req)
		require.Equal(t, codes.InvalidArgument, status.Code(err), says)
		require.ErrorContains(t, err, says)
	}
}

func TestWorkflowIsScheduledForEachTime(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	defined := put(t, s, simple("w"))
	parent := id.ID(1 << 40).String()
	soon, past := timestamppb.New(time.Now().Add(time.Hour)), timestamppb.New(time.Now().Add(-time.Hour))
	response, err := s.Workflows.ScheduleWorkflow(s.Ctx, &wire.ScheduleWorkflowRequest{
		Name: "w", Schedules: []*timestamppb.Timestamp{soon, past}, Input: `{"n":1}`, Priority: new(int32(2)),
		AdditionalMetadata: new(`{"a":"b"}`), ParentId: &parent,
	})
	require.NoError(t, err)
	require.Equal(t, defined.Id, response.Id)
	require.Equal(t, defined.WorkflowId, response.WorkflowId)
	require.Equal(t, defined.Id, response.Version, "its authors do not call it anything")
	require.EqualValues(t, 1, response.Order)
	require.Len(t, response.ScheduledWorkflows, 2)
	require.Equal(t, soon.AsTime(), response.ScheduledWorkflows[0].TriggerAt.AsTime())
	require.Eventually(t, func() bool { return len(runs(t, s, "w")) == 1 }, hatchettest.Patience, 10*time.Millisecond, "what is over fires at once")
	run, err := s.Native.GetRun(s.Ctx, &native.GetRunRequest{RunId: runs(t, s, "w")[0].RunId, Payloads: true})
	require.NoError(t, err)
	require.JSONEq(t, `{"n":1}`, string(run.Run.Input))
	require.JSONEq(t, `{"a":"b","hatchet__parent_workflow_run_id":"`+parent+`"}`, string(run.Run.Metadata))
	require.EqualValues(t, 2, run.Run.Priority)

	_, err = s.Workflows.ScheduleWorkflow(s.Ctx, &wire.ScheduleWorkflowRequest{Name: "none", Schedules: []*timestamppb.Timestamp{soon}})
	require.Equal(t, codes.NotFound, status.Code(err))
	require.ErrorContains(t, err, "workflow not found")
	_, err = s.Workflows.ScheduleWorkflow(s.Ctx, &wire.ScheduleWorkflowRequest{Name: "w", Schedules: []*timestamppb.Timestamp{soon}, ParentId: new("x")})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

func TestRateLimitIsAKeyWithAWindowOfItsOwn(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Workflows.PutRateLimit(s.Ctx, &wire.PutRateLimitRequest{Key: "my limit", Limit: 7, Duration: wire.RateLimitDuration_RATE_LIMIT_DURATION_HOUR})
	require.NoError(t, err)
	settings, err := s.Native.ListSettings(s.Ctx, &native.ListSettingsRequest{Kind: native.SettingName_KIND_RATE})
	require.NoError(t, err)
	require.Len(t, settings.Settings, 1)
	require.Equal(t, "my limit", settings.Settings[0].Key)
	require.EqualValues(t, 7, settings.Settings[0].GetRate().GetLimit())
	require.EqualValues(t, 3_600_000, settings.Settings[0].GetRate().GetPeriodMs())
	until := time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC()
	for _, asked := range []time.Time{until, until.Add(-time.Minute)} {
		paused, err := s.Workflows.PauseRateLimit(s.Ctx, &wire.PauseRateLimitRequest{Key: "my limit", PausedUntil: timestamppb.New(asked)})
		require.NoError(t, err)
		require.Equal(t, until, paused.PausedUntil.AsTime(), "an earlier time does not shorten it")
	}
	_, err = s.Workflows.PauseRateLimit(s.Ctx, &wire.PauseRateLimitRequest{Key: "none", PausedUntil: timestamppb.New(until)})
	require.Equal(t, codes.NotFound, status.Code(err))
	for _, bad := range []*wire.PutRateLimitRequest{{}, {Key: "k", Limit: -1}, {Key: "k", Limit: 1, Duration: 7}} {
		_, err := s.Workflows.PutRateLimit(s.Ctx, bad)
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	}
}

// Trap 45: one event starts a workflow once for each filter that it meets.
func TestDefaultFiltersChooseEventsByScope(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	req := simple("w")
	req.EventTriggers = []string{"e"}
	req.DefaultFilters = []*wire.DefaultFilter{
		{Scope: "eu", Expression: "input.n > payload.least", Payload: []byte(`{"least": 5}`)},
		{Scope: "eu", Expression: "input.n > 0 && additional_metadata.a == 'b' && event_key == 'e'"},
	}
	put(t, s, req)
	put(t, s, req) // what is declared already is not declared again
	push := func(scope string, n int) {
		t.Helper()
		_, err := s.Events.Push(s.Ctx, &wire.PushEventRequest{
			Key: "e", Payload: fmt.Sprintf(`{"n":%d}`, n), Scope: &scope, AdditionalMetadata: new(`{"a":"b"}`),
		})
		require.NoError(t, err)
	}
	push("", 7)
	push("us", 7)
	require.Empty(t, runs(t, s, "w"))
	push("eu", 3)
	require.Len(t, runs(t, s, "w"), 1)
	push("eu", 7)
	require.Len(t, runs(t, s, "w"), 3)

	_, err := s.Native.PutFilter(s.Ctx, &native.PutFilterRequest{Filter: &native.Filter{Workflow: "w", Scope: "us"}})
	require.NoError(t, err)
	req.DefaultFilters = req.DefaultFilters[:1]
	put(t, s, req)
	listed, err := s.Native.ListFilters(s.Ctx, &native.ListFiltersRequest{})
	require.NoError(t, err)
	require.Len(t, listed.Filters, 2, "those that are not declared stay")
	push("eu", 3)
	require.Len(t, runs(t, s, "w"), 3)

	s.Stop(t)
	s = hatchettest.StartOn(t, s.URL)
	push("eu", 7)
	require.Len(t, runs(t, s, "w"), 4, "a new engine knows them")
	put(t, s, req)
	listed, err = s.Native.ListFilters(s.Ctx, &native.ListFiltersRequest{})
	require.NoError(t, err)
	require.Len(t, listed.Filters, 2)
	require.True(t, listed.Filters[0].Declared)
}
