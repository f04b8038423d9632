package admit_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

// refused asserts that err is of kind and names field.
func refused(t *testing.T, err error, kind fault.Kind, field string) {
	t.Helper()
	var e *fault.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, e.Error())
	require.Equal(t, field, e.Field, e.Error())
	require.NotEmpty(t, e.Text)
}

// check asserts that err is nil, or else an Invalid one that names field.
func check(t *testing.T, err error, field string) {
	t.Helper()
	if field == "" {
		require.NoError(t, err)
		return
	}
	refused(t, err, fault.Invalid, field)
}

// quoted is a JSON string of n bytes.
func quoted(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

// object is a JSON object of n bytes.
func object(n int) []byte { return []byte(`{"k":"` + strings.Repeat("x", n-8) + `"}`) }

func TestRunIsRefusedPastEachLimitAndNotAtIt(t *testing.T) {
	t.Parallel()
	limits := admit.Limits{InputBytesMax: 1_000}
	for name, c := range map[string]struct {
		run   shard.NewRun
		field string // "" = admitted
	}{
		"nothing but a name":           {shard.NewRun{}, ""},
		"name of 255":                  {shard.NewRun{Workflow: strings.Repeat("n", 255)}, ""},
		"name of 256":                  {shard.NewRun{Workflow: strings.Repeat("n", 256)}, "workflow"},
		"name with all letters":        {shard.NewRun{Workflow: "Az09._:/-"}, ""},
		"name with a space":            {shard.NewRun{Workflow: "a b"}, "workflow"},
		"name with an umlaut":          {shard.NewRun{Workflow: "ä"}, "workflow"},
		"input at its size":            {shard.NewRun{Input: quoted(1_000)}, ""},
		"input past its size":          {shard.NewRun{Input: quoted(1_001)}, "input"},
		"input not JSON":               {shard.NewRun{Input: []byte(`{"a":`)}, "input"},
		"input of two values":          {shard.NewRun{Input: []byte(`1 2`)}, "input"},
		"input not UTF-8":              {shard.NewRun{Input: []byte("\"\xff\"")}, "input"},
		"input with a NUL":             {shard.NewRun{Input: []byte(`"\u0000"`)}, "input"},
		"input with a NUL behind one":  {shard.NewRun{Input: []byte(`"\\\u0000"`)}, "input"},
		"input with the text of a NUL": {shard.NewRun{Input: []byte(`"\\u0000"`)}, ""},
		"input with text, then a NUL":  {shard.NewRun{Input: []byte(`["\\u0000","\u0000"]`)}, "input"},
		"metadata at its size":         {shard.NewRun{Metadata: object(admit.MetadataBytesMax)}, ""},
		"metadata past its size":       {shard.NewRun{Metadata: object(admit.MetadataBytesMax + 1)}, "metadata"},
		"metadata a list":              {shard.NewRun{Metadata: []byte(`[1]`)}, "metadata"},
		"metadata null":                {shard.NewRun{Metadata: []byte(`null`)}, "metadata"},
		"metadata after space":         {shard.NewRun{Metadata: []byte(" \n{}")}, ""},
		"metadata with a NUL":          {shard.NewRun{Metadata: []byte(`{"\u0000":1}`)}, "metadata"},
		"priority highest":             {shard.NewRun{Priority: core.PriorityMax}, ""},
		"priority too high":            {shard.NewRun{Priority: core.PriorityMax + 1}, "priority"},
		"priority lowest":              {shard.NewRun{Priority: core.PriorityMin}, ""},
		"priority too low":             {shard.NewRun{Priority: core.PriorityMin - 1}, "priority"},
		"delay longest":                {shard.NewRun{DelayMS: admit.DurationMSMax}, ""},
		"delay too long":               {shard.NewRun{DelayMS: admit.DurationMSMax + 1}, "delay_ms"},
		"delay negative":               {shard.NewRun{DelayMS: -1}, "delay_ms"},
		"run-at latest":                {shard.NewRun{RunAt: core.Time(admit.RunAtMSMax)}, ""},
		"run-at too late":              {shard.NewRun{RunAt: core.Time(admit.RunAtMSMax) + 1}, "run_at_ms"},
		"run-at negative":              {shard.NewRun{RunAt: -1}, "run_at_ms"},
		"run-at beside a delay":        {shard.NewRun{RunAt: 1, DelayMS: 1}, "delay_ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.run.Workflow == "" {
				c.run.Workflow = "w"
			}
			check(t, limits.Run(&c.run), c.field)
		})
	}
}

func TestRunWithoutANameIsRefused(t *testing.T) {
	t.Parallel()
	refused(t, admit.Limits{}.Run(&shard.NewRun{}), fault.Invalid, "workflow")
}

func TestEmptyInputIsNull(t *testing.T) {
	t.Parallel()
	run := shard.NewRun{Workflow: "w"}
	require.NoError(t, admit.Limits{}.Run(&run))
	require.Equal(t, "null", string(run.Input))
	require.Nil(t, run.Metadata)
}

