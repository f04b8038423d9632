package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/admit"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// failed submits n runs of a workflow of one task and has them fail.
func (b *bundle) failed(t *testing.T, workflow string, n int) []uint64 {
	t.Helper()
	news := make([]*wire.NewRun, n)
	for i := range news {
		news[i] = &wire.NewRun{Workflow: workflow, Input: []byte("1")}
	}
	var ids []uint64
	for _, one := range b.submit(t, b.ctx, news...) {
		ids = append(ids, one.RunId)
	}
	w := b.work(t, b.ctx, workflow, int32(n))
	for i, a := range w.take(t, n) {
		w.report(t, &wire.Report{
			TaskId: a.TaskId, Token: a.Token, Attempt: a.Attempt,
			Kind: wire.Report_KIND_FAILED, NonRetryable: true, Error: fmt.Sprint("no account ", i),
		})
	}
	b.await(t, b.ctx, ids...)
	w.hangUp()
	return ids
}

// replayed counts replays, and the runs that they repeat.
func (b *bundle) replayed(t *testing.T) (replays, runs int) {
	t.Helper()
	require.NoError(t, b.pool.QueryRow(t.Context(), `
		select count(*), count(distinct replay_of)
		from (select replay_of from adze.task union all select replay_of from adze.run) as r
		where replay_of is not null`).Scan(&replays, &runs))
	return replays, runs
}

func TestWhoRedrivesAtTheSameTimeReplaysEachRunOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "charge")
	const n = 450 // batches of a call, and a last one that is not full
	b.failed(t, "charge", n)
	answers := make([]*wire.RedriveResponse, 4)
	var callers sync.WaitGroup
	for i := range answers {
		callers.Go(func() {
			var err error
			if answers[i], err = b.client.Redrive(b.ctx, &wire.RedriveRequest{Workflow: "charge"}); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	total := 0
	for _, a := range answers {
		require.Equal(t, n, len(a.Runs)+int(a.Skipped))
		total += len(a.Runs)
	}
	require.Equal(t, n, total)
	replays, runs := b.replayed(t)
	require.Equal(t, n, replays)
	require.Equal(t, n, runs)
}

func TestARedriveThatWasBrokenOffMayBeRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "charge")
	const n = 600
	b.failed(t, "charge", n)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		ctx, cancel := context.WithTimeout(b.ctx, time.Duration(random.IntN(15_000))*time.Microsecond)
		_, err := b.client.Redrive(ctx, &wire.RedriveRequest{Workflow: "charge", Limit: 150})
		cancel()
		require.Contains(t, []codes.Code{codes.OK, codes.DeadlineExceeded}, status.Code(err))
	}
	for before := uint64(0); ; {
		a, err := b.client.Redrive(b.ctx, &wire.RedriveRequest{Workflow: "charge", Limit: 150, Before: before})
		require.NoError(t, err)
		if before = a.NextBefore; before == 0 {
			break
		}
	}
	replays, runs := b.replayed(t)
	require.Equal(t, n, replays)
	require.Equal(t, n, runs)
}

func TestARedriveGoesOnWithTheNextEngine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "charge")
	const n = 900
	b.failed(t, "charge", n)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = b.client.Redrive(b.ctx, &wire.RedriveRequest{Workflow: "charge"}) // the engine goes away in the middle
	}()
	require.Eventually(t, func() bool {
		replays, _ := b.replayed(t)
		return replays > 0
	}, patience, time.Millisecond)
	require.NoError(t, b.stop())
	<-ended

	b = setupOn(t, b.url)
	a, err := b.client.Redrive(b.ctx, &wire.RedriveRequest{Workflow: "charge"})
	require.NoError(t, err)
	require.Positive(t, a.Skipped)
	replays, runs := b.replayed(t)
	require.Equal(t, n, replays)
	require.Equal(t, n, runs)
}

func TestARunThatCannotBeReplayedLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "charge")
	old := b.failed(t, "charge", 2)
	replay := func() *wire.RedriveResponse {
		a, err := b.client.Redrive(b.ctx, &wire.RedriveRequest{Workflow: "charge", FromFailed: true})
		require.NoError(t, err)
		return a
	}
	b.put(t, &wire.Task{WaitFor: []*wire.Condition{{Event: "paid", Scope: "input.account"}}})
	a := replay()
	require.Len(t, a.Runs, 2)
	for i, run := range a.Runs {
		require.Equal(t, old[i], run.ReplayOf, "the oldest first")
		require.Zero(t, run.RunId)
		require.Equal(t, "invalid", run.Error.Kind)
	}
	b.put(t, &wire.Task{WaitFor: []*wire.Condition{{Event: "paid"}}}) // the runs are those of a graph now
	a = replay()
	require.Len(t, a.Runs, 2)
	require.NotZero(t, a.Runs[0].RunId)
	require.EqualValues(t, 2, replay().Skipped)
}

// put registers charge with one task.
func (b *bundle) put(t *testing.T, task *wire.Task) {
	t.Helper()
	_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{
		Workflows: []*wire.Workflow{{Name: "charge", Tasks: []*wire.Task{task}}},
	})
	require.NoError(t, err)
}

func TestAnotherTenantsFailuresAreNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "charge")
	b.failed(t, "charge", 3)
	other := b.as(t, b.token(t, "other", time.Hour))
	list, err := b.client.ListFailures(other, &wire.ListFailuresRequest{})
	require.NoError(t, err)
	require.Empty(t, list.Groups)
	a, err := b.client.Redrive(other, &wire.RedriveRequest{Workflow: "charge"})
	require.NoError(t, err)
	require.Empty(t, a.Runs)

	list, err = b.client.ListFailures(b.ctx, &wire.ListFailuresRequest{Workflow: "charge"})
	require.NoError(t, err)
	require.Len(t, list.Groups, 1)
	require.EqualValues(t, 3, list.Groups[0].Runs)
	_, err = b.client.Redrive(b.ctx, &wire.RedriveRequest{Workflow: "charge", Limit: admit.RedriveRunsMax + 1})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	_, err = b.client.ListFailures(b.ctx, &wire.ListFailuresRequest{Fingerprint: 1 << 63})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}
