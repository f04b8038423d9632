package admit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

// refusal is the field and the text of err; empty if there is none.
func refusal(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *fault.Error
	require.ErrorAs(t, err, &e)
	return e.Error()
}

func TestTheKeyOfARunIsChecked(t *testing.T) {
	t.Parallel()
	good := shard.Once{Key: "k", Hold: core.OnceTTL, TTLMS: 1}
	for name, c := range map[string]struct {
		change func(*shard.Once)
		says   string
	}{
		"good":             {func(*shard.Once) {}, ""},
		"at its length":    {func(o *shard.Once) { o.Key = strings.Repeat("k", admit.OnceKeyBytesMax) }, ""},
		"past its length":  {func(o *shard.Once) { o.Key = strings.Repeat("k", admit.OnceKeyBytesMax+1) }, "idempotency.key: is 513 bytes long"},
		"empty":            {func(o *shard.Once) { o.Key = "" }, "idempotency.key: is empty"},
		"unprintable":      {func(o *shard.Once) { o.Key = "a\x1f" }, "idempotency.key: has the control character"},
		"at its time":      {func(o *shard.Once) { o.TTLMS = admit.DurationMSMax }, ""},
		"past its time":    {func(o *shard.Once) { o.TTLMS = admit.DurationMSMax + 1 }, "idempotency.ttl_ms: is "},
		"for no time":      {func(o *shard.Once) { o.TTLMS = 0 }, "idempotency.ttl_ms: is empty"},
		"until its end":    {func(o *shard.Once) { o.TTLMS, o.Hold = 0, core.OnceRun }, ""},
		"of no such hold":  {func(o *shard.Once) { o.Hold = core.OnceQuiet }, "idempotency.hold: is not known"},
		"of no such other": {func(o *shard.Once) { o.Taken = core.OnceReplace + 1 }, "idempotency.on_collision: is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			once := good
			c.change(&once)
			says := refusal(t, admit.Limits{}.Run(&shard.NewRun{Workflow: "w", Once: &once}))
			require.Contains(t, says, c.says)
			require.Equal(t, c.says == "", says == "")
		})
	}
}

func TestWhatAWorkflowDeclaresAboutKeysIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keyed shard.Keyed
		says  string
	}{
		"idempotency":         {shard.Keyed{Idempotency: &shard.Idempotency{Key: "input.order", TTLMS: 1}}, ""},
		"singleton":           {shard.Keyed{Idempotency: &shard.Idempotency{Hold: "run"}}, ""},
		"no such hold":        {shard.Keyed{Idempotency: &shard.Idempotency{Hold: "quiet"}}, "workflows[0].idempotency.hold: is not known"},
		"no time":             {shard.Keyed{Idempotency: &shard.Idempotency{}}, "workflows[0].idempotency.ttl_ms: is empty"},
		"no such collision":   {shard.Keyed{Idempotency: &shard.Idempotency{TTLMS: 1, OnCollision: "wait"}}, `workflows[0].idempotency.on_collision: is "wait"`},
		"no text":             {shard.Keyed{Idempotency: &shard.Idempotency{TTLMS: 1, Key: "1 + 1"}}, "workflows[0].idempotency.key: gives a value of type int"},
		"debounce":            {shard.Keyed{Debounce: &shard.Debounce{PeriodMS: 10, MaxDelayMS: 10}}, ""},
		"no period":           {shard.Keyed{Debounce: &shard.Debounce{}}, "workflows[0].debounce.period_ms: is empty"},
		"delay within period": {shard.Keyed{Debounce: &shard.Debounce{PeriodMS: 10, MaxDelayMS: 9}}, "workflows[0].debounce.max_delay_ms: is 9"},
		"unknown variable":    {shard.Keyed{Debounce: &shard.Debounce{PeriodMS: 10, Key: "event.x"}}, "workflows[0].debounce.key: at column 1"},
		"both": {
			shard.Keyed{Idempotency: &shard.Idempotency{TTLMS: 1}, Debounce: &shard.Debounce{PeriodMS: 10}}, "workflows[0].debounce: stands beside idempotency",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			definitions, _, err := admit.Definitions([]shard.Workflow{{Name: "w", Tasks: []shard.Task{{}}, Keyed: c.keyed}})
			says := refusal(t, err)
			require.Contains(t, says, c.says)
			require.Equal(t, c.says == "", says == "")
			if err == nil {
				again, err := shard.DecodeDefinition(definitions[0].JSON)
				require.NoError(t, err)
				require.Equal(t, definitions[0].Keyed, again.Keyed)
			}
		})
	}
}

func TestTheKeyOfASingletonIsTheNameOfItsWorkflow(t *testing.T) {
	t.Parallel()
	definitions, _, err := admit.Definitions([]shard.Workflow{{
		Name: "sync", Tasks: []shard.Task{{}}, Keyed: shard.Keyed{Idempotency: &shard.Idempotency{Hold: "run"}},
	}})
	require.NoError(t, err)
	require.Equal(t, `"sync"`, definitions[0].Idempotency.Key)
}
