package hatchet_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/hatchettest"
	"github.com/adzehq/adze/internal/record/tenant"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// revoke ends a token of the default tenant.
func revoke(t *testing.T, s *hatchettest.Stage, token string) {
	t.Helper()
	number := uuid.MustParse(claimsOf(t, token)["token_id"].(string))
	require.NoError(t, tenant.RevokeToken(t.Context(), s.Pool, tenant.DefaultID, number, time.Now()))
}

// held begins a task that is held, and gives its run.
func held(t *testing.T, s *hatchettest.Stage) string {
	t.Helper()
	s.Work(t, func(*native.Assignment) (string, error) { return "", hatchettest.ErrHeld }, hatchettest.One("held", 0))
	return start(t, s, "held", `{}`)
}

// opened are all kinds of streams that there are, each as what receives of it.
func opened(t *testing.T, s *hatchettest.Stage, ctx context.Context, run string) map[string]func() error {
	t.Helper()
	number, err := id.Parse(run)
	require.NoError(t, err)
	worker := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w"})
	streams := map[string]func() error{}
	add := func(name string, recv func() error, err error) {
		require.NoError(t, err, name)
		streams[name] = recv
	}

	listen, err := s.Dispatcher.ListenV2(ctx, &wire.WorkerListenRequest{WorkerId: worker.id})
	add("ListenV2", func() error { _, err := listen.Recv(); return err }, err)
	runs, err := s.Dispatcher.SubscribeToWorkflowRuns(ctx)
	add("SubscribeToWorkflowRuns", func() error { _, err := runs.Recv(); return err }, err)
	require.NoError(t, runs.Send(&wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: run}))
	events, err := s.Dispatcher.SubscribeToWorkflowEvents(ctx, &wire.SubscribeToWorkflowEventsRequest{WorkflowRunId: proto.String(run)})
	add("SubscribeToWorkflowEvents", func() error { _, err := events.Recv(); return err }, err)
	durable, err := s.Durable.DurableTask(ctx)
	add("DurableTask", func() error { _, err := durable.Recv(); return err }, err)
	signals, err := s.Durable.ListenForDurableEvent(ctx)
	add("ListenForDurableEvent", func() error { _, err := signals.Recv(); return err }, err)

	work, err := s.Native.Work(ctx)
	add("Work", func() error { _, err := work.Recv(); return err }, err)
	require.NoError(t, work.Send(&native.WorkerMessage{Hello: &native.Hello{Actions: []string{"none"}, Slots: 1}}))
	mute, err := s.Native.Work(ctx)
	add("Work without a hello", func() error { _, err := mute.Recv(); return err }, err)
	await, err := s.Native.Await(ctx)
	add("Await", func() error { _, err := await.Recv(); return err }, err)
	require.NoError(t, await.Send(&native.AwaitRequest{RunIds: []uint64{uint64(number)}}))
	chunks, err := s.Native.ReadStream(ctx, &native.ReadStreamRequest{RunId: uint64(number)})
	add("ReadStream", func() error { _, err := chunks.Recv(); return err }, err)
	lines, err := s.Native.ListLogs(ctx, &native.ListLogsRequest{RunId: uint64(number), Follow: true})
	add("ListLogs", func() error { _, err := lines.Recv(); return err }, err)
	return streams
}

// last is how a stream ended.
func last(recv func() error) error {
	for {
		if err := recv(); err != nil {
			return err
		}
	}
}

func TestAllStreamsEndWhenTheirTokenIsRevokedAndNoOthers(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	run := held(t, s)
	token := s.TokenOf(t, tenant.DefaultName)
	streams := opened(t, s, s.As(t, token), run)
	sse := sseOf(t, s, token, run)
	others, err := s.Dispatcher.SubscribeToWorkflowRuns(s.Ctx)
	require.NoError(t, err)
	require.NoError(t, others.Send(&wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: run}))

	revoke(t, s, token)
	for name, recv := range streams {
		err := last(recv)
		require.Equal(t, codes.Unauthenticated, status.Code(err), "%s: %v", name, err)
		require.ErrorContains(t, err, "revoked", name)
	}
	text, err := io.ReadAll(sse)
	require.NoError(t, err, "the stream of events ends")
	require.NotContains(t, string(text), "event: end", "of the run nothing is said")

	_, err = s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{run}})
	require.NoError(t, err)
	event, err := others.Recv()
	require.NoError(t, err, "a stream of another token goes on")
	require.Equal(t, run, event.WorkflowRunId)
}

// sseOf reads what a run streams as server-sent events, once that has begun.
func sseOf(t *testing.T, s *hatchettest.Stage, token, run string) io.Reader {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.HTTPURL()+"/v1/runs/"+run+"/stream", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Close = true
	response, err := (&http.Client{Timeout: hatchettest.Patience}).Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(t, http.StatusOK, response.StatusCode)
	return response.Body
}
