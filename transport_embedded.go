package adze

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/embed"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Embed makes a client of an engine that runs in this process. It serves package
// adzetest and the adze binary; programs use [Open].
func Embed(engine embed.Engine, log *slog.Logger) *Client {
	return newClient(&embeddedTransport{engine}, log)
}

// embeddedTransport calls an engine in this process. What comes in is checked as at
// any edge.
type embeddedTransport struct{ embed.Engine }

func (t *embeddedTransport) close() error { return t.Close() }

func (t *embeddedTransport) define(ctx context.Context, workflows []shard.Workflow) error {
	definitions, _, err := admit.Definitions(workflows)
	if err != nil {
		return publicError(err)
	}
	_, err = t.Shards.Define(ctx, t.Tenant, definitions)
	return publicError(err)
}

func (t *embeddedTransport) workflow(ctx context.Context, name string) (*shard.Workflow, error) {
	response, err := t.Reader.GetWorkflow(ctx, t.Tenant, &wire.GetWorkflowRequest{Name: name})
	if err != nil {
		return nil, publicError(err)
	}
	return &outline.FromWire([]*wire.Workflow{response.Workflow})[0], nil
}

func (t *embeddedTransport) submit(ctx context.Context, runs []shard.NewRun, whole bool) ([]submitted, error) {
	answers, err := t.Limits.Submit(ctx, t.Shards, t.Tenant, runs, whole, shard.WaitForRoom)
	if err != nil {
		return nil, storedOrNot(publicError(err))
	}
	return submittedAs(answers), nil
}

func (t *embeddedTransport) attach(ctx context.Context, hello shard.Hello) (shard.Session, error) {
	if err := admit.Hello(&hello); err != nil {
		return nil, publicError(err)
	}
	session, err := t.Shards.Attach(ctx, t.Tenant, hello)
	if err != nil {
		return nil, publicError(err)
	}
	return &embeddedSession{session, t.Limits}, nil
}

// embeddedSession checks what a worker reports.
type embeddedSession struct {
	shard.Session
	limits admit.Limits
}

func (s *embeddedSession) Relabel(ctx context.Context, labels map[string]string) error {
	if err := admit.Labels(labels); err != nil {
		return publicError(err)
	}
	return s.Session.Relabel(ctx, labels)
}

func (s *embeddedSession) Report(ctx context.Context, items []core.ReportItem, spawns ...shard.EntrySpawn) error {
	next := spawns
	for i := range items {
		var spawn []shard.NewRun
		if len(next) > 0 && next[0].Item == i {
			spawn, next = next[0].Runs, next[1:]
		}
		if err := s.limits.Report(&items[i], spawn); err != nil {
			return publicError(err)
		}
	}
	spawns = slices.DeleteFunc(spawns, func(s shard.EntrySpawn) bool { return items[s.Item].Kind != core.ReportEntry })
	return publicError(s.Session.Report(ctx, items, spawns...))
}

func (s *embeddedSession) Emit(ctx context.Context, lines []core.LogLine, chunks []core.Chunk) error {
	for i := range lines {
		if err := admit.Line(&lines[i]); err != nil {
			return publicError(err)
		}
	}
	for i := range chunks {
		if err := admit.Chunk(&chunks[i]); err != nil {
			return publicError(err)
		}
	}
	return publicError(s.Session.Emit(ctx, lines, chunks))
}

func (s *embeddedSession) Recv(ctx context.Context) (shard.Down, error) {
	down, err := s.Session.Recv(ctx)
	return down, publicError(err)
}

func (t *embeddedTransport) spawn(ctx context.Context, parent shard.Parent, children []shard.NewRun) ([]submitted, error) {
	tenant, err := t.bearer(ctx)
	if err != nil {
		return nil, err
	}
	answers, err := t.Limits.Spawn(ctx, t.Shards, tenant, parent, children, shard.WaitForRoom)
	if err != nil {
		return nil, publicError(err)
	}
	return submittedAs(answers), nil
}

