package admit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func newEntry(kind core.EntryKind, name string) core.NewEntry {
	return core.NewEntry{Index: 1, Kind: kind, Name: name}
}

func waitFor(conditions ...core.Condition) core.NewEntry {
	e := newEntry(core.EntryWait, "w")
	e.Conditions = conditions
	return e
}

func runs(n int) []id.ID {
	all := make([]id.ID, n)
	for i := range all {
		all[i] = id.ID(i + 1)
	}
	return all
}

func TestEntriesAreBounded(t *testing.T) {
	t.Parallel()
	step := func(change func(*core.NewEntry)) core.NewEntry {
		e := newEntry(core.EntryStep, "s")
		change(&e)
		return e
	}
	sleep := core.Condition{Kind: core.OnSleep, ForMS: 1}
	event := func(change func(*core.Condition)) core.NewEntry {
		c := core.Condition{Kind: core.OnEvent, Key: "k"}
		change(&c)
		return waitFor(c)
	}
	for name, c := range map[string]struct {
		entry core.NewEntry
		field string
	}{
		"step":                  {newEntry(core.EntryStep, "s"), ""},
		"no kind":               {newEntry(0, "s"), "kind"},
		"no name":               {newEntry(core.EntryStep, ""), "name"},
		"longest name":          {newEntry(core.EntryPatch, strings.Repeat("x", 255)), ""},
		"name too long":         {newEntry(core.EntryPatch, strings.Repeat("x", 256)), "name"},
		"index 0":               {step(func(e *core.NewEntry) { e.Index = 0 }), "index"},
		"last index":            {step(func(e *core.NewEntry) { e.Index = 1_000_000 }), ""},
		"index past the last":   {step(func(e *core.NewEntry) { e.Index = 1_000_001 }), "index"},
		"largest data":          {step(func(e *core.NewEntry) { e.Data = quoted(100) }), ""},
		"data too large":        {step(func(e *core.NewEntry) { e.Data = quoted(101) }), "data"},
		"data is no JSON":       {step(func(e *core.NewEntry) { e.Data = core.Payload("{") }), "data"},
		"answer to nothing":     {newEntry(core.EntryAnswer, "a"), "event_id"},
		"no conditions":         {waitFor(), "conditions"},
		"most conditions":       {waitFor(repeat(sleep, 30)...), ""},
		"too many conditions":   {waitFor(repeat(sleep, 31)...), "conditions"},
		"condition of nothing":  {waitFor(core.Condition{}), "conditions[0]"},
		"largest group":         {waitFor(core.Condition{Kind: core.OnSleep, ForMS: 1, Group: 29}), ""},
		"group too large":       {waitFor(core.Condition{Kind: core.OnSleep, ForMS: 1, Group: 30}), "conditions[0].group"},
		"longest sleep":         {waitFor(core.Condition{Kind: core.OnSleep, ForMS: admit.DurationMSMax}), ""},
		"sleep too long":        {waitFor(sleep, core.Condition{Kind: core.OnSleep, ForMS: admit.DurationMSMax + 1}), "conditions[1].for_ms"},
		"time out of range":     {waitFor(core.Condition{Kind: core.OnSleep, Due: core.Time(admit.RunAtMSMax) + 1}), "conditions[0].until_ms"},
		"two times":             {waitFor(core.Condition{Kind: core.OnSleep, Due: 1, ForMS: 1}), "conditions[0].for_ms"},
		"longest key":           {event(func(c *core.Condition) { c.Key = strings.Repeat("x", 255) }), ""},
		"key too long":          {event(func(c *core.Condition) { c.Key = strings.Repeat("x", 256) }), "conditions[0].event"},
		"scope too long":        {event(func(c *core.Condition) { c.Scope = strings.Repeat("x", 256) }), "conditions[0].scope"},
		"filter":                {event(func(c *core.Condition) { c.Filter = "event.n > 1 && scope == 'x'" }), ""},
		"filter that is no CEL": {event(func(c *core.Condition) { c.Filter = "event.n >" }), "conditions[0].filter"},
		"most runs":             {waitFor(core.Condition{Kind: core.OnRuns, Runs: runs(10_000)}), ""},
		"too many runs":         {waitFor(core.Condition{Kind: core.OnRuns, Runs: runs(10_001)}), "conditions[0].runs"},
		"run 0":                 {waitFor(core.Condition{Kind: core.OnRuns, Runs: []id.ID{1, 0}}), "conditions[0].runs[1]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, admit.Limits{OutputBytesMax: 100}.Entry(&c.entry, nil), c.field)
		})
	}
}

func repeat(c core.Condition, n int) []core.Condition {
	all := make([]core.Condition, n)
	for i := range all {
		all[i] = c
	}
	return all
}

func TestChildrenOfALogAreBounded(t *testing.T) {
	t.Parallel()
	children := func(n int, change func(*shard.NewRun)) []shard.NewRun {
		all := make([]shard.NewRun, n)
		for i := range all {
			all[i].Workflow = "child"
		}
		if n > 0 {
			change(&all[n-1])
		}
		return all
	}
	same := func(*shard.NewRun) {}
	for name, c := range map[string]struct {
		spawn []shard.NewRun
		field string
	}{
		"none":           {nil, "spawn"},
		"most":           {children(1_000, same), ""},
		"too many":       {children(1_001, same), "spawn"},
		"bad run":        {children(2, func(r *shard.NewRun) { r.Workflow = "" }), "spawn[1].workflow"},
		"key":            {children(2, func(r *shard.NewRun) { r.Key = "k" }), "spawn[1].key"},
		"mixed policies": {children(2, func(r *shard.NewRun) { r.Policy = core.CloseCancel }), "spawn[1].on_close"},
		"unknown policy": {children(1, func(r *shard.NewRun) { r.Policy = 2 }), "spawn[0].on_close"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEntry(core.EntrySpawn, "child")
			check(t, admit.Limits{}.Entry(&e, c.spawn), c.field)
		})
	}
}

func TestEntryThatCannotBeStoredFailsTheAttemptForGood(t *testing.T) {
	t.Parallel()
	e := newEntry(core.EntryStep, "weigh")
	e.Data = quoted(101)
	item := core.ReportItem{Task: 1, Attempt: 2, Token: 3, Kind: core.ReportEntry, Entry: &e}
	require.NoError(t, admit.Limits{OutputBytesMax: 100}.Report(&item, nil))
	require.Equal(t, core.ReportFailed, item.Kind)
	require.True(t, item.NonRetryable)
	require.Contains(t, item.Error, `step "weigh": data: is 101 bytes`)
	require.EqualValues(t, 3, item.Token)
}
