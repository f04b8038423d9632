package shard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/shard"
)

// durableStore is a store with rows to be filled by SQL.
type durableStore struct {
	t     *testing.T
	pool  *pgxpool.Pool
	store shard.Store
	ids   *id.Source
}

func setupDurable(t *testing.T) *durableStore {
	t.Helper()
	pool, store, ids := setupStore(t)
	return &durableStore{t, pool, store, ids}
}

func (d *durableStore) exec(sql string, args ...any) {
	d.t.Helper()
	_, err := d.pool.Exec(d.t.Context(), sql, args...)
	require.NoError(d.t, err, sql)
}

func (d *durableStore) id() id.ID { return d.ids.Next(time.Now().UnixMilli()) }

// define stores a durable workflow and a plain one.
func (d *durableStore) define() (durable, plain id.ID) {
	d.t.Helper()
	var definitions []shard.Definition
	for _, w := range []shard.Workflow{
		{Name: "d", Tasks: []shard.Task{{Name: "d", Action: "d", Durable: true}}},
		{Name: "p", Tasks: []shard.Task{{Name: "p", Action: "p"}}},
	} {
		w.Tasks[0].Backoff = shard.Backoff{InitialMS: 1, Factor: 2, MaxMS: 3}
		definition, err := w.Definition()
		require.NoError(d.t, err)
		definitions = append(definitions, definition)
	}
	defined, err := d.store.Define(d.t.Context(), tenant.DefaultID, definitions, d.id)
	require.NoError(d.t, err)
	return defined[0].Version, defined[1].Version
}

func (d *durableStore) open(task, version id.ID, state string, due int64, waits int) {
	d.t.Helper()
	d.exec(`insert into adze.open_task (id, tenant_id, version_id, worker_id, token, due_at, assigned_at, shard,
			priority, attempt, failures, state, queue, key, cancel, waits)
		values ($1, 1, $2, 0, 0, $3, 0, 0, 0, 1, 0, $4, 'd', '', '', $5)`, task, version, due, state, waits)
}

const (
	onSleep = `[{"on":"sleep","due":9}]`
	onEvent = `[{"on":"event","key":"k"},{"on":"sleep","due":9}]`
)

func (d *durableStore) wait(task id.ID, index int, conditions string) {
	d.t.Helper()
	d.exec(`insert into adze.wait (task_id, tenant_id, shard, index, watched, conditions) values ($1, 1, 0, $2, $3, $4)`,
		task, index, conditions != onSleep, []byte(conditions))
}

func (d *durableStore) submit(task, version id.ID) {
	d.t.Helper()
	d.exec(`insert into adze.task (id, tenant_id, version_id, run_at, priority, key, input) values ($1, 1, $2, 0, 0, '', '1')`, task, version)
}

func (d *durableStore) entry(task id.ID, index int) {
	d.t.Helper()
	d.exec(`insert into adze.durable_entry (task_id, tenant_id, at, index, kind, name) values ($1, 1, 2, $2, 'step', 's')`, task, index)
}

func TestANewOwnerIsRestoredWithLogsWaitsAndWhatIsClosing(t *testing.T) {
	t.Parallel()
	d := setupDurable(t)
	durable, plain := d.define()
	suspended, asleep, woken, running, fresh, other := d.id(), d.id(), d.id(), d.id(), d.id(), d.id()
	d.exec(`insert into adze.low_water values (0, $1)`, running)
	d.open(suspended, durable, "waiting", 0, 1)
	d.wait(suspended, 1, onEvent)
	d.exec(`insert into adze.condition_met (task_id, tenant_id, met_order, at, index, condition) values ($1, 1, 1, 2, 1, 1)`, suspended)
	d.open(asleep, durable, "waiting", 9, 1)
	d.wait(asleep, 1, onSleep)
	d.open(woken, durable, "ready", 0, 1)
	d.wait(woken, 1, onSleep)
	d.open(running, durable, "running", 0, 0) // behind: it waits since a moment
	d.wait(running, 3, onSleep)
	d.wait(running, 2, onEvent)
	d.entry(running, 1)
	d.entry(running, 2)
	d.entry(running, 3)
	d.submit(fresh, durable)
	d.wait(fresh, 1, onSleep)
	d.entry(fresh, 1)
	d.submit(other, plain)
	d.exec(`insert into adze.closing values ($1, 1, 0, true, 'over')`, suspended)

	r, err := d.store.Restore(t.Context(), 0, 1)
	require.NoError(t, err)
	type place struct {
		task  id.ID
		index int32
		met   int
	}
	var waits []place
	for _, w := range r.Waits {
		waits = append(waits, place{w.Task, w.Index, len(w.Met)})
	}
	require.Equal(t, []place{{suspended, 1, 1}, {woken, 1, 0}, {running, 2, 0}, {running, 3, 0}, {fresh, 1, 0}}, waits,
		"all but those for time alone of tasks that wait for nothing else")
	require.ElementsMatch(t, []core.LogSize{{Task: running, Entries: 3}, {Task: fresh, Entries: 1}}, r.Logs)
	require.Equal(t, []core.Closing{{Task: suspended, Tenant: 1, Whole: true, Reason: "over"}}, r.Closing)
	require.EqualValues(t, 2, r.Delayed)
	require.EqualValues(t, 9, r.NextDue)
}