func submittedAs(answers []admit.Submitted) []submitted {
	all := make([]submitted, len(answers))
	for i, a := range answers {
		all[i] = submitted{id: a.ID, existed: a.Existed, err: publicError(a.Err)}
	}
	return all
}

func (t *embeddedTransport) fork(ctx context.Context, run id.ID, index int32, input []byte) (id.ID, error) {
	input, err := t.Limits.Fork(index, input)
	if err != nil {
		return 0, publicError(err)
	}
	fresh, err := t.Shards.Fork(ctx, t.Tenant, run, index, input)
	return fresh, storedOrNot(publicError(err))
}

func (t *embeddedTransport) value(ctx context.Context, run id.ID, name string) ([]byte, error) {
	if err := admit.ValueName(name); err != nil {
		return nil, publicError(err)
	}
	value, err := t.Shards.Value(ctx, t.Tenant, run, name)
	if err != nil || value.Task == 0 {
		return nil, publicError(err)
	}
	return value.Data, nil
}

func (t *embeddedTransport) cancel(ctx context.Context, ids []id.ID, reason string, tree bool) ([]shard.Cancelled, error) {
	if err := admit.Reason(reason); err != nil {
		return nil, publicError(err)
	}
	answers, err := t.Shards.Cancel(ctx, t.Tenant, ids, reason, tree)
	return answers, publicError(err)
}

func (t *embeddedTransport) replay(ctx context.Context, ids []id.ID, fromFailed bool) ([]id.ID, error) {
	fresh, err := t.Shards.Replay(ctx, t.Tenant, ids, fromFailed)
	return fresh, storedOrNot(publicError(err))
}

func (t *embeddedTransport) refresh(ctx context.Context, task id.ID, token core.Token, byMS int64) (core.Time, error) {
	if err := admit.Refresh(byMS); err != nil {
		return 0, publicError(err)
	}
	tenant, err := t.bearer(ctx)
	if err != nil {
		return 0, err
	}
	deadline, err := t.Shards.Refresh(ctx, tenant, core.Refresh{Task: task, Token: token, ByMS: byMS})
	return deadline, publicError(err)
}

func (t *embeddedTransport) get(ctx context.Context, run id.ID, task string) (*RunInfo, error) {
	response, err := t.Reader.GetRun(ctx, t.Tenant, getRequest(run, task))
	if err != nil {
		return nil, publicError(err)
	}
	return runDetails(response), nil
}

func (t *embeddedTransport) list(ctx context.Context, f Filter, before id.ID, limit int) ([]RunInfo, id.ID, error) {
	request, err := listRequest(f, before, limit)
	if err != nil {
		return nil, 0, err
	}
	response, err := t.Reader.ListRuns(ctx, t.Tenant, request)
	if err != nil {
		return nil, 0, publicError(err)
	}
	return runPage(response), id.ID(response.NextBefore), nil
}

func (t *embeddedTransport) await(ctx context.Context) (outcomes, error) {
	return &embeddedOutcomes{t: t, ctx: ctx, ready: make(chan struct{}, 1)}, nil
}

// embeddedOutcomes gathers what the engine delivers until it is received.
type embeddedOutcomes struct {
	t   *embeddedTransport
	ctx context.Context

	mu    sync.Mutex
	came  []shard.Outcome
	ready chan struct{} // one value: came is not empty
}

func (o *embeddedOutcomes) ask(ids []id.ID) error {
	tenant, err := o.t.bearer(o.ctx)
	if err != nil {
		return err
	}
	return publicError(o.t.Shards.Await(o.ctx, tenant, ids, o.deliver))
}

func (o *embeddedOutcomes) deliver(one shard.Outcome) {
	o.mu.Lock()
	o.came = append(o.came, one)
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

func (o *embeddedOutcomes) recv() ([]shard.Outcome, error) {
	select {
	case <-o.ready:
		o.mu.Lock()
		defer o.mu.Unlock()
		came := o.came
		o.came = nil
		return came, nil
	case <-o.ctx.Done():
		return nil, o.ctx.Err()
	}
}

// close has nothing to do: the context of await ends what was asked.
func (o *embeddedOutcomes) close() {}
