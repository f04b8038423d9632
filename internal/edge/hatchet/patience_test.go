package hatchet_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Trap 5: each SDK takes the address of REST from another variable. None is needed: it is
// in the token, as all of them read it.
func TestAddressInTheTokenIsThatOfREST(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	said := claimsOf(t, s.Token)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, said["server_url"].(string)+"/api/v1/tenants/"+said["sub"].(string), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+s.Token)
	request.Close = true
	response, err := (&http.Client{Timeout: hatchettest.Patience}).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
}

// Trap 27: the metadata of a child has ids of traces, which are others each time. It does
// not count in what a durable task asked for.
func TestChildWithOtherMetadataIsTheSame(t *testing.T) {
	t.Parallel()
	s, m := thinker(t, "child:step")
	define(t, s, "child", nil)
	start(t, s, "deep", `{}`)
	first := m.begin(1)
	child := func(metadata string) *wire.TriggerWorkflowRequest {
		return &wire.TriggerWorkflowRequest{Name: "child", Input: `{"n":1}`, AdditionalMetadata: &metadata, ChildIndex: new(int32)}
	}
	was := first.runs(child(`{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}`))[0]
	first.program.next() // the child
	first.evict()
	_, err := s.Dispatcher.RestoreEvictedTask(s.Ctx, &wire.RestoreEvictedTaskRequest{TaskRunExternalId: first.action.TaskRunExternalId})
	require.NoError(t, err)
	again := m.begin(2).runs(child(`{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","more":"keys"}`))[0]
	require.Equal(t, was.WorkflowRunExternalId, again.WorkflowRunExternalId)
	require.Equal(t, was.NodeId, again.NodeId)
}

// The patience of the SDKs with calls.
const (
	heartbeatPatience = 5 * time.Second
	registerPatience  = 30 * time.Second
	ackPatience       = 60 * time.Second
	evictPatience     = 30 * time.Second
)

// Trap 49: SDKs wait for a heartbeat 5 s, for a registration 30 s, for the ack of a durable
// task 60 s and of its eviction 30 s. A heartbeat needs no database; the others wait for it,
// and are answered as soon as it is back.
func TestCallsAreAnsweredWithinThePatienceOfTheSDKs(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	tx, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), `lock table adze.worker, adze.durable_entry, adze.open_task in access exclusive mode`)
	require.NoError(t, err)

	registered := make(chan error, 1)
	begun := time.Now()
	go func() {
		ctx, done := context.WithTimeout(s.Ctx, registerPatience)
		defer done()
		_, err := s.Dispatcher.Register(ctx, &wire.WorkerRegisterRequest{WorkerName: "other"})
		registered <- err
	}()
	c.sendWait(sleeping("s", "1h"))
	for range 3 {
		ctx, done := context.WithTimeout(s.Ctx, heartbeatPatience)
		_, err := s.Dispatcher.Heartbeat(ctx, &wire.HeartbeatRequest{WorkerId: m.program.id})
		done()
		require.NoError(t, err)
	}
	require.Empty(t, registered, "it waits")
	require.Empty(t, m.got, "and so does the ack")
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-registered)
	require.NotNil(t, c.next().GetWaitForAck())
	require.Less(t, time.Since(begun), ackPatience)
	begun = time.Now()
	c.evict()
	require.Less(t, time.Since(begun), evictPatience)
}