func TestLoadedTasksComeWithTheirWaits(t *testing.T) {
	t.Parallel()
	d := setupDurable(t)
	asleep, ready, idle := d.id(), d.id(), d.id()
	d.open(asleep, 2, "waiting", 5, 1)
	d.wait(asleep, 1, onSleep)
	d.open(ready, 2, "ready", 0, 1)
	d.wait(ready, 2, onEvent)
	d.open(idle, 2, "ready", 0, 0)
	for task, load := range map[id.ID]core.Load{
		asleep: {Kind: core.LoadDue, Until: 7, Limit: 9},
		ready:  {Kind: core.LoadLane, Tenant: 1, Queue: "d", After: core.LaneStart, Limit: 9},
		idle:   {Kind: core.LoadTasks, Tasks: []id.ID{idle}},
	} {
		loaded, err := d.store.Load(t.Context(), 0, load)
		require.NoError(t, err)
		if task == idle {
			require.Empty(t, loaded.Waits)
			continue
		}
		require.Len(t, loaded.Waits, 1)
		require.Equal(t, task, loaded.Waits[0].Task)
	}
}

func TestLoadEndedTellsWhichRunsHaveAResult(t *testing.T) {
	t.Parallel()
	d := setupDurable(t)
	task, run, open := d.id(), d.id(), d.id()
	d.exec(`insert into adze.task_result values ($1, 1, null, 0, 0, 9, 1, 'failed', 'no', null)`, task)
	d.exec(`insert into adze.run_result values ($1, 1, 9, 'succeeded', null)`, run)
	loaded, err := d.store.Load(t.Context(), 0, core.Load{Kind: core.LoadEnded, Tasks: []id.ID{task, run, open}})
	require.NoError(t, err)
	require.ElementsMatch(t, []id.ID{task, run}, loaded.Ended)
}

func TestLoadChildrenFindsTheOpenOnesWithTheirRows(t *testing.T) {
	t.Parallel()
	d := setupDurable(t)
	parent, ended, stored, graph := d.id(), d.id(), d.id(), d.id()
	for i, child := range []id.ID{ended, stored, graph} {
		d.exec(`insert into adze.child values ($1, 1, $2, $3, $4)`, parent, child, child == stored, fmt.Sprint(i))
	}
	d.exec(`insert into adze.task_result values ($1, 1, null, 0, 0, 9, 1, 'failed', 'no', null)`, ended)
	d.open(stored, 2, "waiting", 0, 1)
	d.wait(stored, 1, onEvent)
	loaded, err := d.store.Load(t.Context(), 0, core.Load{Kind: core.LoadChildren, Tasks: []id.ID{parent}})
	require.NoError(t, err)
	require.Equal(t, []core.ChildRun{{Run: stored, Cancel: true, Key: "1"}, {Run: graph, Key: "2"}}, loaded.Children)
	require.Len(t, loaded.Rows, 1)
	require.Equal(t, stored, loaded.Rows[0].ID)
	require.Len(t, loaded.Waits, 1)

	loaded, err = d.store.Load(t.Context(), 0, core.Load{Kind: core.LoadKeys, Tasks: []id.ID{parent}})
	require.NoError(t, err)
	require.Len(t, loaded.Children, 3)
	loaded, err = d.store.Load(t.Context(), 0, core.Load{Kind: core.LoadChildren, Tasks: []id.ID{ended}})
	require.NoError(t, err)
	require.Empty(t, loaded.Children)
}

