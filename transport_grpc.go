package adze

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

const (
	// messageBytesMax is the largest message of an engine.
	messageBytesMax = 64 << 20
	// aliveAfter and aliveWithin find a connection that died without a word.
	aliveAfter  = 20 * time.Second
	aliveWithin = 10 * time.Second
	// socketBufferBytes lets a batch go to the kernel in few writes.
	socketBufferBytes = 128 << 10
)

// grpcTransport reaches an engine over the native protocol.
type grpcTransport struct {
	connection *grpc.ClientConn
	engine     wire.AdzeClient
}

func dialGRPC(c *config) (*grpcTransport, error) {
	secure := insecure.NewCredentials()
	if c.tls != nil {
		secure = credentials.NewTLS(c.tls)
	}
	connection, err := grpc.NewClient(c.address,
		grpc.WithTransportCredentials(secure),
		grpc.WithPerRPCCredentials(bearer(c.token)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageBytesMax)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: aliveAfter, Timeout: aliveWithin}),
		grpc.WithReadBufferSize(socketBufferBytes),
		grpc.WithWriteBufferSize(socketBufferBytes),
		grpc.WithUserAgent("adze-"+sdkName),
	)
	if err != nil {
		return nil, &Error{Kind: KindInvalid, Field: "address", Text: err.Error(), cause: err}
	}
	return &grpcTransport{connection: connection, engine: wire.NewAdzeClient(connection)}, nil
}

// bearer is the token as each call carries it.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if b == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity is false because an engine on the same machine needs none.
func (b bearer) RequireTransportSecurity() bool { return false }

func (t *grpcTransport) close() error { return t.connection.Close() }

