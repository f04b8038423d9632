package server_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/server"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func TestRunGoesFromSubmitToResult(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "w")
	run := b.submit(t, b.ctx, &wire.NewRun{
		Workflow: "w", Input: []byte(`{"n":1}`), Metadata: []byte(`{"who":"me"}`), Priority: 5,
	})[0].RunId
	b.see(t, run, wire.Status_STATUS_QUEUED)

	w := b.work(t, b.ctx, "w", 1)
	a := w.take(t, 1)[0]
	require.Equal(t, run, a.TaskId)
	require.Equal(t, "w", a.Workflow)
	require.Equal(t, "w", a.Action)
	require.Equal(t, `{"n":1}`, string(a.Input))
	require.Equal(t, `{"who":"me"}`, string(a.Metadata))
	require.EqualValues(t, 1, a.Attempt)
	require.EqualValues(t, 1, b.see(t, run, wire.Status_STATUS_RUNNING).Attempt)

	w.report(t, completed(a, `"done"`))
	outcome := b.await(t, b.ctx, run)[run]
	require.Equal(t, wire.Status_STATUS_SUCCEEDED, outcome.Status)
	require.Equal(t, `"done"`, string(outcome.Output))
	ended := b.see(t, run, wire.Status_STATUS_SUCCEEDED)
	require.Equal(t, `"done"`, string(ended.Output))
	require.Equal(t, `{"n":1}`, string(ended.Input))
	require.NotZero(t, ended.FinishedMs)
}

// see reads a run and asserts its status, alone and in a list.
func (b *bundle) see(t *testing.T, run uint64, want wire.Status) *wire.Run {
	t.Helper()
	one, err := b.client.GetRun(b.ctx, &wire.GetRunRequest{RunId: run, Payloads: true})
	require.NoError(t, err)
	require.Equal(t, want, one.Run.Status)
	list, err := b.client.ListRuns(b.ctx, &wire.ListRunsRequest{Statuses: []wire.Status{want}})
	require.NoError(t, err)
	require.Len(t, list.Runs, 1)
	require.Equal(t, run, list.Runs[0].RunId)
	return one.Run
}

func TestListPagesThroughAllRunsNewestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "w")
	var want []uint64
	for i := range 25 {
		answer := b.submit(t, b.ctx, &wire.NewRun{Workflow: "w", DelayMs: int64(i%2) * 3_600_000})[0]
		want = append([]uint64{answer.RunId}, want...)
	}
	var got []uint64
	delayed := 0
	for before := uint64(0); ; {
		page, err := b.client.ListRuns(b.ctx, &wire.ListRunsRequest{Before: before, Limit: 10})
		require.NoError(t, err)
		for _, r := range page.Runs {
			got = append(got, r.RunId)
			if r.Status == wire.Status_STATUS_DELAYED {
				delayed++
			}
		}
		if before = page.NextBefore; before == 0 {
			break
		}
	}
	require.Equal(t, want, got)
	require.Equal(t, 12, delayed)
}

func TestManyResultsComeOnOneStream(t *testing.T) {
	t.Parallel()
	const n = 2_000
	b := setup(t)
	b.define(t, b.ctx, "w")
	var runs []uint64
	for range n / 1_000 {
		batch := make([]*wire.NewRun, 1_000)
		for i := range batch {
			batch[i] = &wire.NewRun{Workflow: "w"}
		}
		for _, answer := range b.submit(t, b.ctx, batch...) {
			runs = append(runs, answer.RunId)
		}
	}
	w := b.work(t, b.ctx, "w", 100)
	go func() {
		for {
			m, err := w.stream.Recv()
			if err != nil {
				return
			}
			up := &wire.WorkerMessage{}
			for _, a := range m.Assignments {
				up.Reports = append(up.Reports, completed(a, fmt.Sprint(a.TaskId)))
			}
			if w.stream.Send(up) != nil {
				return
			}
		}
	}()
	outcomes := b.await(t, b.ctx, runs...)
	require.Len(t, outcomes, n)
	for _, run := range runs {
		require.Equal(t, fmt.Sprint(run), string(outcomes[run].Output))
	}
}

func TestRunsOutliveTheEngine(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	b := setupOn(t, url)
	b.define(t, b.ctx, "w")
	run := b.submit(t, b.ctx, &wire.NewRun{Workflow: "w", Input: []byte("1")})[0].RunId
	require.NoError(t, b.stop())

	b = setupOn(t, url)
	w := b.work(t, b.ctx, "w", 1)
	a := w.take(t, 1)[0]
	require.Equal(t, run, a.TaskId)
	require.Equal(t, "1", string(a.Input))
	w.report(t, completed(a, "2"))
	require.Equal(t, "2", string(b.await(t, b.ctx, run)[run].Output))
}

func TestStopEndsOpenStreamsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "w")
	run := b.submit(t, b.ctx, &wire.NewRun{Workflow: "w"})[0].RunId
	w := b.work(t, b.ctx, "w", 1)
	w.take(t, 1)
	awaiting, err := b.client.Await(b.ctx)
	require.NoError(t, err)
	require.NoError(t, awaiting.Send(&wire.AwaitRequest{RunIds: []uint64{run}}))

	began := time.Now()
	require.NoError(t, b.stop())
	require.Less(t, time.Since(began), 4*time.Second)
	_, err = w.stream.Recv()
	require.ErrorContains(t, err, "connect again")
	_, err = awaiting.Recv()
	require.ErrorContains(t, err, "connect again")
}

func TestLostShardStopsTheEngineWithAReason(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	engine, err := server.OpenEngine(t.Context(), server.EngineConfig{DatabaseURL: url, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(context.Background()) }()
	require.NoError(t, engine.Ready(t.Context()))

	_, err = engine.Pool().Exec(t.Context(), "update adze.shard_lease set epoch = epoch + 1, owner = 1 where shard = 3")
	require.NoError(t, err)
	select {
	case err := <-ended:
		require.ErrorContains(t, err, "shard 3 has another owner")
	case <-time.After(patience):
		t.Fatal("the engine went on")
	}
}

func TestSecondEngineIsToldWhoIsInTheWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := server.OpenEngine(t.Context(), server.EngineConfig{
		DatabaseURL: b.url, LeaseWait: time.Second, Log: slog.New(slog.DiscardHandler),
	})
	require.Equal(t, fault.Conflict, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "another engine serves this database")
}

func TestHTTPTellsReadinessAndMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready", "/": b.GRPCAddr(), "/metrics": "adze_shard_tasks",
	} {
		response, err := http.Get(b.HTTPURL() + path)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, path)
		require.Contains(t, string(body), want)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]server.Config{
		"database-url":    {},
		"tls-cert":        {DatabaseURL: "x", TLSCert: "x"},
		"input-bytes-max": {DatabaseURL: "x", InputBytesMax: 1 << 30},
	} {
		_, err := server.Open(t.Context(), c, "test", slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, field)
	}
}
