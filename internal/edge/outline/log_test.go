package outline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

var conditions = []core.Condition{
	{Kind: core.OnSleep, Due: 5},
	{Kind: core.OnSleep, ForMS: 6, Group: 1},
	{Kind: core.OnEvent, Key: "paid", Scope: "x", Scoped: true, Filter: "event.n > 1", After: 7, Group: 2},
	{Kind: core.OnEvent, Key: "stop", Signal: true},
	{Kind: core.OnRuns, Runs: []id.ID{8, 9}},
}

func TestNewEntriesSurviveTheWire(t *testing.T) {
	t.Parallel()
	for _, e := range []core.NewEntry{
		{Index: 1, Kind: core.EntryStep, Name: "s", Data: core.Payload("1"), Error: "no"},
		{Index: 2, Kind: core.EntryWait, Name: "w", Conditions: conditions},
		{Index: 3, Kind: core.EntryAnswer, Name: "a", Event: 11},
	} {
		back, spawn := outline.NewEntryFromWire(outline.NewEntryToWire(&e, nil))
		require.Equal(t, &e, back)
		require.Empty(t, spawn)
	}
	children := []shard.NewRun{
		{Workflow: "a", Input: []byte("1"), Priority: 2, DelayMS: 3, Policy: core.CloseCancel},
		{Workflow: "b", Metadata: []byte("{}"), RunAt: 4, Policy: core.CloseCancel},
	}
	e := core.NewEntry{Index: 4, Kind: core.EntrySpawn, Name: "c", Policy: core.CloseCancel}
	back, spawn := outline.NewEntryFromWire(outline.NewEntryToWire(&e, children))
	require.Equal(t, &e, back)
	require.Equal(t, children, spawn)
}

func TestLogsSurviveTheWire(t *testing.T) {
	t.Parallel()
	log := []core.Entry{
		{Index: 1, Kind: core.EntryStep, Name: "s", Data: core.Payload("1"), At: 5},
		{Index: 2, Kind: core.EntryWait, Name: "w", Conditions: conditions, At: 6},
	}
	require.Equal(t, log, outline.LogFromWire(outline.LogToWire(log)))
	mets := []core.Met{{Task: 1, Token: 2, Index: 3, Condition: 4, Order: 5, At: 6, Event: 7, Data: core.Payload("8")}}
	require.Equal(t, mets, outline.MetsFromWire(outline.MetsToWire(mets)))
}

func TestWhatIsNoKindIsNone(t *testing.T) {
	t.Parallel()
	e, _ := outline.NewEntryFromWire(&wire.NewEntry{Kind: 99, Conditions: []*wire.WaitCondition{{}, {Event: "e", UntilMs: 1}}})
	require.Zero(t, e.Kind)
	require.Zero(t, e.Conditions[0].Kind)
	require.Zero(t, e.Conditions[1].Kind)
	runs := outline.RunsFromWire([]*wire.NewRun{{OnClose: 7}})
	require.Greater(t, runs[0].Policy, core.CloseCancel)
}
