//go:build !older

// What the older SDK of this suite does not have.

package compat_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client"
	"github.com/hatchet-dev/hatchet/pkg/client/types"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

func TestDeclaredFiltersDecide(t *testing.T) {
	s := begin(t)
	key, scope := s.name("made"), s.name("eu")
	heard := s.hears("flow", hatchet.WithWorkflowEvents(key), hatchet.WithDefaultFilters(types.DefaultFilter{
		Expression: "input.n > payload.min", Scope: scope, Payload: object{"min": 10},
	}))
	s.push(key, number{20}) // no scope: the workflow has filters, so it starts nothing
	s.push(key, number{5}, client.WithFilterScope(&scope))
	s.push(key, number{30}, client.WithFilterScope(&scope))
	got := took(s, heard)
	require.Equal(t, object{"n": 30.0}, got.input)
	require.Equal(t, object{"min": 10.0}, got.filter)
}

func TestEachFilterThatIsTrueStartsARun(t *testing.T) {
	s := begin(t)
	key, scope := s.name("made"), s.name("eu")
	heard := s.hears("flow", hatchet.WithWorkflowEvents(key), hatchet.WithDefaultFilters(
		types.DefaultFilter{Expression: "true", Scope: scope, Payload: object{"who": "a"}},
		types.DefaultFilter{Expression: "input.n > 1", Scope: scope, Payload: object{"who": "b"}},
		types.DefaultFilter{Expression: "input.n > 9", Scope: scope, Payload: object{"who": "c"}}))
	s.push(key, number{5}, client.WithFilterScope(&scope))
	require.ElementsMatch(t, []any{"a", "b"}, []any{took(s, heard).filter["who"], took(s, heard).filter["who"]})
}

// impatient gives its slot up soon when it waits.
var impatient = hatchet.WithEvictionPolicy(&hatchet.EvictionPolicy{TTL: 500 * time.Millisecond, AllowCapacityEviction: true})

// evicted waits until a run waits without a worker.
func (s *scene) evicted(run string) {
	s.Helper()
	s.eventually("it is evicted", func() bool {
		tasks := s.details(run).Tasks
		return len(tasks) == 1 && tasks[0].IsEvicted != nil && *tasks[0].IsEvicted
	})
}

func TestAMemoIsMadeOnce(t *testing.T) {
	s := begin(t)
	var made atomic.Int32
	s.work(s.sdk.NewStandaloneDurableTask(s.name("memo"), func(ctx hatchet.DurableContext, _ object) (json.RawMessage, error) {
		memo, err := ctx.Memo("key", func() (any, error) { return number{int(made.Add(1))}, nil })
		if err != nil {
			return nil, err
		}
		if ctx.RetryCount() == 0 {
			return nil, errors.New("not yet")
		}
		return memo, nil
	}, hatchet.WithRetries(1)))
	var out number
	s.output(s.start(s.name("memo"), object{}), s.name("memo"), &out)
	require.Equal(t, 1, out.N)
	require.EqualValues(t, 1, made.Load())
}

func TestNowIsTheSameInEachAttempt(t *testing.T) {
	s := begin(t)
	seen := make(chan time.Time, 4)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("now"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		now, err := ctx.Now()
		if err != nil {
			return nil, err
		}
		seen <- now
		if ctx.RetryCount() == 0 {
			return nil, errors.New("not yet")
		}
		return object{}, nil
	}, hatchet.WithRetries(1)))
	_, err := s.ended(s.start(s.name("now"), object{}))
	require.NoError(t, err)
	require.True(t, took(s, seen).Equal(took(s, seen)))
}

func TestAnEvictedTaskGoesOn(t *testing.T) {
	slow(t)
	s := begin(t)
	invocations := make(chan int32, 8)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("evicted"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		invocations <- ctx.InvocationCount()
		_, err := ctx.SleepFor(6 * time.Second)
		return object{"slept": true}, err
	}, impatient))
	began := time.Now()
	ref := s.start(s.name("evicted"), object{})
	s.evicted(ref.RunId)
	require.Equal(t, "RUNNING", s.status(ref.RunId))
	var out object
	s.output(ref, s.name("evicted"), &out)
	require.Equal(t, object{"slept": true}, out)
	require.GreaterOrEqual(t, time.Since(began), 6*time.Second)
	require.EqualValues(t, 1, took(s, invocations))
	require.EqualValues(t, 2, took(s, invocations))
}