func TestLookingBackFindsTheFirstEventThatTheFilterHoldsFor(t *testing.T) {
	t.Parallel()
	d := setupDurable(t)
	before := d.id()
	const events = 250 // three pages
	first := d.ids.Block(time.Now().UnixMilli(), events)
	d.exec(`insert into adze.event (id, tenant_id, priority, key, scope, payload, metadata)
		select $1::bigint + n, 1, 0, 'k', 's', ('{"n":' || n || '}')::bytea, '{"m":1}' from generate_series(0, $2::bigint - 1) n`, first, events)
	signal := d.id()
	d.exec(`insert into adze.event (id, tenant_id, target_id, priority, key, scope, payload) values ($1, 1, $2, 0, 'k', '', '7')`, signal, before)
	look := func(after id.ID, filter string) core.Lookback {
		return core.Lookback{Tenant: 1, Condition: core.Condition{Kind: core.OnEvent, Key: "k", After: after, Filter: filter}}
	}
	newest := func(after id.ID, filter string) core.Lookback {
		l := look(after, filter)
		l.Condition.Newest = true
		return l
	}
	ofRun := look(before, "")
	ofRun.Condition.Signal, ofRun.Target = true, before
	loaded, err := d.store.Load(t.Context(), 0, core.Load{Kind: core.LoadPast, Past: []core.Lookback{
		look(before, ""),
		look(first+9, ""),
		look(before, "event.n == 249"),
		look(before, `event.n > 20 && metadata.m == 1 && key == "k" && scope == "s" && filter == null`),
		look(before, "event.n > 249"),
		look(before, "event.missing == 1"),
		look(before, "is not CEL"),
		look(signal, ""),
		ofRun,
		newest(before, ""),
		newest(before, "event.n < 30"),
		newest(first+29, "event.n < 30"),
	}})
	require.NoError(t, err)
	nth := func(n int) core.Past {
		return core.Past{Event: first + id.ID(n), Payload: core.Payload(fmt.Sprintf(`{"n":%d}`, n))}
	}
	require.Equal(t, []core.Past{nth(0), nth(10), nth(249), nth(21), {}, {}, {}, {}, {Event: signal, Payload: core.Payload("7")}, nth(249), nth(29), {}}, loaded.Past)
}

func TestWhatADurableTaskLeftIsReadBack(t *testing.T) {
	t.Parallel()
	d := setupDurable(t)
	task, request := d.id(), d.id()
	d.entry(task, 1)
	d.exec(`insert into adze.condition_met (task_id, tenant_id, met_order, at, index, condition) values ($1, 1, 1, 2, 1, 0)`, task)
	d.exec(`insert into adze.durable_value values ($1, 1, 5, 'progress', '6')`, task)
	d.exec(`insert into adze.event (id, tenant_id, target_id, priority, key, scope, payload) values ($1, 1, $2, 0, 'k', '', '7')`, request, task)
	d.exec(`insert into adze.reply values ($1, 1, 5, null, '8')`, request)

	entries, mets, err := d.store.Logs(t.Context(), []id.ID{task})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Len(t, mets, 1)
	value, err := d.store.Value(t.Context(), task, "progress")
	require.NoError(t, err)
	require.Equal(t, core.Value{Task: task, Tenant: 1, At: 5, Name: "progress", Data: core.Payload("6")}, value)
	requests, err := d.store.Requests(t.Context(), []id.ID{task, request})
	require.NoError(t, err)
	require.Equal(t, []core.NewTask{{ID: request, Tenant: 1}}, requests)
	replies, err := d.store.Replies(t.Context(), 1, []id.ID{task, request})
	require.NoError(t, err)
	require.Equal(t, []core.Reply{{Event: request, Tenant: 1, At: 5, Data: core.Payload("8")}}, replies)
}

func TestLookingBackEndsAtItsBound(t *testing.T) {
	t.Parallel()
	d := setupDurable(t)
	const bound = 100_000
	first := id.First(time.Now())
	d.exec(`insert into adze.event (id, tenant_id, priority, key, scope, payload)
		select $1::bigint + n, 1, 0, 'k', case when n = $2 then 's' else '' end, '1' from generate_series(0, $2::bigint) n`, first, bound)
	look := func(after id.ID) core.Lookback {
		return core.Lookback{Tenant: 1, Condition: core.Condition{Kind: core.OnEvent, Key: "k", After: after, Scoped: true, Scope: "s"}}
	}
	loaded, err := d.store.Load(t.Context(), 0, core.Load{Kind: core.LoadPast, Past: []core.Lookback{look(first - 1), look(first)}})
	require.NoError(t, err)
	require.Equal(t, []core.Past{{}, {Event: first + bound, Payload: core.Payload("1")}}, loaded.Past)
}
