package server_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/record/tenant"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// fieldOf is the FieldError that err carries.
func fieldOf(t *testing.T, err error) *wire.FieldError {
	t.Helper()
	for _, detail := range status.Convert(err).Details() {
		if f, ok := detail.(*wire.FieldError); ok {
			return f
		}
	}
	t.Fatalf("error without a field: %v", err)
	return nil
}

func TestBadRunNamesItsFieldAndStoresNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "known")
	before := b.rows(t)
	for name, c := range map[string]struct {
		run         *wire.NewRun
		field, kind string
	}{
		"unknown workflow":   {&wire.NewRun{Workflow: "nobody"}, "workflow", "not_found"},
		"no workflow":        {&wire.NewRun{}, "workflow", "invalid"},
		"not JSON":           {&wire.NewRun{Workflow: "known", Input: []byte("{")}, "input", "invalid"},
		"too large":          {&wire.NewRun{Workflow: "known", Input: bytes.Repeat([]byte("1"), 1_001)}, "input", "invalid"},
		"NUL":                {&wire.NewRun{Workflow: "known", Input: []byte(`"\u0000"`)}, "input", "invalid"},
		"priority too high":  {&wire.NewRun{Workflow: "known", Priority: 1_001}, "priority", "invalid"},
		"negative delay":     {&wire.NewRun{Workflow: "known", DelayMs: -1}, "delay_ms", "invalid"},
		"metadata no object": {&wire.NewRun{Workflow: "known", Metadata: []byte("1")}, "metadata", "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := b.submit(t, b.ctx, c.run)[0]
			require.Zero(t, answer.RunId)
			require.Equal(t, c.field, answer.Error.Field)
			require.Equal(t, c.kind, answer.Error.Kind)

			_, err := b.client.Submit(b.ctx, &wire.SubmitRequest{
				AllOrNothing: true, Runs: []*wire.NewRun{{Workflow: "known"}, c.run},
			})
			require.Equal(t, "runs[1]."+c.field, fieldOf(t, err).Field)
			require.Equal(t, c.kind, fieldOf(t, err).Kind)
		})
	}
	require.Equal(t, before, b.rows(t))
}

func TestBadCallNamesItsFieldAndStoresNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "known")
	before := b.rows(t)
	put := func(workflows ...*wire.Workflow) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.client.PutWorkflows(ctx, &wire.PutWorkflowsRequest{Workflows: workflows})
			return err
		}
	}
	good := &wire.Workflow{Name: "good", Tasks: []*wire.Task{{}}}
	for name, c := range map[string]struct {
		call  func(context.Context) error
		code  codes.Code
		field string
	}{
		"no runs": {func(ctx context.Context) error {
			_, err := b.client.Submit(ctx, &wire.SubmitRequest{})
			return err
		}, codes.InvalidArgument, "runs"},
		"too many runs": {func(ctx context.Context) error {
			runs := make([]*wire.NewRun, 1_001)
			for i := range runs {
				runs[i] = &wire.NewRun{Workflow: "known"}
			}
			_, err := b.client.Submit(ctx, &wire.SubmitRequest{Runs: runs})
			return err
		}, codes.InvalidArgument, "runs"},
		"no task":             {put(good, &wire.Workflow{Name: "w"}), codes.InvalidArgument, "workflows[1].tasks"},
		"two tasks of a name": {put(good, &wire.Workflow{Name: "w", Tasks: []*wire.Task{{}, {}}}), codes.InvalidArgument, "workflows[1].tasks[1].name"},
		"a cycle": {
			put(good, &wire.Workflow{Name: "w", Tasks: []*wire.Task{
				{Name: "a", Parents: []string{"b"}}, {Name: "b", Parents: []string{"a"}},
			}}), codes.InvalidArgument, "workflows[1].tasks[0].parents",
		},
		"a condition that is none": {
			put(good, &wire.Workflow{Name: "w", Tasks: []*wire.Task{
				{Name: "a"},
				{Name: "b", Parents: []string{"a"}, SkipIf: []*wire.Condition{{Parent: "a", Expression: "1 +"}}},
			}}), codes.InvalidArgument, "workflows[1].tasks[1].skip_if[0].expression",
		},
		"a clash": {
			put(good, &wire.Workflow{Name: "good", Tasks: []*wire.Task{{Retries: 1}}}),
			codes.AlreadyExists, "workflows[1].name",
		},
		"too many retries": {
			put(&wire.Workflow{Name: "w", Tasks: []*wire.Task{{Retries: 1_001}}}),
			codes.InvalidArgument, "workflows[0].tasks[0].retries",
		},
		"long reason": {func(ctx context.Context) error {
			_, err := b.client.Cancel(ctx, &wire.CancelRequest{RunIds: []uint64{1}, Reason: strings.Repeat("x", 1_025)})
			return err
		}, codes.InvalidArgument, "reason"},
		"replay of nothing": {func(ctx context.Context) error {
			_, err := b.client.Replay(ctx, &wire.ReplayRequest{RunIds: []uint64{1}})
			return err
		}, codes.NotFound, "run_ids[0]"},
		"an unknown run": {func(ctx context.Context) error {
			_, err := b.client.GetRun(ctx, &wire.GetRunRequest{RunId: 1})
			return err
		}, codes.NotFound, "run_id"},
		"a large page": {func(ctx context.Context) error {
			_, err := b.client.ListRuns(ctx, &wire.ListRunsRequest{Limit: 1_001})
			return err
		}, codes.InvalidArgument, "limit"},
		"a worker of nothing": {func(ctx context.Context) error {
			stream, err := b.client.Work(ctx)
			require.NoError(t, err)
			require.NoError(t, stream.Send(&wire.WorkerMessage{Hello: &wire.Hello{Slots: 1}}))
			_, err = stream.Recv()
			return err
		}, codes.InvalidArgument, "hello.actions"},
		"a worker without hello": {func(ctx context.Context) error {
			stream, err := b.client.Work(ctx)
			require.NoError(t, err)
			require.NoError(t, stream.Send(&wire.WorkerMessage{}))
			_, err = stream.Recv()
			return err
		}, codes.InvalidArgument, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.call(b.ctx)
			require.Equal(t, c.code, status.Code(err), "%v", err)
			require.Equal(t, c.field, fieldOf(t, err).Field)
			require.NotEmpty(t, fieldOf(t, err).Text)
		})
	}
	require.Equal(t, before, b.rows(t))
}

func TestOneBadRunLeavesTheOthersStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "known")
	answers := b.submit(t, b.ctx,
		&wire.NewRun{Workflow: "known"}, &wire.NewRun{Workflow: "nobody"},
		&wire.NewRun{Workflow: "known", Input: []byte("{")}, &wire.NewRun{Workflow: "known"})
	require.NotZero(t, answers[0].RunId)
	require.Equal(t, "workflow", answers[1].Error.Field)
	require.Equal(t, "input", answers[2].Error.Field)
	require.Greater(t, answers[3].RunId, answers[0].RunId)
	require.Equal(t, 2, b.rows(t)["task"])
}

func TestCallWithoutAGoodTokenIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.rows(t)
	now := time.Now()
	sign := func(secret []byte, g auth.Grant) string {
		token, err := auth.Sign(secret, g)
		require.NoError(t, err)
		return token
	}
	grant := auth.Grant{Token: uuid.New(), Tenant: tenant.DefaultUUID, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	past := grant
	past.IssuedAt, past.ExpiresAt = now.Add(-2*time.Hour), now.Add(-time.Hour)
	secret, err := tenant.SigningKey(t.Context(), b.pool, nil)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		ctx  context.Context
		text string
	}{
		"no token":        {t.Context(), "no token"},
		"no bearer":       {metadata.AppendToOutgoingContext(t.Context(), "authorization", "secret"), "bearer"},
		"not a token":     {b.as(t, "nonsense"), "malformed"},
		"wrong signature": {b.as(t, sign(make([]byte, 32), grant)), "signature"},
		"never issued":    {b.as(t, sign(secret, grant)), "unknown"},
		"expired":         {b.as(t, sign(secret, past)), "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.client.Submit(c.ctx, &wire.SubmitRequest{Runs: []*wire.NewRun{{Workflow: "w"}}})
			require.Equal(t, codes.Unauthenticated, status.Code(err))
			require.ErrorContains(t, err, c.text)

			stream, err := b.client.Work(c.ctx)
			require.NoError(t, err)
			_, err = stream.Recv()
			require.Equal(t, codes.Unauthenticated, status.Code(err))
		})
	}
	require.Equal(t, before, b.rows(t))
}

func TestAnotherTenantsRunsDoNotExist(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.as(t, b.token(t, "other", time.Hour))
	b.define(t, b.ctx, "w")
	run := b.submit(t, b.ctx, &wire.NewRun{Workflow: "w"})[0].RunId

	_, err := b.client.GetRun(other, &wire.GetRunRequest{RunId: run})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, err = b.client.Replay(other, &wire.ReplayRequest{RunIds: []uint64{run}})
	require.Equal(t, codes.NotFound, status.Code(err))
	cancelled, err := b.client.Cancel(other, &wire.CancelRequest{RunIds: []uint64{run}})
	require.NoError(t, err)
	require.Equal(t, wire.Cancelled_OUTCOME_UNSPECIFIED, cancelled.Runs[0].Outcome)
	require.Equal(t, wire.Status_STATUS_UNSPECIFIED, b.await(t, other, run)[run].Status)
	page, err := b.client.ListRuns(other, &wire.ListRunsRequest{})
	require.NoError(t, err)
	require.Empty(t, page.Runs)
	require.Equal(t, "workflow", b.submit(t, other, &wire.NewRun{Workflow: "w"})[0].Error.Field)

	// A worker of the other tenant with the same action gets nothing of it.
	b.define(t, other, "w")
	theirs := b.submit(t, other, &wire.NewRun{Workflow: "w", Input: []byte(`"theirs"`)})[0].RunId
	w := b.work(t, other, "w", 10)
	require.Equal(t, theirs, w.take(t, 1)[0].TaskId)

	got, err := b.client.GetRun(b.ctx, &wire.GetRunRequest{RunId: run})
	require.NoError(t, err)
	require.Equal(t, wire.Status_STATUS_QUEUED, got.Run.Status)

	// Nor can it report, or move the deadline of, what it guesses.
	ours := b.work(t, b.ctx, "w", 1).take(t, 1)[0]
	w.report(t, completed(ours, `"stolen"`))
	_, err = b.client.RefreshTimeout(other, &wire.RefreshTimeoutRequest{TaskId: ours.TaskId, Token: ours.Token, ByMs: 1_000})
	require.Error(t, err)
	for settled := false; !settled; {
		m, err := w.stream.Recv()
		require.NoError(t, err)
		for _, s := range m.Settled {
			require.True(t, s.Stale)
			settled = true
		}
	}
	got, err = b.client.GetRun(b.ctx, &wire.GetRunRequest{RunId: run})
	require.NoError(t, err)
	require.Equal(t, wire.Status_STATUS_RUNNING, got.Run.Status)
}
