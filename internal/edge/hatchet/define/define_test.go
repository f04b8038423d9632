package define_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func task(name string, change ...func(*wire.CreateTaskOpts)) *wire.CreateTaskOpts {
	t := &wire.CreateTaskOpts{ReadableId: name, Action: "w:" + name, Timeout: "60s", Inputs: "{}"}
	for _, c := range change {
		c(t)
	}
	return t
}

func workflow(tasks ...*wire.CreateTaskOpts) *wire.CreateWorkflowVersionRequest {
	return &wire.CreateWorkflowVersionRequest{Name: "w", Tasks: tasks}
}

// defined translates a request that is good, natively too.
func defined(t *testing.T, req *wire.CreateWorkflowVersionRequest) shard.Workflow {
	t.Helper()
	w, err := define.Workflow(req)
	require.NoError(t, err)
	_, _, err = admit.Definitions([]shard.Workflow{w})
	require.NoError(t, err)
	return w
}

func TestDurationsAreThoseOfTheWire(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"60s": time.Minute, "1h30m": 90 * time.Minute, "500ms": 500 * time.Millisecond, "2d": 48 * time.Hour,
		"1w": 7 * 24 * time.Hour, "10y": 3_650 * 24 * time.Hour, "0s": 0,
	} {
		got, ok := define.Duration(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "60", "1d12h", "-1s", "+1s", "11y", "d", "x", "9999999999999h"} {
		_, ok := define.Duration(text)
		require.False(t, ok, text)
	}
}

func TestWhatATaskDoesNotSayIsAsTheWireHasIt(t *testing.T) {
	t.Parallel()
	w := defined(t, workflow(task("a", func(o *wire.CreateTaskOpts) { o.Timeout, o.Action = "soon", "W:A" })))
	require.Equal(t, shard.Task{
		Name: "a", Action: "w:a", Backoff: shard.Backoff{InitialMS: 1, Factor: 1, MaxMS: 1},
		ScheduleTimeoutMS: 300_000, ExecutionTimeoutMS: 300_000,
	}, w.Tasks[0])
	require.EqualValues(t, 1, w.Priority)
	w = defined(t, workflow(task("a", func(o *wire.CreateTaskOpts) { o.IsDurable = true })))
	require.Equal(t, []shard.SlotUse{{Type: "durable", Units: 1}}, w.Tasks[0].Slots)
}

func TestEachFieldOfATaskHasItsEffect(t *testing.T) {
	t.Parallel()
	w := defined(t, workflow(task("a", func(o *wire.CreateTaskOpts) {
		o.Retries, o.BackoffFactor, o.BackoffMaxSeconds = 3, new(float32(2.5)), new(int32(60))
		o.ScheduleTimeout = new("2m")
		o.SlotRequests = map[string]int32{"gpu": 2, "default": 1}
		o.WorkerLabels = map[string]*wire.DesiredWorkerLabels{
			"model":  {StrValue: new("large"), Required: new(true), Weight: new(int32(7))},
			"memory": {IntValue: new(int32(512)), Comparator: new(wire.WorkerLabelComparator_WORKER_LABEL_COMPARATOR_GREATER_THAN_OR_EQUAL)},
		}
		o.Concurrency = []*wire.Concurrency{{
			Expression: "input.user + additional_metadata.team", MaxRuns: new(int32(4)), MaxRunsExpression: new("input.max"),
			LimitStrategy: new(wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_CANCEL_NEWEST),
		}}
		o.RateLimits = []*wire.CreateTaskRateLimit{
			{Key: "openai / gpt", Units: new(int32(2)), LimitValuesExpr: new("-1")},
			{Key: "x", KeyExpr: new("input.user"), UnitsExpr: new("input.units"), LimitValuesExpr: new("10"), Duration: new(wire.RateLimitDuration_RATE_LIMIT_DURATION_HOUR)},
		}
	})))
	got := w.Tasks[0]
	require.EqualValues(t, 3, got.Retries)
	require.Equal(t, shard.Backoff{InitialMS: 2_500, Factor: 2.5, MaxMS: 60_000, Exact: true}, got.Backoff)
	require.EqualValues(t, 120_000, got.ScheduleTimeoutMS)
	require.EqualValues(t, 60_000, got.ExecutionTimeoutMS)
	require.Equal(t, []shard.SlotUse{{Units: 1}, {Type: "gpu", Units: 2}}, got.Slots)
	require.Equal(t, []shard.Label{
		{Key: "memory", Value: "512", Number: true, Comparator: ">="},
		{Key: "model", Value: "large", Comparator: "==", Required: true, Weight: 7},
	}, got.Labels)
	require.Equal(t, []shard.Limit{{
		Key: "input.user + metadata.team", Max: 4, MaxExpression: "int(input.max)", Strategy: "cancel_newest",
	}}, got.Limits)
	require.Equal(t, []shard.Rate{
		{Name: "hatchet", Key: `"openai / gpt"`, Units: 2},
		{Name: "hatchet:HOUR", Key: "input.user", Units: 1, UnitsExpression: "int(input.units)", LimitExpression: "int(10)", PeriodMS: 3_600_000},
	}, got.Rates)
}

