package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/internal/base/fingerprint"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/journal"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
}

const waitMax = 20 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// bundle is a journal that runs on a database of its own, with shard 7 leased
// under epoch 1.
type bundle struct {
	t       *testing.T
	pool    *pgxpool.Pool // for what the test asks
	journal *journal.Journal
	ids     *id.Source
	stop    func() // ends Run and waits for it
}

const shard, epoch = int32(7), int64(1)

func setup(t *testing.T) *bundle {
	t.Helper()
	pool := pgtest.Open(t)
	b := &bundle{t: t, pool: pool, ids: id.NewSource(shard, 0)}
	b.lease(shard, epoch)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: quiet}).Pass(t.Context()))
	b.start(pool)
	return b
}

// start runs a journal on pool until the test ends, or stop is called.
func (b *bundle) start(pool *pgxpool.Pool) {
	b.journal = journal.New(pool, journal.Config{
		EnsurePartitions: keeper.New(b.pool, keeper.Config{Log: quiet}).EnsurePartitions,
		Log:              quiet,
	})
	b.stop = run(b.t, b.journal)
}

func run(t *testing.T, j *journal.Journal) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = j.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

func (b *bundle) count(sql string, args ...any) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), sql, args...).Scan(&n))
	return n
}

func (b *bundle) lease(shard int32, epoch int64) {
	b.t.Helper()
	b.exec(`insert into adze.shard_lease values ($1, $2, 1, now())
		on conflict (shard) do update set epoch = excluded.epoch`, shard, epoch)
}

func (b *bundle) task() core.NewTask {
	return core.NewTask{ID: b.ids.Next(time.Now().UnixMilli()), Tenant: 1, Version: 2, Input: core.Payload(`{"a":1}`)}
}

func (b *bundle) tasks(n int) []core.NewTask {
	tasks := make([]core.NewTask, n)
	for i := range tasks {
		tasks[i] = b.task()
	}
	return tasks
}

// append hands effects to the journal; what Done is told comes through the channel.
func (b *bundle) append(shard int32, epoch int64, e *core.Effects) <-chan error {
	done := make(chan error, 1)
	b.journal.Append(journal.Entry{Shard: shard, Epoch: epoch, Effects: e, Done: func(err error) { done <- err }})
	return done
}

func (b *bundle) submit(tasks ...core.NewTask) <-chan error {
	return b.append(shard, epoch, &core.Effects{Tasks: tasks})
}

func await(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(waitMax):
		require.FailNow(t, "journal did not answer")
		return nil
	}
}

func TestAllKindsOfRowsAreThereAfterTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.task()
	task.Key, task.Priority, task.ReplayOf, task.RunAt = "k", -3, 99, 1234
	task.Metadata = core.Payload(`{"m":1}`)
	open := core.OpenTask{
		ID: task.ID, Tenant: 1, Version: 2, Worker: 3, Token: 4, Due: 5, Assigned: 6,
		Priority: -3, Attempt: 2, Failures: 1, State: core.OpenRunning, Queue: "q", Key: "k",
	}
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
		Tasks: []core.NewTask{task},
		Results: []core.Result{
			{Task: task.ID, Tenant: 1, Status: core.Failed, Attempt: 2, Worker: 3, Assigned: 4, Started: 5, Finished: 6, Error: "bad\x00\xff"},
		},
		Attempts: []core.Attempt{
			{Task: task.ID, Tenant: 1, Number: 1, Outcome: core.AttemptLost, Worker: 3, Assigned: 4, Started: 5, Finished: 6, RetryAt: 7, Error: "gone"},
		},
		Moments: []core.Moment{
			{Task: task.ID, Tenant: 1, Worker: 3, Token: 4, At: 5, Deadline: 6, ByMS: 7, Attempt: 2, Kind: core.MomentPostponed},
		},
		Open:     []core.OpenTask{open},
		LowWater: task.ID,
	})))
	row := func(sql string) string {
		var got []byte
		require.NoError(t, b.pool.QueryRow(t.Context(), "select row_to_json(x) from ("+sql+") x").Scan(&got))
		return string(got)
	}
	require.JSONEq(t, fmt.Sprintf(`{"id":%d,"tenant_id":1,"version_id":2,"run_at":1234,"replay_of":99,"priority":-3,"key":"k","input":"{\"a\":1}","metadata":"{\"m\":1}"}`, task.ID),
		row("select id,tenant_id,version_id,run_at,replay_of,priority,key,convert_from(input,'UTF8') input,convert_from(metadata,'UTF8') metadata from adze.task"))
	require.JSONEq(t, fmt.Sprintf(`{"id":%d,"tenant_id":1,"worker_id":3,"assigned_at":4,"started_at":5,"finished_at":6,"attempt":2,"status":"failed","error":"bad\ufffd\ufffd","output":null,"verdicts":null,"fingerprint":%d,"suspensions":null}`, task.ID, fingerprint.Of("bad\ufffd\ufffd")),
		row("select * from adze.task_result"))
	require.JSONEq(t, fmt.Sprintf(`{"task_id":%d,"tenant_id":1,"worker_id":3,"assigned_at":4,"started_at":5,"finished_at":6,"retry_at":7,"number":1,"outcome":"lost","error":"gone"}`, task.ID),
		row("select * from adze.attempt"))
	require.JSONEq(t, fmt.Sprintf(`{"task_id":%d,"tenant_id":1,"token":4,"happened_at":5,"deadline":6,"worker_id":3,"by_ms":7,"assigned_at":null,"started_at":null,"attempt":2,"kind":"postponed"}`, task.ID),
		row("select * from adze.moment"))
	require.Equal(t, 1, b.count("select count(*) from adze.open_task where id = $1 and shard = $2 and state = 'running'", task.ID, shard))
	require.Equal(t, 1, b.count("select count(*) from adze.low_water where id = $1 and shard = $2", task.ID, shard))
}

