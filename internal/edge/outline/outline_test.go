package outline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func TestWorkflowSurvivesTheWire(t *testing.T) {
	t.Parallel()
	w := shard.Workflow{
		Name: "order", Description: "all of an order", Key: "input.customer", Priority: 7,
		Limits: []shard.Limit{{Name: "l", Key: "input.a", Max: 3, Strategy: "keep_oldest", AgeMS: 7}, {MaxExpression: "input.b"}},
		Queues: []shard.Queue{{Name: "mail", ByCost: true, AgeMS: 60_000}},
		Tasks: []shard.Task{
			{
				Name: "charge", Action: "order:charge", Retries: 3,
				Backoff:           shard.Backoff{InitialMS: 1, Factor: 2, MaxMS: 3},
				ScheduleTimeoutMS: 4, ExecutionTimeoutMS: 5, Description: "takes the money", Durable: true,
				Queue: "mail", Limits: []shard.Limit{{Max: 1, Strategy: "queue"}},
			},
			{Name: "tell", Batch: &shard.Batch{SizeMax: 1, IntervalMS: 2, BytesMax: 3, Key: "input.to", RunningMax: 4}},
			{
				Name: "ship", Parents: []string{"charge"},
				SkipIf:   []shard.TaskCondition{{Parent: "charge", Expression: "output == 0"}},
				CancelIf: []shard.TaskCondition{{Parent: "charge", Expression: "output < 0"}},
			},
			{
				Name: "remind", Parents: []string{"charge"},
				WaitFor: []shard.TaskCondition{{SleepMS: 1_000}, {Any: []shard.TaskCondition{
					{Event: "order.seen", Scope: "input.id", If: "event.by != ''"}, {Parent: "charge", Expression: "output > 9"},
				}}},
				SkipIf: []shard.TaskCondition{{All: []shard.TaskCondition{{Event: "a"}, {SleepMS: 1}}}},
			},
			{
				Name: "label", Parents: []string{"ship"}, Durable: true,
				Map: &shard.Map{Over: "ship", Workflow: "order:label.each", Concurrency: 7, KeepGoing: true},
			},
			{Name: "refund", Role: shard.RoleOnFailure},
			{Name: "thank", Role: shard.RoleOnSuccess},
		},
		Triggers: []shard.Trigger{{Event: "order.*", Expression: "event.total > 0"}, {Event: "paid"}},
	}
	require.Equal(t, []shard.Workflow{w}, outline.FromWire([]*wire.Workflow{outline.ToWire(&w)}))
}

func TestKeysSurviveTheWire(t *testing.T) {
	t.Parallel()
	for _, keyed := range []shard.Keyed{
		{},
		{Idempotency: &shard.Idempotency{Key: "input.order", TTLMS: 7, Hold: "ttl", OnCollision: "existing"}},
		{Idempotency: &shard.Idempotency{Hold: "run", OnCollision: "replace"}},
		{Debounce: &shard.Debounce{Key: "input.user", PeriodMS: 7, MaxDelayMS: 8}},
	} {
		w := shard.Workflow{Name: "w", Keyed: keyed}
		require.Equal(t, []shard.Workflow{w}, outline.FromWire([]*wire.Workflow{outline.ToWire(&w)}))
	}
	runs := []shard.NewRun{
		{Workflow: "w", Once: &shard.Once{Key: "k", TTLMS: 7, Hold: core.OnceTTL, Taken: core.OnceExisting}},
		{Workflow: "w", Once: &shard.Once{Key: "k", Hold: core.OnceRun}},
		{Workflow: "w"},
	}
	require.Equal(t, runs, outline.RunsFromWire(outline.RunsToWire(runs, shard.Parent{})))
	unknown := outline.RunsFromWire([]*wire.NewRun{{Idempotency: &wire.IdempotencyKey{Hold: 9, OnCollision: 9}}})[0].Once
	require.Zero(t, unknown.Hold)
	require.Greater(t, unknown.Taken, core.OnceReplace, "for edge/admit to refuse")
}

func TestUnknownRoleStaysUnknown(t *testing.T) {
	t.Parallel()
	w := shard.Workflow{Tasks: []shard.Task{{Role: "on_tuesday"}}}
	back := outline.FromWire([]*wire.Workflow{outline.ToWire(&w)})
	require.Equal(t, shard.Role("-1"), back[0].Tasks[0].Role)
}