// knock opens a stream of results and asks for none.
func (t *grpcTransport) knock(ctx context.Context) error {
	stream, err := t.engine.Await(ctx)
	if err != nil {
		return received(err)
	}
	if err := stream.CloseSend(); err != nil {
		return received(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		return received(err)
	}
	return nil
}

func (t *grpcTransport) define(ctx context.Context, workflows []shard.Workflow) error {
	request := &wire.PutWorkflowsRequest{Workflows: make([]*wire.Workflow, len(workflows))}
	for i := range workflows {
		request.Workflows[i] = outline.ToWire(&workflows[i])
	}
	_, err := t.engine.PutWorkflows(ctx, request)
	return received(err) // registering again is harmless: an unknown outcome is none
}

func (t *grpcTransport) workflow(ctx context.Context, name string) (*shard.Workflow, error) {
	response, err := t.engine.GetWorkflow(ctx, &wire.GetWorkflowRequest{Name: name})
	if err != nil {
		return nil, received(err)
	}
	return &outline.FromWire([]*wire.Workflow{response.Workflow})[0], nil
}

func (t *grpcTransport) submit(ctx context.Context, runs []shard.NewRun, whole bool) ([]submitted, error) {
	if err := t.connected(ctx); err != nil {
		return nil, err
	}
	request := &wire.SubmitRequest{Runs: outline.RunsToWire(runs, shard.Parent{}), AllOrNothing: whole}
	response, err := t.engine.Submit(ctx, request)
	if err != nil {
		return nil, storedOrNot(received(err))
	}
	return answers(response.Runs, len(runs))
}

// answers reads what came of each of n runs.
func answers(runs []*wire.Submitted, n int) ([]submitted, error) {
	if len(runs) != n {
		return nil, &Error{Kind: KindInternal, Text: "engine answered another number of runs than it was given"}
	}
	all := make([]submitted, n)
	for i, r := range runs {
		all[i].id, all[i].existed = id.ID(r.RunId), r.Existed
		if r.Error != nil {
			all[i].err = fieldError(r.Error)
		}
	}
	return all, nil
}

func (t *grpcTransport) await(ctx context.Context) (outcomes, error) {
	stream, err := t.engine.Await(borne(ctx))
	if err != nil {
		return nil, received(err)
	}
	return grpcOutcomes{stream}, nil
}

type grpcOutcomes struct {
	stream grpc.BidiStreamingClient[wire.AwaitRequest, wire.AwaitResponse]
}

func (o grpcOutcomes) ask(ids []id.ID) error {
	return o.stream.Send(&wire.AwaitRequest{RunIds: wireIDs(ids)})
}

func (o grpcOutcomes) recv() ([]shard.Outcome, error) {
	response, err := o.stream.Recv()
	if err != nil {
		return nil, received(err)
	}
	all := make([]shard.Outcome, len(response.Outcomes))
	for i, one := range response.Outcomes {
		all[i] = shard.Outcome{
			ID: id.ID(one.RunId), Status: endStatuses[one.Status],
			Attempt: one.Attempt, Error: one.Error, Output: one.Output,
		}
	}
	return all, nil
}

func (o grpcOutcomes) close() { _ = o.stream.CloseSend() }

var endStatuses = map[wire.Status]core.Status{
	wire.Status_STATUS_SUCCEEDED: core.Succeeded,
	wire.Status_STATUS_FAILED:    core.Failed,
	wire.Status_STATUS_CANCELLED: core.Cancelled,
}

func (t *grpcTransport) spawn(ctx context.Context, parent shard.Parent, children []shard.NewRun) ([]submitted, error) {
	response, err := t.engine.Submit(borne(ctx), &wire.SubmitRequest{Runs: outline.RunsToWire(children, parent), AllOrNothing: true})
	if err != nil {
		return nil, received(err) // to spawn again by the same keys is harmless
	}
	return answers(response.Runs, len(children))
}

func (t *grpcTransport) fork(ctx context.Context, run id.ID, index int32, input []byte) (id.ID, error) {
	if err := t.connected(ctx); err != nil {
		return 0, err
	}
	response, err := t.engine.Fork(ctx, &wire.ForkRequest{RunId: uint64(run), Index: index, Input: input})
	if err != nil {
		return 0, storedOrNot(received(err))
	}
	return id.ID(response.RunId), nil
}

func (t *grpcTransport) value(ctx context.Context, run id.ID, name string) ([]byte, error) {
	response, err := t.engine.GetValue(ctx, &wire.GetValueRequest{RunId: uint64(run), Name: name})
	if err != nil || !response.Found {
		return nil, received(err)
	}
	return response.Data, nil
}

func (t *grpcTransport) cancel(ctx context.Context, ids []id.ID, reason string, tree bool) ([]shard.Cancelled, error) {
	response, err := t.engine.Cancel(ctx, &wire.CancelRequest{RunIds: wireIDs(ids), Reason: reason, Tree: tree})
	if err != nil {
		return nil, received(err) // to cancel again is harmless
	}
	all := make([]shard.Cancelled, len(response.Runs))
	for i, r := range response.Runs {
		all[i] = cancelOutcomes[r.Outcome]
	}
	return all, nil
}

var cancelOutcomes = map[wire.Cancelled_Outcome]shard.Cancelled{
	wire.Cancelled_OUTCOME_UNSPECIFIED: shard.CancelUnknown,
	wire.Cancelled_OUTCOME_CANCELLED:   shard.CancelDone,
	wire.Cancelled_OUTCOME_STOPPING:    shard.CancelStopping,
	wire.Cancelled_OUTCOME_ENDED:       shard.CancelEnded,
}

func (t *grpcTransport) replay(ctx context.Context, ids []id.ID, fromFailed bool) ([]id.ID, error) {
	if err := t.connected(ctx); err != nil {
		return nil, err
	}
	response, err := t.engine.Replay(ctx, &wire.ReplayRequest{RunIds: wireIDs(ids), FromFailed: fromFailed})
	if err != nil {
		return nil, storedOrNot(received(err))
	}
	return stored(response.Runs, len(ids))
}

// stored are the ids of n runs, of which none may be refused.
func stored(runs []*wire.Submitted, n int) ([]id.ID, error) {
	all, err := answers(runs, n)
	if err != nil {
		return nil, err
	}
	ids := make([]id.ID, n)
	for i, a := range all {
		if a.err != nil {
			return nil, a.err
		}
		ids[i] = a.id
	}
	return ids, nil
}

func (t *grpcTransport) refresh(ctx context.Context, task id.ID, token core.Token, byMS int64) (core.Time, error) {
	response, err := t.engine.RefreshTimeout(borne(ctx), &wire.RefreshTimeoutRequest{
		TaskId: uint64(task), Token: uint64(token), ByMs: byMS,
	})
	if err != nil {
		return 0, received(err) // to refresh twice is harmless
	}
	return core.Time(response.DeadlineMs), nil
}

func wireIDs(ids []id.ID) []uint64 {
	all := make([]uint64, len(ids))
	for i, one := range ids {
		all[i] = uint64(one)
	}
	return all
}

// connected waits until there is a connection, so that a call which must not be
// repeated does not start without one. It fails when the first try does.
func (t *grpcTransport) connected(ctx context.Context) error {
	patient, stop := context.WithTimeout(ctx, dialPatience)
	defer stop()
	for {
		state := t.connection.GetState()
		if state == connectivity.Ready {
			return nil
		}
		t.connection.Connect()
		if !t.connection.WaitForStateChange(patient, state) {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			return &Error{Kind: KindUnavailable, Text: "no connection to the engine at " + t.connection.Target() + "; nothing was sent"}
		}
	}
}