func TestEachFieldOfAWorkflowHasItsEffect(t *testing.T) {
	t.Parallel()
	req := workflow(task("a"), task("b", func(o *wire.CreateTaskOpts) { o.Parents = []string{"a"} }))
	req.Description = strings.Repeat("é", 600)
	req.EventTriggers, req.CronTriggers, req.CronInput = []string{"user:*"}, []string{"*/5 * * * *"}, new(`{"a": 1}`)
	req.OnFailureTask = task("on-failure")
	req.Sticky, req.DefaultPriority = new(wire.StickyStrategy_STICKY_STRATEGY_HARD), new(int32(3))
	req.ConcurrencyArr = []*wire.Concurrency{
		{Expression: "input.a", LimitStrategy: new(wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_GROUP_ROUND_ROBIN)},
		{Expression: "'all'", Name: new("Every one"), IsTenantScoped: new(true), MaxRuns: new(int32(9))},
	}
	req.Idempotency = &wire.IdempotencyConfig{Expression: "input.order", TtlMs: 1_000, Method: new(wire.IdempotencyMethod_IDEMPOTENCY_METHOD_STATUS)}
	w := defined(t, req)
	require.Len(t, w.Description, admit.DescriptionBytesMax)
	require.Equal(t, []shard.Trigger{{Event: "user:*"}}, w.Triggers)
	require.Equal(t, "*/5 * * * *", w.Crons[0].Expression)
	require.JSONEq(t, `{"a": 1}`, string(w.Crons[0].Input))
	require.Equal(t, shard.RoleOnFailure, w.Tasks[2].Role)
	require.Equal(t, "only", w.Sticky)
	require.EqualValues(t, 3, w.Priority)
	require.Equal(t, []shard.Limit{
		{Key: "input.a", Max: 1, Strategy: "queue"},
		{Name: "Every:20one", Key: "'all'", Max: 9, Strategy: "cancel_running"},
	}, w.Limits)
	require.Equal(t, "input.a", w.Key, "groups take turns")
	require.Equal(t, &shard.Idempotency{Key: "input.order", TTLMS: 1_000, Hold: "run", OnCollision: "reject"}, w.Idempotency)
}

func TestWhatMakesNoSenseIsRefusedWithItsField(t *testing.T) {
	t.Parallel()
	with := func(change func(*wire.CreateTaskOpts)) *wire.CreateWorkflowVersionRequest {
		return workflow(task("a", change))
	}
	for field, req := range map[string]*wire.CreateWorkflowVersionRequest{
		"name":                    {Name: "a b", Tasks: []*wire.CreateTaskOpts{task("a")}},
		"tasks":                   {Name: "w"},
		"tasks[0].readable_id":    with(func(o *wire.CreateTaskOpts) { o.ReadableId = "a/b" }),
		"tasks[0].action":         with(func(o *wire.CreateTaskOpts) { o.Action = "a" }),
		"tasks[0].backoff_factor": with(func(o *wire.CreateTaskOpts) { o.BackoffFactor = new(float32(0.5)) }),
		"tasks[0].concurrency[0].expression": with(func(o *wire.CreateTaskOpts) {
			o.Concurrency = []*wire.Concurrency{{Expression: ""}}
		}),
		"tasks[0].concurrency[0].limit_strategy": with(func(o *wire.CreateTaskOpts) {
			o.Concurrency = []*wire.Concurrency{{Expression: "'a'", LimitStrategy: new(wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_QUEUE_NEWEST)}}
		}),
		"tasks[0].concurrency[0].name": with(func(o *wire.CreateTaskOpts) {
			o.Concurrency = []*wire.Concurrency{{Expression: "'a'", IsTenantScoped: new(true)}}
		}),
		"tasks[0].rate_limits[0].key": with(func(o *wire.CreateTaskOpts) { o.RateLimits = []*wire.CreateTaskRateLimit{{}} }),
		"tasks[0].batch.batch_group_key": with(func(o *wire.CreateTaskOpts) {
			o.Batch = &wire.TaskBatchConfig{BatchMaxSize: 2, BatchGroupKey: new("input.")}
		}),
		"tasks[0].conditions.sleep_conditions[0].sleep_for": with(func(o *wire.CreateTaskOpts) {
			o.Conditions = &wire.TaskConditions{SleepConditions: []*wire.SleepMatchCondition{{SleepFor: "later"}}}
		}),
		"default_priority":       {Name: "w", Tasks: []*wire.CreateTaskOpts{task("a")}, DefaultPriority: new(int32(4))},
		"sticky":                 {Name: "w", Tasks: []*wire.CreateTaskOpts{task("a")}, Sticky: new(wire.StickyStrategy(7))},
		"idempotency.expression": {Name: "w", Tasks: []*wire.CreateTaskOpts{task("a")}, Idempotency: &wire.IdempotencyConfig{Expression: "workflow_run_id", TtlMs: 1}},
	} {
		_, err := define.Workflow(req)
		var e *fault.Error
		require.ErrorAs(t, err, &e, field)
		require.Equal(t, fault.Invalid, e.Kind)
		require.Equal(t, field, e.Field)
	}
}