func TestAllRowsOfARunOfAGraphAreThereAfterTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.task()
	b.ids = id.NewSource(shard, run.ID+2)
	run.Input = core.Payload("5")
	node := core.NewTask{ID: run.ID + 1, Tenant: 1, Version: 2, Run: run.ID}
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
		Runs:     []core.NewTask{run},
		Tasks:    []core.NewTask{node, b.task()},
		Open:     []core.OpenTask{{ID: node.ID, Run: run.ID, State: core.OpenReady}},
		OpenRuns: []core.OpenRun{{ID: run.ID, Tenant: 1, Version: 2}},
	})))
	require.Equal(t, 1, b.count("select count(*) from adze.run where id = $1 and input = '5'", run.ID))
	require.Equal(t, 1, b.count("select count(*) from adze.task where id = $1 and node = 0 and input = ''", node.ID))
	require.Equal(t, 1, b.count("select count(*) from adze.task where node is null"))
	require.Equal(t, 1, b.count("select count(*) from adze.open_task where id = $1 and node = 0", node.ID))
	require.Equal(t, 1, b.count("select count(*) from adze.open_run where id = $1 and shard = $2 and cancel = ''", run.ID, shard))

	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
		Results: []core.Result{
			{Task: node.ID, Tenant: 1, Run: run.ID, Status: core.Succeeded, Output: core.Payload("1"), Verdicts: []core.Verdict{{Node: 1, Skip: true}}},
			{Task: node.ID + 1, Tenant: 1, Run: run.ID, Node: 1, Status: core.Skipped},
		},
		RunResults: []core.RunResult{{Run: run.ID, Tenant: 1, Status: core.Succeeded, Finished: 7}},
		Closed:     []id.ID{node.ID},
		ClosedRuns: []id.ID{run.ID},
	})))
	require.Equal(t, 1, b.count("select count(*) from adze.task_result where id = $1 and verdicts = '{1,1}'", node.ID))
	require.Equal(t, 1, b.count("select count(*) from adze.task_result where id = $1 and status = 'skipped' and verdicts is null", node.ID+1))
	require.Equal(t, 1, b.count("select count(*) from adze.run_result where id = $1 and status = 'succeeded' and finished_at = 7", run.ID))
	require.Zero(t, b.count("select count(*) from adze.open_task"))
	require.Zero(t, b.count("select count(*) from adze.open_run"))
}

func TestAnEventIsThereWithTheRunsItStartedAfterTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	event := core.NewEvent{
		ID: b.task().ID, Tenant: 1, Target: 3, ReplayOf: 4, Priority: 5, Key: "user.created", Scope: "s",
		Warning: "w", Payload: core.Payload("6"), Metadata: core.Payload("{}"),
	}
	run := b.task()
	run.Event, run.Given = event.ID, core.Payload("9")
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
		Events:    []core.NewEvent{event},
		Tasks:     []core.NewTask{run},
		EventRuns: []core.EventRun{{Event: event.ID, Run: run.ID, Filter: 8}},
	})))
	require.Equal(t, 1, b.count(`select count(*) from adze.event where id = $1 and tenant_id = 1 and target_id = 3
		and replay_of = 4 and priority = 5 and key = 'user.created' and scope = 's'
		and warning = 'w' and payload = '6' and metadata = '{}'`, event.ID))
	require.Equal(t, 1, b.count("select count(*) from adze.event_run where event_id = $1 and run_id = $2 and filter_id = 8", event.ID, run.ID))
	require.Equal(t, 1, b.count("select count(*) from adze.task where id = $1 and event_id = $2 and given = '9'", run.ID, event.ID))
}

func TestEntriesAreDoneInTheirOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const entries = 500
	told := make(chan int, entries)
	for i := range entries {
		e := &core.Effects{}
		if i%3 != 0 { // some have nothing to write, and keep their place all the same
			e.Tasks = b.tasks(1)
		}
		b.journal.Append(journal.Entry{Shard: shard, Epoch: epoch, Effects: e, Done: func(error) { told <- i }})
	}
	for want := range entries {
		select {
		case got := <-told:
			require.Equal(t, want, got)
		case <-time.After(waitMax):
			require.FailNow(t, "journal did not answer")
		}
	}
}

// transactions tells in how many transactions the task rows were written.
const transactions = "select count(distinct xmin::text) from adze.task"

func TestWhatArrivesDuringAFlushIsOneTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, await(t, b.submit(b.task())))

	release := b.holdFence(shard)
	first := b.submit(b.task())
	b.awaitBlocked()
	var later []<-chan error
	for range 100 {
		later = append(later, b.submit(b.task()))
	}
	release()
	require.NoError(t, await(t, first))
	for _, done := range later {
		require.NoError(t, await(t, done))
	}
	require.Equal(t, 3, b.count(transactions))
	require.Equal(t, 102, b.count("select count(*) from adze.task"))
}

func TestABatchHasAtMostItsRowsAndAnEntryIsNeverSplit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	release := b.holdFence(shard)
	first := b.submit(b.task())
	b.awaitBlocked()
	done := []<-chan error{
		b.submit(b.tasks(1_999)...), b.submit(b.task()), // 2,000: one batch
		b.submit(b.task()),          // the next
		b.submit(b.tasks(5_000)...), // larger than a batch: one of its own
		b.submit(b.task()),
	}
	release()
	require.NoError(t, await(t, first))
	for _, d := range done {
		require.NoError(t, await(t, d))
	}
	require.Equal(t, 5, b.count(transactions))
	require.Equal(t, 7_003, b.count("select count(*) from adze.task"))
}

// holdFence keeps every batch for the shard waiting until release is called.
func (b *bundle) holdFence(shard int32) (release func()) {
	b.t.Helper()
	tx, err := b.pool.Begin(b.t.Context())
	require.NoError(b.t, err)
	_, err = tx.Exec(b.t.Context(), "select pg_advisory_xact_lock(1633974885, $1)", shard)
	require.NoError(b.t, err)
	return func() { require.NoError(b.t, tx.Rollback(b.t.Context())) }
}

// awaitBlocked waits until a batch waits at the fence.
func (b *bundle) awaitBlocked() {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		return b.count(`select count(*) from pg_locks where locktype = 'advisory' and not granted
			and database = (select oid from pg_database where datname = current_database())`) == 1
	}, waitMax, time.Millisecond)
}

func TestALostShardIsRefusedAndTheOthersAreWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.lease(8, 4)
	release := b.holdFence(shard)
	first := b.submit(b.task())
	b.awaitBlocked()
	other := id.NewSource(8, 0)
	lost := b.submit(b.task())
	kept := b.append(8, 4, &core.Effects{Tasks: []core.NewTask{{ID: other.Next(time.Now().UnixMilli()), Input: core.Payload("1")}}})
	told := b.append(shard, epoch, &core.Effects{}) // even what writes nothing must not be told by a stranger
	b.lease(shard, epoch+1)
	release()
	require.ErrorIs(t, await(t, first), journal.ErrFenced)
	require.ErrorIs(t, await(t, lost), journal.ErrFenced)
	require.ErrorIs(t, await(t, told), journal.ErrFenced)
	require.NoError(t, await(t, kept))
	require.ErrorIs(t, await(t, b.submit(b.task())), journal.ErrFenced, "for good")
	require.NoError(t, await(t, b.append(shard, epoch+1, &core.Effects{Tasks: b.tasks(1)})), "the shard came back under a new epoch")
	require.Equal(t, 2, b.count("select count(*) from adze.task"))
}

func TestOfTwoJournalsOnlyTheOwnersWrites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	zombie := b.journal
	require.NoError(t, await(t, b.submit(b.task())))
	b.lease(shard, epoch+1)
	b.start(b.pool)
	require.NoError(t, await(t, b.append(shard, epoch+1, &core.Effects{Tasks: b.tasks(1)})))
	b.journal = zombie
	require.ErrorIs(t, await(t, b.submit(b.task())), journal.ErrFenced)
	require.Equal(t, 2, b.count("select count(*) from adze.task"))
}

func TestTheLastStateOfACheckpointRowIsWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	row := func(i id.ID, s core.OpenState) core.OpenTask {
		return core.OpenTask{ID: i, State: s, Queue: "q"}
	}
	ids := make([]id.ID, 4)
	for i := range ids {
		ids[i] = b.ids.Next(time.Now().UnixMilli())
	}
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{Open: []core.OpenTask{row(ids[2], core.OpenReady)}})))
	release := b.holdFence(shard)
	first := b.submit(b.task())
	b.awaitBlocked()
	done := []<-chan error{
		b.append(shard, epoch, &core.Effects{Open: []core.OpenTask{row(ids[0], core.OpenReady), row(ids[0], core.OpenDelayed)}, LowWater: 5}),
		b.append(shard, epoch, &core.Effects{Open: []core.OpenTask{row(ids[1], core.OpenReady)}}),
		b.append(shard, epoch, &core.Effects{Closed: []id.ID{ids[1], ids[2], ids[3]}}),
		b.append(shard, epoch, &core.Effects{Open: []core.OpenTask{row(ids[3], core.OpenRunning)}, LowWater: 6}),
	}
	release()
	require.NoError(t, await(t, first))
	for _, d := range done {
		require.NoError(t, await(t, d))
	}
	rows, err := b.pool.Query(t.Context(), "select json_agg(array[id::text, state] order by id) from adze.open_task")
	require.NoError(t, err)
	require.True(t, rows.Next())
	var raw []byte
	require.NoError(t, rows.Scan(&raw))
	rows.Close()
	var got [][2]string
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Equal(t, [][2]string{{fmt.Sprint(int64(ids[0])), "delayed"}, {fmt.Sprint(int64(ids[3])), "running"}}, got)
	require.Equal(t, 6, b.count("select id from adze.low_water where shard = $1", shard))
}

func TestTheLastStateOfARunsCheckpointRowIsWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := make([]id.ID, 3)
	for i := range ids {
		ids[i] = b.ids.Next(time.Now().UnixMilli())
	}
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{OpenRuns: []core.OpenRun{{ID: ids[0]}, {ID: ids[2]}}})))
	release := b.holdFence(shard)
	first := b.submit(b.task())
	b.awaitBlocked()
	done := []<-chan error{
		b.append(shard, epoch, &core.Effects{OpenRuns: []core.OpenRun{{ID: ids[0], Cancel: "stop"}, {ID: ids[1]}}}),
		b.append(shard, epoch, &core.Effects{ClosedRuns: []id.ID{ids[1], ids[2]}}),
	}
	release()
	require.NoError(t, await(t, first))
	for _, d := range done {
		require.NoError(t, await(t, d))
	}
	require.Equal(t, 1, b.count("select count(*) from adze.open_run"))
	require.Equal(t, 1, b.count("select count(*) from adze.open_run where id = $1 and cancel = 'stop'", ids[0]))
}

func TestAMissingPartitionIsMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	future := b.ids.Next(time.Now().AddDate(0, 0, 30).UnixMilli())
	require.NoError(t, await(t, b.submit(core.NewTask{ID: future, Input: core.Payload("1")})))
	require.Equal(t, 1, b.count("select count(*) from adze.task"))

	future = b.ids.Next(time.Now().AddDate(0, 0, 60).UnixMilli())
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
		Runs:       []core.NewTask{{ID: future, Input: core.Payload("1")}},
		RunResults: []core.RunResult{{Run: future, Status: core.Cancelled}},
	})))
	require.Equal(t, 1, b.count("select count(*) from adze.run"))
	require.True(t, b.journal.Healthy())
}

func TestARowThatIsRefusedIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.task()
	require.NoError(t, await(t, b.submit(task)))
	again := b.submit(task) // an id twice is a fault of the owner: it must not pass for success
	require.Eventually(t, func() bool { return !b.journal.Healthy() }, waitMax, time.Millisecond)
	require.ErrorContains(t, b.journal.LastError(), "duplicate key")
	b.exec("delete from adze.task")
	require.NoError(t, await(t, again))
	require.True(t, b.journal.Healthy())
}

func TestWhenItStopsWhatWaitsIsToldAndSoIsWhatComesLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, await(t, b.submit(b.task())))
	release := b.holdFence(shard)
	inFlight := b.submit(b.task())
	b.awaitBlocked()
	waiting := b.submit(b.task())
	stopped := make(chan struct{})
	go func() { defer close(stopped); b.stop() }()
	release()
	<-stopped
	if err := await(t, inFlight); err != nil { // whichever came first
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Error(t, errors.Join(await(t, waiting), await(t, b.submit(b.task()))))
}
