package admit_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func TestFlowOfAWorkflowIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	limits := func(l ...shard.Limit) shard.Workflow { return shard.Workflow{Limits: l} }
	many := func(n int) (list []shard.Limit) {
		for range n {
			list = append(list, shard.Limit{Max: 1})
		}
		return list
	}
	queues := func(tasks int, q ...shard.Queue) shard.Workflow {
		w := shard.Workflow{Queues: q}
		for i := range tasks {
			w.Tasks = append(w.Tasks, named(fmt.Sprintf("t%d", i)))
		}
		return w
	}
	for name, c := range map[string]struct {
		workflow shard.Workflow
		field    string // "" = admitted
	}{
		"a key":                        {shard.Workflow{Key: "input.customer"}, ""},
		"a key that is a number":       {shard.Workflow{Key: "1 + 2"}, ""},
		"a key that is a list":         {shard.Workflow{Key: "[1]"}, "key"},
		"a key of the output":          {shard.Workflow{Key: "output.a"}, "key"},
		"highest priority":             {shard.Workflow{Priority: core.PriorityMax}, ""},
		"priority too high":            {shard.Workflow{Priority: core.PriorityMax + 1}, "priority"},
		"most limits":                  {limits(many(admit.LimitsMax)...), ""},
		"too many limits":              {limits(many(admit.LimitsMax + 1)...), "limits"},
		"a limit of one":               {limits(shard.Limit{}), ""},
		"a limit of fewer than none":   {limits(shard.Limit{Max: -1}), "limits[0].max"},
		"a limit too high":             {limits(shard.Limit{Max: shard.LimitMax + 1}), "limits[0].max"},
		"a maximum that is a text":     {limits(shard.Limit{MaxExpression: `"a"`}), "limits[0].max_expression"},
		"a maximum of the input":       {limits(shard.Limit{MaxExpression: "input.seats"}), ""},
		"no strategy":                  {limits(shard.Limit{Strategy: "lifo"}), "limits[0].strategy"},
		"a strategy without a maximum": {limits(shard.Limit{Name: "l", Strategy: "fifo"}), "limits[0].strategy"},
		"a slow line":                  {limits(shard.Limit{AgeMS: admit.DurationMSMax}), ""},
		"a line too slow":              {limits(shard.Limit{AgeMS: admit.DurationMSMax + 1}), "limits[0].age_ms"},
		"a line that grows young":      {limits(shard.Limit{AgeMS: -1}), "limits[0].age_ms"},
		"ageing by order":              {limits(shard.Limit{Strategy: "fifo", AgeMS: 1}), "limits[0].age_ms"},
		"ageing for one to cancel":     {limits(shard.Limit{Strategy: "keep_newest", AgeMS: 1}), "limits[0].age_ms"},
		"ageing without a maximum":     {limits(shard.Limit{Name: "l", AgeMS: 1}), "limits[0].age_ms"},
		"a limit of others":            {limits(shard.Limit{Name: "l"}), ""},
		"a limit twice":                {limits(shard.Limit{Name: "l"}, shard.Limit{Name: "l"}), "limits[1].name"},
		"a name with a #":              {limits(shard.Limit{Name: "l#1"}), "limits[0].name"},
		"the queue of its task":        {queues(1, shard.Queue{ByCost: true}), ""},
		"the queue of which task":      {queues(2, shard.Queue{ByCost: true}), "queues[0].name"},
		"a queue of strangers":         {queues(1, shard.Queue{Name: "mail"}), "queues[0].name"},
		"a queue twice":                {queues(2, shard.Queue{Name: "w:t0"}, shard.Queue{Name: "w:t0"}), "queues[1].name"},
		"ageing too slow":              {queues(1, shard.Queue{AgeMS: admit.DurationMSMax + 1}), "queues[0].age_ms"},
		"a bad queue": {
			shard.Workflow{Tasks: []shard.Task{{Queue: "a b"}}}, "tasks[0].queue",
		},
		"a limit that the run has already": {
			shard.Workflow{Limits: []shard.Limit{{Name: "l", Max: 1}}, Tasks: []shard.Task{{Limits: []shard.Limit{{Name: "l"}}}}},
			"tasks[0].limits[0].name",
		},
		"a limit of two minds": {
			shard.Workflow{Tasks: []shard.Task{
				{Name: "a", Limits: []shard.Limit{{Name: "l", Max: 1}}}, {Name: "b", Limits: []shard.Limit{{Name: "l", Max: 2}}},
			}},
			"tasks[1].limits[0].max",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.workflow.Name = "w"
			if c.workflow.Tasks == nil {
				c.workflow.Tasks = []shard.Task{{}}
			}
			_, _, err := admit.Definitions([]shard.Workflow{c.workflow})
			if c.field != "" {
				c.field = "workflows[0]." + c.field
			}
			check(t, err, c.field)
		})
	}
}

func TestLimitsAndQueuesComeToTheCore(t *testing.T) {
	t.Parallel()
	definitions, _, err := admit.Definitions([]shard.Workflow{{
		Name: "w", Limits: []shard.Limit{{Key: "input.customer", Max: 3, AgeMS: 7}, {MaxExpression: "input.seats"}}, Queues: []shard.Queue{{ByCost: true}},
		Tasks: []shard.Task{{Queue: "mail", Limits: []shard.Limit{{Name: "smtp", Max: 2, Strategy: "fifo"}, {Name: "other"}}}},
	}})
	require.NoError(t, err)
	d := definitions[0]
	require.Equal(t, []string{"w#1", "w#2", "other", "smtp"}, d.Core.Limits)
	require.Equal(t, "mail", d.Core.Queue)
	require.Equal(t, []core.Setting{
		{Kind: core.SettingQueue, Name: "mail", Declared: true, Queue: core.QueueSetting{ByCost: true}},
		{Kind: core.SettingLimit, Name: "w#1", Declared: true, Limit: core.LimitSetting{Max: 3, AgeMS: 7}},
		{Kind: core.SettingLimit, Name: "w#2", Declared: true, Limit: core.LimitSetting{Max: 1, ByRun: true}},
		{Kind: core.SettingLimit, Name: "smtp", Declared: true, Limit: core.LimitSetting{Max: 2, Strategy: core.LimitFIFO}},
	}, d.Flow.Declared)
	decoded, err := shard.DecodeDefinition(d.JSON)
	require.NoError(t, err)
	require.Equal(t, d, decoded)
}