func TestAnEvictedTaskIsRestored(t *testing.T) {
	s := begin(t)
	invocations := make(chan int32, 8)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("restored"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		invocations <- ctx.InvocationCount()
		_, err := ctx.SleepFor(time.Hour)
		return object{}, err
	}, impatient))
	ref := s.start(s.name("restored"), object{})
	require.EqualValues(t, 1, took(s, invocations))
	s.evicted(ref.RunId)
	restored, err := s.sdk.Runs().Restore(s.ctx, ref.RunId)
	require.NoError(t, err)
	require.True(t, restored.Requeued)
	require.EqualValues(t, 2, took(s, invocations))
	s.cancel(ref.RunId)
	s.becomes(ref.RunId, "CANCELLED")
}

func TestAnEvictedTaskHearsItsEvent(t *testing.T) {
	s := begin(t)
	key := s.name("go")
	s.work(s.sdk.NewStandaloneDurableTask(s.name("hears"), func(ctx hatchet.DurableContext, _ object) (out number, err error) {
		event, err := ctx.WaitForEvent(key, "")
		if err != nil {
			return out, err
		}
		return out, hatchet.EventInto(event, &out)
	}, impatient))
	ref := s.start(s.name("hears"), object{})
	s.evicted(ref.RunId)
	s.push(key, number{4})
	var out number
	s.output(ref, s.name("hears"), &out)
	require.Equal(t, 4, out.N)
}

func TestAWaitThatLooksBackHearsAnEventOfBefore(t *testing.T) {
	s := begin(t)
	key, scope, since := s.name("before"), s.name("mine"), time.Now().Add(-time.Minute)
	other := s.name("other")
	s.push(key, number{1}, client.WithFilterScope(&scope))
	s.push(key, number{2}, client.WithFilterScope(&scope))
	s.push(key, number{3}, client.WithFilterScope(&other))
	s.work(s.sdk.NewStandaloneDurableTask(s.name("back"), func(ctx hatchet.DurableContext, _ object) (out number, err error) {
		event, err := ctx.WaitForEvent(key, "", hatchet.WithEventScope(scope), hatchet.WithConsiderEventsSince(since))
		if err != nil {
			return out, err
		}
		return out, hatchet.EventInto(event, &out)
	}))
	var out number
	s.output(s.start(s.name("back"), object{}), s.name("back"), &out)
	require.Equal(t, 2, out.N, "the newest of its scope")
}

func TestMoreDurableTasksWaitThanThereAreSlots(t *testing.T) {
	slow(t)
	s := begin(t)
	task := s.sdk.NewStandaloneDurableTask(s.name("crowd"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		_, err := ctx.SleepFor(3 * time.Second)
		return object{}, err
	}, impatient)
	s.worker(hatchet.WithWorkflows(task), hatchet.WithDurableSlots(2))
	began := time.Now()
	refs := make([]*hatchet.WorkflowRunRef, 6)
	for i := range refs {
		refs[i] = s.start(s.name("crowd"), object{})
	}
	for _, ref := range refs {
		_, err := s.ended(ref)
		require.NoError(t, err)
	}
	t.Logf("took %s; one after another it would be 9s", time.Since(began))
}

func TestAnotherProgramThanTheLogsIsNoticed(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("changed"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		span := 10 * time.Millisecond
		if ctx.RetryCount() > 0 {
			span *= 2
		}
		if _, err := ctx.SleepFor(span); err != nil {
			return nil, err
		}
		return nil, errors.New("not yet")
	}, hatchet.WithRetries(2)))
	require.Contains(t, s.fails(s.start(s.name("changed"), object{})), "non-determinism error in task")
}

func TestAReplayReadsItsLog(t *testing.T) {
	s := begin(t)
	var made atomic.Int32
	s.work(s.sdk.NewStandaloneDurableTask(s.name("replay"), func(ctx hatchet.DurableContext, _ object) (json.RawMessage, error) {
		return ctx.Memo("key", func() (any, error) { return number{int(made.Add(1))}, nil })
	}))
	ref := s.start(s.name("replay"), object{})
	var out number
	s.output(ref, s.name("replay"), &out)
	s.replay(ref.RunId)
	s.output(ref, s.name("replay"), &out)
	require.Equal(t, 1, out.N)
	require.EqualValues(t, 1, made.Load())
}