func on(action wire.Action, group, key, expression string) *wire.BaseMatchCondition {
	return &wire.BaseMatchCondition{Action: action, OrGroupId: group, ReadableDataKey: key, Expression: expression}
}

// Traps 22 and 23: groups are alternatives, all of which must have one that holds; what is
// over parents and what is over times and events are two stages.
func TestConditionsOfAGroupAreAlternatives(t *testing.T) {
	t.Parallel()
	const queue, skip, cancel = wire.Action_ACTION_QUEUE, wire.Action_ACTION_SKIP, wire.Action_ACTION_CANCEL
	w := defined(t, workflow(task("a"), task("b", func(o *wire.CreateTaskOpts) {
		o.Parents = []string{"a"}
		o.Conditions = &wire.TaskConditions{
			ParentOverrideConditions: []*wire.ParentOverrideMatchCondition{
				{Base: on(skip, "3", "", "output.n > 50"), ParentReadableId: "a"},
				{Base: on(cancel, "5", "", ""), ParentReadableId: "a"},
				{Base: on(cancel, "6", "", "size(input) == 0"), ParentReadableId: "a"},
			},
			SleepConditions: []*wire.SleepMatchCondition{{Base: on(queue, "1", "nap", ""), SleepFor: "10s"}},
			UserEventConditions: []*wire.UserEventMatchCondition{
				{Base: on(queue, "1", "go", "input.ok && size(output) == 0"), UserEventKey: "k", EventScope: new("s")},
				{Base: on(queue, "2", "too", ""), UserEventKey: "k2"},
				{Base: on(skip, "4", "no", ""), UserEventKey: "k3"},
			},
		}
	})))
	b := w.Tasks[1]
	require.Equal(t, []shard.TaskCondition{
		{Any: []shard.TaskCondition{
			{SleepMS: 10_000, Name: "nap for 10s"},
			{Event: "k", Scope: `"s"`, If: "event.ok && size({}) == 0", Name: "go"},
		}},
		{Event: "k2", Name: "too"},
	}, b.WaitFor)
	require.Equal(t, []shard.TaskCondition{
		{Parent: "a", Expression: "output.n > 50", Lenient: true},
		{Event: "k3", Name: "no"},
	}, b.SkipIf)
	require.Equal(t, []shard.TaskCondition{{All: []shard.TaskCondition{
		{Parent: "a", Expression: "true", Lenient: true},
		{Parent: "a", Expression: "size({}) == 0", Lenient: true},
	}}}, b.CancelIf)
	key, text := define.CutSleepName("nap for 10s") // trap 24: in the words of the request
	require.Equal(t, "nap", key)
	require.Equal(t, "10s", text)
}

func TestAnyTextBecomesANameAndComesBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", "every one", "ä:20", ":", "a:zz", "x\x00"} {
		require.Equal(t, text, define.Unescape(define.Escape(text)))
	}
	require.Equal(t, "not:zz", define.Unescape("not:zz"))
}