func TestInputMayHaveFourMiBUnlessConfigured(t *testing.T) {
	t.Parallel()
	run := shard.NewRun{Workflow: "w", Input: quoted(4 << 20)}
	require.NoError(t, admit.Limits{}.Run(&run))
	run.Input = quoted(4<<20 + 1)
	refused(t, admit.Limits{}.Run(&run), fault.Invalid, "input")
}

func TestCallIsRefusedPastItsNumberOfItems(t *testing.T) {
	t.Parallel()
	check(t, admit.Count("runs", admit.RunsMax, admit.RunsMax), "")
	check(t, admit.Count("runs", admit.RunsMax+1, admit.RunsMax), "runs")
	check(t, admit.Count("runs", 0, admit.RunsMax), "runs")
}

func TestReasonIsRefusedPastItsSize(t *testing.T) {
	t.Parallel()
	check(t, admit.Reason(strings.Repeat("x", 1_024)), "")
	check(t, admit.Reason(strings.Repeat("x", 1_025)), "reason")
	check(t, admit.Reason("a\x00b"), "reason")
	check(t, admit.Reason("\xff"), "reason")
}

func TestTaskIsRefusedPastEachLimitAndNotAtIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		task  shard.Task
		field string // of the task; "" = admitted
	}{
		"all defaults":         {shard.Task{}, ""},
		"action too long":      {shard.Task{Action: strings.Repeat("a", 256)}, "action"},
		"most retries":         {shard.Task{Retries: 1_000}, ""},
		"too many retries":     {shard.Task{Retries: 1_001}, "retries"},
		"negative retries":     {shard.Task{Retries: -1}, "retries"},
		"longest timeout":      {shard.Task{ExecutionTimeoutMS: admit.DurationMSMax}, ""},
		"timeout too long":     {shard.Task{ExecutionTimeoutMS: admit.DurationMSMax + 1}, "execution_timeout_ms"},
		"negative timeout":     {shard.Task{ExecutionTimeoutMS: -1}, "execution_timeout_ms"},
		"negative wait":        {shard.Task{ScheduleTimeoutMS: -1}, "schedule_timeout_ms"},
		"factor of one":        {shard.Task{Backoff: shard.Backoff{Factor: 1}}, ""},
		"factor below one":     {shard.Task{Backoff: shard.Backoff{Factor: 0.99}}, "backoff.factor"},
		"largest factor":       {shard.Task{Backoff: shard.Backoff{Factor: 1_000}}, ""},
		"factor too large":     {shard.Task{Backoff: shard.Backoff{Factor: 1_001}}, "backoff.factor"},
		"factor not a number":  {shard.Task{Backoff: shard.Backoff{Factor: math.NaN()}}, "backoff.factor"},
		"negative pause":       {shard.Task{Backoff: shard.Backoff{InitialMS: -1}}, "backoff.initial_ms"},
		"negative bound":       {shard.Task{Backoff: shard.Backoff{MaxMS: -1}}, "backoff.max_ms"},
		"bound below pause":    {shard.Task{Backoff: shard.Backoff{InitialMS: 10, MaxMS: 9}}, "backoff.max_ms"},
		"pause above a minute": {shard.Task{Backoff: shard.Backoff{InitialMS: 90_000}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := admit.Definitions([]shard.Workflow{{Name: "w", Tasks: []shard.Task{c.task}}})
			if c.field != "" {
				c.field = "workflows[0].tasks[0]." + c.field
			}
			check(t, err, c.field)
		})
	}
}

func TestDefinitionGetsItsDefaults(t *testing.T) {
	t.Parallel()
	definitions, _, err := admit.Definitions([]shard.Workflow{{Name: "w", Tasks: []shard.Task{{}}}})
	require.NoError(t, err)
	want := core.Definition{
		Workflow: "w", Task: "w", Action: "w",
		BackoffMS: 1_000, BackoffMaxMS: 60_000, BackoffFactor: 2,
	}
	require.Equal(t, want, definitions[0].Core)

	decoded, err := shard.DecodeDefinition(definitions[0].JSON)
	require.NoError(t, err)
	require.Equal(t, definitions[0], decoded)
	require.Nil(t, decoded.Graph)
}

func TestTaskNamedOtherwiseHasAnActionOfBothNames(t *testing.T) {
	t.Parallel()
	definitions, _, err := admit.Definitions([]shard.Workflow{{Name: "w", Tasks: []shard.Task{{Name: "t"}}}})
	require.NoError(t, err)
	require.Equal(t, "w:t", definitions[0].Core.Action)
}

