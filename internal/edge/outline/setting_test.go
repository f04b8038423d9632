package outline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func TestSettingsSurviveTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range []shard.SettingChange{
		{Kind: core.SettingLimit, Name: "l", Key: "k", Limit: &shard.LimitChange{Max: new(int32(0))}},
		{Kind: core.SettingLimit, Name: "l", Limit: &shard.LimitChange{Strategy: new(core.LimitQueue), AgeMS: new(int64(7))}},
		{Kind: core.SettingLimit, Name: "l", Limit: &shard.LimitChange{Strategy: new(core.LimitKeepOldest)}},
		{Kind: core.SettingQueue, Name: "q", Queue: &shard.QueueChange{ByCost: new(false), AgeMS: new(int64(7)), Spread: new(int32(2))}},
		{Kind: core.SettingQueue, Name: "q", Key: "k", Queue: &shard.QueueChange{Weight: new(int32(3_000))}},
		{Kind: core.SettingWorkflow, Name: "w", Queue: &shard.QueueChange{Paused: new(true), PausedTTLMS: new(int64(7)), DropCrons: new(true), DropOnce: new(false)}},
		{Kind: core.SettingRate, Name: "r", Rate: &shard.RateChange{Limit: new(int32(7)), PeriodMS: new(int64(8)), Smooth: new(true)}},
		{Kind: core.SettingBatch, Name: "w:t", Batch: &shard.BatchChange{SizeMax: new(int32(7)), RunningMax: new(int32(8)), BytesMax: new(int64(9)), IntervalMS: new(int64(10))}},
		{Kind: core.SettingOnce, Name: "w", Key: "k", Once: &shard.OnceChange{TTLMS: new(int64(7)), MaxDelayMS: new(int64(8)), Taken: new(core.OnceReplace)}},
	} {
		require.Equal(t, []shard.SettingChange{c}, outline.SettingsFromWire([]*wire.Setting{outline.ChangeToWire(&c)}))
		drop := shard.SettingChange{Kind: c.Kind, Name: c.Name, Key: c.Key, Drop: true}
		require.Equal(t, []shard.SettingChange{drop}, outline.DropsFromWire([]*wire.SettingName{outline.DropToWire(&drop)}))
	}
}
