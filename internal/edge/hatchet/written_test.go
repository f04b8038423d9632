package hatchet_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func putLog(t *testing.T, s *hatchettest.Stage, req *wire.PutLogRequest) {
	t.Helper()
	_, err := s.Events.PutLog(s.Ctx, req)
	require.NoError(t, err)
}

// Trap 32: the metadata of a line is an object.
func TestLinesOfATaskAreRead(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	begun := make(chan struct{})
	s.Work(t, func(*native.Assignment) (string, error) {
		close(begun)
		return "", hatchettest.ErrHeld
	}, hatchettest.One("w", 0))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	<-begun
	putLog(t, s, &wire.PutLogRequest{TaskRunExternalId: run, Message: "one", Metadata: `{"k":1}`})
	putLog(t, s, &wire.PutLogRequest{TaskRunExternalId: run, Message: "two", Level: ptr("ERROR"), TaskRetryCount: ptr(int32(0))})
	_, err := s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{run}})
	require.NoError(t, err)
	results(t, s, run)
	putLog(t, s, &wire.PutLogRequest{TaskRunExternalId: run, Message: "late"})

	lines := func(query string) (texts []string) {
		code, answer := s.REST(t, http.MethodGet, "/api/v1/stable/tasks/"+run+"/logs?"+query, nil)
		require.Equal(t, http.StatusOK, code)
		for _, row := range answer.(map[string]any)["rows"].([]any) {
			texts = append(texts, row.(map[string]any)["message"].(string))
		}
		return texts
	}
	require.Equal(t, []string{"one", "two", "late"}, lines(""))
	require.Equal(t, []string{"late", "two", "one"}, lines("order_by_direction=DESC"))
	require.Equal(t, []string{"two"}, lines("levels=ERROR"))
	require.Equal(t, []string{"two"}, lines("search=tw"))
	require.Equal(t, []string{"one"}, lines("limit=1"))
	require.Empty(t, lines("attempt=2"))

	for code, req := range map[codes.Code]*wire.PutLogRequest{
		codes.NotFound:        {TaskRunExternalId: "7c6e1b1e-96d4-4f5e-8f2e-0123456789ab"},
		codes.InvalidArgument: {TaskRunExternalId: run, Level: ptr("LOUD")},
	} {
		_, err := s.Events.PutLog(s.Ctx, req)
		require.Equal(t, code, status.Code(err))
	}
}

// Messages of a stream come in the order of their indices, whichever call is faster.
func TestStreamComesInOrderAndEndsWithItsRun(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	begun, end := make(chan struct{}), make(chan struct{})
	s.Work(t, func(*native.Assignment) (string, error) {
		close(begun)
		<-end
		return `{"done":true}`, nil
	}, hatchettest.One("w", 0))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	<-begun
	stream, err := s.Dispatcher.SubscribeToWorkflowEvents(s.Ctx, &wire.SubscribeToWorkflowEventsRequest{WorkflowRunId: &run})
	require.NoError(t, err)
	const messages = 50
	var calls sync.WaitGroup
	for i := range int64(messages) {
		calls.Go(func() {
			_, err := s.Events.PutStreamEvent(s.Ctx, &wire.PutStreamEventRequest{
				TaskRunExternalId: run, Message: fmt.Append(nil, i), EventIndex: &i,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	event, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, wire.ResourceEventType_RESOURCE_EVENT_TYPE_STARTED, event.EventType)
	require.Equal(t, run, event.ResourceId)
	for i := range messages {
		event, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(i), event.EventPayload)
		require.Equal(t, wire.ResourceEventType_RESOURCE_EVENT_TYPE_STREAM, event.EventType)
		require.Equal(t, run, event.ResourceId)
	}
	calls.Wait()
	close(end)
	event, err = stream.Recv()
	require.NoError(t, err)
	require.Equal(t, wire.ResourceEventType_RESOURCE_EVENT_TYPE_COMPLETED, event.EventType)
	require.JSONEq(t, `{"done":true}`, event.EventPayload)
	event, err = stream.Recv()
	require.NoError(t, err)
	require.True(t, event.Hangup)
	require.Equal(t, wire.ResourceType_RESOURCE_TYPE_WORKFLOW_RUN, event.ResourceType)
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF)

	stream, err = s.Dispatcher.SubscribeToWorkflowEvents(s.Ctx, &wire.SubscribeToWorkflowEventsRequest{WorkflowRunId: &run})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF, "it has ended")
}

// A task goes on when the engine is started again, and so does what it streams.
func TestStreamGoesOnOverARestartOfTheEngine(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "w", nil)
	p := work(t, s, "w:step")
	run := start(t, s, "w", `{}`)
	a := p.next()
	p.started(a)
	write := func(from, to int64) {
		for i := from; i < to; i++ {
			_, err := s.Events.PutStreamEvent(s.Ctx, &wire.PutStreamEventRequest{TaskRunExternalId: run, Message: fmt.Append(nil, i), EventIndex: &i})
			require.NoError(t, err)
		}
	}
	write(0, 3)
	require.Eventually(t, func() bool { // else the next owner has it run again
		var saved bool
		require.NoError(t, s.Pool.QueryRow(t.Context(), `select exists (select from adze.open_task where token is not null)`).Scan(&saved))
		return saved
	}, hatchettest.Patience, 10*time.Millisecond)
	s.Stop(t)

	s = hatchettest.StartOn(t, s.URL)
	p.stage = s
	p.listen()
	f := follow(t, s, run, map[string]string{run: "w"})
	require.Equal(t, "w STARTED ", f.next())
	write(3, 5)
	p.completed(a, `{}`)
	for i := range 5 {
		require.Equal(t, fmt.Sprintf("w STREAM %d", i), f.next())
	}
	require.Equal(t, "w COMPLETED {}", f.next())
}

func TestStreamOfNoRunIsNotFound(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for id, code := range map[string]codes.Code{"x": codes.InvalidArgument, s.Tenant: codes.NotFound} {
		stream, err := s.Dispatcher.SubscribeToWorkflowEvents(s.Ctx, &wire.SubscribeToWorkflowEventsRequest{WorkflowRunId: &id})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.Equal(t, code, status.Code(err))
		require.NotErrorIs(t, err, io.EOF)
	}
	_, err := s.Events.PutStreamEvent(s.Ctx, &wire.PutStreamEventRequest{TaskRunExternalId: s.Tenant})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, err = s.Events.PutStreamEvent(s.Ctx, &wire.PutStreamEventRequest{TaskRunExternalId: s.Tenant, Message: make([]byte, 256<<10+1)})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}