func TestABranchRunsAnewFromItsNode(t *testing.T) {
	s := begin(t)
	var first, second atomic.Int32
	s.work(s.sdk.NewStandaloneDurableTask(s.name("branch"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		a, err := ctx.Memo("a", func() (any, error) { return first.Add(1), nil })
		if err != nil {
			return nil, err
		}
		b, err := ctx.Memo("b", func() (any, error) { return second.Add(1), nil })
		return object{"a": a, "b": b}, err
	}))
	ref := s.start(s.name("branch"), object{})
	var out object
	s.output(ref, s.name("branch"), &out)
	require.Equal(t, object{"a": 1.0, "b": 1.0}, out)
	branched, err := s.sdk.Runs().BranchDurableTask(s.ctx, ref.RunId, 2, 1)
	require.NoError(t, err)
	require.EqualValues(t, 2, branched.BranchId)
	s.eventually("the branch has run", func() bool { return second.Load() == 2 })
	s.output(ref, s.name("branch"), &out)
	require.Equal(t, object{"a": 1.0, "b": 2.0}, out)
}

func TestAKeyOfIdempotencyIsHeld(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("once"), func(_ hatchet.Context, in keyed) (object, error) { return object{}, nil },
		hatchet.WithWorkflowIdempotency(hatchet.IdempotencyConfig{Expression: "'" + s.prefix + "' + input.key", TTL: time.Minute}))
	s.know(task)
	first := s.start(s.name("once"), keyed{"a"})
	_, err := task.RunNoWait(s.ctx, keyed{"a"})
	collision, is := hatchet.IsIdempotencyCollisionError(err)
	require.True(t, is, "%v", err)
	require.Equal(t, first.RunId, collision.ExistingRunExternalId)
	s.start(s.name("once"), keyed{"b"})
}

func TestABulkTellsWhichOfItsKeysWereHeld(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("once"), func(_ hatchet.Context, in keyed) (object, error) { return object{}, nil },
		hatchet.WithWorkflowIdempotency(hatchet.IdempotencyConfig{Expression: "'" + s.prefix + "' + input.key", TTL: time.Minute}))
	s.know(task)
	first := s.start(s.name("once"), keyed{"a"})
	_, err := task.RunMany(s.ctx, []hatchet.RunManyOpt{{Input: keyed{"a"}}, {Input: keyed{"b"}}, {Input: keyed{"b"}}})
	collisions, is := hatchet.IsBulkTriggerIdempotencyCollisionError(err)
	require.True(t, is, "%v", err)
	require.Len(t, collisions.SuccessfulRunExternalIds, 1)
	require.Len(t, collisions.Collisions, 2)
	existing := []string{collisions.Collisions[0].ExistingRunExternalId, collisions.Collisions[1].ExistingRunExternalId}
	require.ElementsMatch(t, []string{first.RunId, collisions.SuccessfulRunExternalIds[0]}, existing)
}

func TestARunWithoutAKeyIsLeftOutInSilence(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("once"), func(_ hatchet.Context, in keyed) (keyed, error) { return in, nil },
		hatchet.WithWorkflowIdempotency(hatchet.IdempotencyConfig{Expression: "'" + s.prefix + "' + input.key", TTL: time.Minute})))
	lost := s.start(s.name("once"), object{})
	require.Equal(t, http.StatusNotFound, s.call(http.MethodGet, "/api/v1/stable/workflow-runs/"+lost.RunId, nil, nil))
	refs, err := s.sdk.RunMany(s.ctx, s.name("once"), []hatchet.RunManyOpt{{Input: object{}}, {Input: keyed{"a"}}})
	require.NoError(t, err)
	require.Len(t, refs, 2)
	var out keyed
	s.output(&refs[1], s.name("once"), &out)
	require.Equal(t, keyed{"a"}, out)
}

