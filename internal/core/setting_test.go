package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// limitSettings are n of different names, from a number on.
func limitSettings(from, n int) []Setting {
	list := make([]Setting, n)
	for i := range list {
		list[i] = Setting{Tenant: tenant, Kind: SettingLimit, Name: fmt.Sprint(from + i), Limit: LimitSetting{Max: 1}}
	}
	return list
}

func TestSettingsAreRefusedPastTheirNumberAllOrNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	answered := func(settings []Setting) (AnswerKind, int) {
		out := r.apply(&Set{Ref: 7, Settings: settings})
		require.Len(t, out.Answers, 1)
		return out.Answers[0].Kind, len(out.Settings)
	}
	kind, stored := answered(limitSettings(0, SettingsMax))
	require.Equal(t, AnswerDone, kind)
	require.Equal(t, SettingsMax, stored)
	kind, stored = answered(limitSettings(SettingsMax-1, 2))
	require.Equal(t, AnswerFull, kind)
	require.Zero(t, stored)
	swap := limitSettings(SettingsMax-1, 2)
	swap[0].Dropped = true
	kind, stored = answered(swap)
	require.Equal(t, AnswerDone, kind)
	require.Equal(t, 2, stored)
}

func TestWhatWorksSoAlreadyIsNotStoredAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	declared := limitSettings(0, 2)
	require.Len(t, r.apply(&Set{Settings: declared}).Settings, 2)
	declared[1].Limit.Max = 5
	require.Equal(t, declared[1:], r.apply(&Set{Settings: declared}).Settings)
	unknown := limitSettings(9, 1)
	unknown[0].Dropped = true
	require.Empty(t, r.apply(&Set{Settings: unknown}).Settings)
}

// TestWhatIsDroppedIsForgotten: names are whatever callers say, and nothing of one is left
// once nothing goes by it.
func TestWhatIsDroppedIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	known := func() []int {
		return []int{
			len(r.queues), len(r.limits), len(r.rates), len(r.workflows), len(r.batchRules), len(r.onceRules), len(r.Shard.pauses), len(r.settings),
		}
	}
	before := known()
	for _, key := range []string{"", "key"} {
		settings := []Setting{
			{Kind: SettingQueue, Queue: QueueSetting{Weight: 2_000, Paused: key == ""}},
			{Kind: SettingWorkflow, Queue: QueueSetting{Paused: key == ""}},
			{Kind: SettingLimit, Limit: LimitSetting{Max: 1}},
			{Kind: SettingRate, Rate: RateSetting{Limit: 1, PeriodMS: 1_000}},
			{Kind: SettingBatch, Batch: BatchSetting{SizeMax: 1}},
			{Kind: SettingOnce, Once: OnceSetting{TTLMS: 1}},
		}
		for i := range settings {
			settings[i].Tenant, settings[i].Name, settings[i].Key = tenant, "anything", key
		}
		r.apply(&Set{Settings: settings})
		require.NotEqual(t, before, known())
		for i := range settings {
			settings[i].Dropped = true
		}
		r.apply(&Set{Settings: settings})
		require.Equal(t, before, known())
	}
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{AgeMS: 1}}}})
	r.submit(1, nil)
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: "act", Dropped: true}}})
	require.Len(t, r.join(worker1, 1).Assigned, 1, "what waits in it is where it was")
}