func TestOneNameWithTwoContentsClashes(t *testing.T) {
	t.Parallel()
	one := shard.Workflow{Name: "w", Tasks: []shard.Task{{}}}
	// The same after defaults is the same.
	same := shard.Workflow{Name: "w", Tasks: []shard.Task{{Name: "w", Action: "w"}}}
	other := shard.Workflow{Name: "w", Tasks: []shard.Task{{Retries: 1}}}

	definitions, place, err := admit.Definitions([]shard.Workflow{one, {Name: "v", Tasks: []shard.Task{{}}}, same})
	require.NoError(t, err)
	require.Len(t, definitions, 2)
	require.Equal(t, []int{0, 1, 0}, place)

	_, _, err = admit.Definitions([]shard.Workflow{one, other})
	refused(t, err, fault.Conflict, "workflows[1].name")
}

func TestWorkerIsRefusedPastEachLimitAndNotAtIt(t *testing.T) {
	t.Parallel()
	actions := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = "a"
		}
		return list
	}
	for name, c := range map[string]struct {
		hello shard.Hello
		field string
	}{
		"most actions":         {shard.Hello{Actions: actions(1_000), Slots: 1}, ""},
		"too many actions":     {shard.Hello{Actions: actions(1_001), Slots: 1}, "actions"},
		"no action":            {shard.Hello{Slots: 1}, "actions"},
		"action with a space":  {shard.Hello{Actions: []string{"a", "b c"}, Slots: 1}, "actions[1]"},
		"most slots":           {shard.Hello{Actions: actions(1), Slots: 100_000}, ""},
		"too many slots":       {shard.Hello{Actions: actions(1), Slots: 100_001}, "slots"},
		"no slots":             {shard.Hello{Actions: actions(1)}, "slots"},
		"no slots, come back":  {shard.Hello{Actions: actions(1), Worker: 7}, ""},
		"negative, come back":  {shard.Hello{Actions: actions(1), Worker: 7, Slots: -1}, "slots"},
		"longest name":         {shard.Hello{Actions: actions(1), Slots: 1, Name: strings.Repeat("ä", 127)}, ""},
		"name too long":        {shard.Hello{Actions: actions(1), Slots: 1, Name: strings.Repeat("ä", 128)}, "name"},
		"SDK with a NUL":       {shard.Hello{Actions: actions(1), Slots: 1, SDK: "\x00"}, "sdk"},
		"most that it runs":    {shard.Hello{Actions: actions(1), Slots: 1, Running: make([]core.Claim, 100_000)}, ""},
		"more than can be run": {shard.Hello{Actions: actions(1), Slots: 1, Running: make([]core.Claim, 100_001)}, "running"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, admit.Hello(&c.hello), c.field)
		})
	}
	check(t, admit.Slots(0), "")
	check(t, admit.Slots(100_001), "slots")
	check(t, admit.Refresh(1), "")
	check(t, admit.Refresh(0), "by_ms")
	check(t, admit.Refresh(admit.DurationMSMax+1), "by_ms")
}

func TestOutputThatCannotBeStoredFailsTheAttemptForGood(t *testing.T) {
	t.Parallel()
	limits := admit.Limits{OutputBytesMax: 100}
	for name, output := range map[string][]byte{
		"too large": quoted(101), "not JSON": []byte("{"), "a NUL": []byte(`"\u0000"`),
	} {
		item := core.ReportItem{Task: 1, Attempt: 2, Token: 3, Kind: core.ReportCompleted, Output: output}
		require.NoError(t, limits.Report(&item, nil), name)
		require.Equal(t, core.ReportFailed, item.Kind, name)
		require.True(t, item.NonRetryable, name)
		require.Nil(t, item.Output, name)
		require.Contains(t, item.Error, "output: ", name)
		require.EqualValues(t, 3, item.Token, name)
	}
	item := core.ReportItem{Kind: core.ReportCompleted, Output: quoted(100)}
	require.NoError(t, limits.Report(&item, nil))
	require.Equal(t, core.ReportCompleted, item.Kind)
}

func TestErrorOfAnAttemptIsCutAndStorable(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"long": strings.Repeat("ä", 40_000), "NUL": "a\x00b", "not UTF-8": "\xff", "empty": "",
	} {
		item := core.ReportItem{Kind: core.ReportFailed, Error: text}
		require.NoError(t, admit.Limits{}.Report(&item, nil), name)
		require.NotEmpty(t, item.Error, name)
		require.LessOrEqual(t, len(item.Error), admit.ReportErrorBytesMax, name)
		require.True(t, storableText(item.Error), name)
	}
	whole := core.ReportItem{Kind: core.ReportFailed, Error: strings.Repeat("x", admit.ReportErrorBytesMax)}
	require.NoError(t, admit.Limits{}.Report(&whole, nil))
	require.NotContains(t, whole.Error, "cut")
}

func TestReportOfNoKindIsRefused(t *testing.T) {
	t.Parallel()
	refused(t, admit.Limits{}.Report(&core.ReportItem{}, nil), fault.Invalid, "kind")
}