func TestAKeyOfIdempotencyIsFreeWhenItsRunHasEnded(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("status"), func(_ hatchet.Context, in keyed) (object, error) { return object{}, nil },
		hatchet.WithWorkflowIdempotency(hatchet.IdempotencyConfig{
			Expression: "'" + s.prefix + "' + input.key", TTL: time.Hour, Method: hatchet.IdempotencyMethodStatus,
		})))
	for range 3 {
		_, err := s.ended(s.start(s.name("status"), keyed{"a"}))
		require.NoError(t, err)
	}
}

// batches is a task that tells each member how many there are.
func batches(_ hatchet.Context, in map[string]keyed) (map[string]number, error) {
	out := map[string]number{}
	for member := range in {
		out[member] = number{len(in)}
	}
	return out, nil
}

func TestTasksRunInABatch(t *testing.T) {
	s := begin(t)
	interval := time.Minute
	task := s.sdk.NewStandaloneBatchTask(s.name("batch"), batches, hatchet.BatchConfig{MaxSize: 3, MaxInterval: &interval})
	s.work(task)
	refs, err := task.RunMany(s.ctx, []hatchet.RunManyOpt{{Input: keyed{"a"}}, {Input: keyed{"b"}}, {Input: keyed{"c"}}})
	require.NoError(t, err)
	for i := range refs {
		var out number
		s.output(&refs[i], s.name("batch"), &out)
		require.Equal(t, 3, out.N)
		require.Equal(t, 1, count(s.details(refs[i].RunId), "BATCH_FLUSHED"))
	}
}

func TestAHalfFullBatchRunsInTime(t *testing.T) {
	s := begin(t)
	interval := 300 * time.Millisecond
	task := s.sdk.NewStandaloneBatchTask(s.name("half"), batches, hatchet.BatchConfig{MaxSize: 100, MaxInterval: &interval})
	s.work(task)
	var out number
	s.output(s.start(s.name("half"), keyed{"a"}), s.name("half"), &out)
	require.Equal(t, 1, out.N)
}

func TestBatchesAreOfOneKey(t *testing.T) {
	s := begin(t)
	interval, key := time.Minute, "input.key"
	task := s.sdk.NewStandaloneBatchTask(s.name("keys"), func(_ hatchet.Context, in map[string]keyed) (map[string]keyed, error) {
		keys := map[string]bool{}
		for _, member := range in {
			keys[member.Key] = true
		}
		if len(keys) > 1 {
			return nil, errors.New("several keys in one batch")
		}
		return in, nil
	}, hatchet.BatchConfig{MaxSize: 2, MaxInterval: &interval, GroupKey: &key})
	s.work(task)
	refs, err := task.RunMany(s.ctx, []hatchet.RunManyOpt{
		{Input: keyed{"a"}}, {Input: keyed{"b"}}, {Input: keyed{"a"}}, {Input: keyed{"b"}},
	})
	require.NoError(t, err)
	for i := range refs {
		_, err := s.ended(&refs[i])
		require.NoError(t, err)
	}
}

func TestABatchMayGiveOneOutputForAll(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneBatchTask(s.name("one"), func(_ hatchet.Context, in map[string]keyed) (number, error) {
		return number{len(in)}, nil
	}, hatchet.BatchConfig{MaxSize: 2, BroadcastOutput: true})
	s.work(task)
	refs, err := task.RunMany(s.ctx, []hatchet.RunManyOpt{{Input: keyed{"a"}}, {Input: keyed{"b"}}})
	require.NoError(t, err)
	for i := range refs {
		var out number
		s.output(&refs[i], s.name("one"), &out)
		require.Equal(t, 2, out.N)
	}
}

func TestATaskMayTakeSeveralSlots(t *testing.T) {
	s := begin(t)
	g := newGauge()
	task := s.sdk.NewStandaloneTask(s.name("wide"), g.during, hatchet.WithSlotCost(2))
	s.know(task)
	var refs []*hatchet.WorkflowRunRef
	for range 8 {
		refs = append(refs, s.start(s.name("wide"), keyed{"a"}))
	}
	s.worker(hatchet.WithWorkflows(task), hatchet.WithSlots(5)) // all wait by now, so as many run as may
	for _, ref := range refs {
		_, err := s.ended(ref)
		require.NoError(t, err)
	}
	require.Equal(t, 2, g.most["a"])
}
