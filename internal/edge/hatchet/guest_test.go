package hatchet_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/server"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// beside is the stage as another tenant sees it, which is made in the shard of the first one.
func beside(t *testing.T, s *hatchettest.Stage, name string) *hatchettest.Stage {
	t.Helper()
	made, err := server.MakeTenant(t.Context(), s.Pool, name, tenant.DefaultName, time.Now())
	require.NoError(t, err)
	own := *s
	own.Token, own.Tenant = s.TokenOf(t, name), made.UUID.String()
	own.Ctx = s.As(t, own.Token)
	return &own
}

func share(t *testing.T, guest *hatchettest.Stage) {
	t.Helper()
	_, err := guest.Native.ShareWorkers(guest.Ctx, &native.ShareWorkersRequest{Home: tenant.DefaultName})
	require.NoError(t, err)
}

// child is how a task asks for one.
func child(of *wire.AssignedAction, name string) *wire.TriggerWorkflowRequest {
	return &wire.TriggerWorkflowRequest{
		Name: name, Input: `{}`, ParentId: &of.WorkflowRunId, ParentTaskRunExternalId: &of.TaskRunExternalId, ChildIndex: proto.Int32(0),
	}
}

func log(s *hatchettest.Stage, task, text string) error {
	_, err := s.Events.PutLog(s.Ctx, &wire.PutLogRequest{TaskRunExternalId: task, Message: text})
	return err
}

// scraped is what Prometheus is told.
func scraped(t *testing.T, s *hatchettest.Stage) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.HTTPURL()+"/metrics", nil)
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

func TestCallsThatNameAGuestsTaskAreTheGuests(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	guest, other := beside(t, s, "guest"), beside(t, s, "other")
	share(t, guest)
	define(t, guest, "parent", nil)
	define(t, guest, "child", nil)
	p := work(t, s, "parent:step", "child:step")
	run := start(t, guest, "parent", `{}`)
	a := p.next()
	require.Equal(t, guest.Tenant, a.TenantId)
	p.started(a)

	require.NoError(t, log(s, run, "from the home's worker"))
	require.Error(t, log(other, run, "from elsewhere"))
	_, err := s.Dispatcher.RefreshTimeout(s.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: run, IncrementTimeoutBy: "30s"})
	require.NoError(t, err)
	_, err = other.Dispatcher.RefreshTimeout(other.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: run, IncrementTimeoutBy: "30s"})
	require.Equal(t, codes.NotFound, status.Code(err))
	metrics := scraped(t, s)
	require.Contains(t, metrics, `adze_tenant_slots{state="guests",tenant="default"} 1`)
	require.Contains(t, metrics, `adze_tenant_slots{state="free",tenant="default"} 99`)
	require.Contains(t, metrics, `adze_tenant_guest_slots_used{tenant="guest"} 1`)
	require.NotContains(t, metrics, `tenant="other"`, "it shares none")
	_, err = s.Dispatcher.ReleaseSlot(s.Ctx, &wire.ReleaseSlotRequest{TaskRunExternalId: run})
	require.NoError(t, err)

	born := trigger(t, s, child(a, "child"))
	c := p.next()
	require.Equal(t, guest.Tenant, c.TenantId)
	require.Equal(t, born, c.WorkflowRunId)
	p.completed(c, `{"child":true}`)
	require.JSONEq(t, `{"child":true}`, results(t, s, born)[born].Results[0].GetOutput(), "the parent's program waits with the home's token")
	require.True(t, details(t, s, born).Done)
	require.Len(t, runs(t, guest, "child"), 1)
	require.Empty(t, runs(t, s, "child"))
	_, err = other.Workflows.TriggerWorkflow(other.Ctx, child(a, "child"))
	require.Error(t, err, "no worker of that tenant has the parent")
	_, err = s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.Equal(t, codes.NotFound, status.Code(err), "it is no child of a task that runs")

	own := start(t, guest, "parent", `{}`)
	b := p.next()
	p.started(b)
	_, err = other.Admin.CancelTasks(other.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{own}})
	require.NoError(t, err)
	gone, err := s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{own, born}})
	require.NoError(t, err)
	require.Equal(t, []string{own}, gone.CancelledTasks, "a task ends itself")

	p.completed(a, `{}`)
	require.NoError(t, log(s, run, "a line that comes late"))
	_, err = s.Workflows.TriggerWorkflow(s.Ctx, child(a, "child"))
	require.Error(t, err, "the task is over: it asks for nothing more")
	_, err = s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: born})
	require.Equal(t, codes.NotFound, status.Code(err))
}

// TestAGuestsTaskIsSpokenForBeforeItsWorkerIsBack: an engine that has just taken over knows it
// from the shard.
func TestAGuestsTaskIsSpokenForBeforeItsWorkerIsBack(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	guest := beside(t, s, "guest")
	share(t, guest)
	define(t, guest, "parent", nil)
	define(t, guest, "child", nil)
	p := work(t, s, "parent:step", "child:step")
	run := start(t, guest, "parent", `{}`)
	a := p.next()
	p.started(a)
	require.Eventually(t, func() bool { // it is the worker's, as a new owner finds it
		var running int
		err := s.Pool.QueryRow(t.Context(), `select count(*) from adze.open_task where state = 'running'`).Scan(&running)
		return err == nil && running == 1
	}, hatchettest.Patience, 10*time.Millisecond)
	s.Stop(t)

	again := hatchettest.StartOn(t, s.URL)
	back := *again
	back.Ctx = again.As(t, again.TokenOf(t, "guest"))
	p.stage = again
	require.NoError(t, log(again, run, "before it is back"))
	require.NoError(t, p.say(a, wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED, `{"kept":true}`))
	require.JSONEq(t, `{"kept":true}`, results(t, &back, run)[run].Results[0].GetOutput())
}
