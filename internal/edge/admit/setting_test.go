package admit_test

import (
	"strings"
	"testing"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func TestSettingIsRefusedPastEachLimitAndNotAtIt(t *testing.T) {
	t.Parallel()
	limit := func(c shard.LimitChange) shard.SettingChange {
		return shard.SettingChange{Kind: core.SettingLimit, Name: "l", Limit: &c}
	}
	queue := func(key string, c shard.QueueChange) shard.SettingChange {
		return shard.SettingChange{Kind: core.SettingQueue, Name: "q", Key: key, Queue: &c}
	}
	batch := func(c shard.BatchChange) shard.SettingChange {
		return shard.SettingChange{Kind: core.SettingBatch, Name: "b", Batch: &c}
	}
	once := func(c shard.OnceChange) shard.SettingChange {
		return shard.SettingChange{Kind: core.SettingOnce, Name: "o", Once: &c}
	}
	rate := func(key string, c shard.RateChange) shard.SettingChange {
		return shard.SettingChange{Kind: core.SettingRate, Name: "r", Key: key, Rate: &c}
	}
	called := func(name string) shard.SettingChange {
		return shard.SettingChange{Kind: core.SettingLimit, Name: name, Drop: true}
	}
	for name, c := range map[string]struct {
		change shard.SettingChange
		field  string // "" = admitted
	}{
		"no place at all":       {limit(shard.LimitChange{Max: new(int32(0))}), ""},
		"fewer than none":       {limit(shard.LimitChange{Max: new(int32(-1))}), "limit.max"},
		"most places":           {limit(shard.LimitChange{Max: new(int32(shard.LimitMax))}), ""},
		"too many places":       {limit(shard.LimitChange{Max: new(int32(shard.LimitMax + 1))}), "limit.max"},
		"no strategy":           {limit(shard.LimitChange{Strategy: new(core.Strategy(200))}), "limit.strategy"},
		"slowest line":          {limit(shard.LimitChange{AgeMS: new(admit.DurationMSMax)}), ""},
		"line too slow":         {limit(shard.LimitChange{AgeMS: new(admit.DurationMSMax + 1)}), "limit.age_ms"},
		"line that grows young": {limit(shard.LimitChange{AgeMS: new(int64(-1))}), "limit.age_ms"},
		"lightest key":          {queue("k", shard.QueueChange{Weight: new(int32(1))}), ""},
		"weightless key":        {queue("k", shard.QueueChange{Weight: new(int32(0))}), "queue.weight"},
		"heaviest key":          {queue("k", shard.QueueChange{Weight: new(int32(admit.WeightMax))}), ""},
		"key too heavy":         {queue("k", shard.QueueChange{Weight: new(int32(admit.WeightMax + 1))}), "queue.weight"},
		"weight without a key":  {queue("", shard.QueueChange{Weight: new(int32(1))}), "queue.weight"},
		"key that is paused":    {queue("k", shard.QueueChange{Weight: new(int32(1)), Paused: new(true)}), "queue.weight"},
		"longest key":           {queue(strings.Repeat("k", shard.KeyBytesMax), shard.QueueChange{Weight: new(int32(1))}), ""},
		"key too long":          {queue(strings.Repeat("k", shard.KeyBytesMax+1), shard.QueueChange{Weight: new(int32(1))}), "key"},
		"slowest ageing":        {queue("", shard.QueueChange{AgeMS: new(admit.DurationMSMax)}), ""},
		"ageing too slow":       {queue("", shard.QueueChange{AgeMS: new(admit.DurationMSMax + 1)}), "queue.age_ms"},
		"largest batch":         {batch(shard.BatchChange{SizeMax: new(int32(admit.BatchSizeMax)), RunningMax: new(int32(admit.BatchRunningMax))}), ""},
		"batch too large":       {batch(shard.BatchChange{SizeMax: new(int32(admit.BatchSizeMax + 1))}), "batch.size_max"},
		"most batches":          {batch(shard.BatchChange{RunningMax: new(int32(admit.BatchRunningMax + 1))}), "batch.running_max"},
		"most bytes":            {batch(shard.BatchChange{BytesMax: new(int64(admit.BatchBytesMax))}), ""},
		"too many bytes":        {batch(shard.BatchChange{BytesMax: new(int64(admit.BatchBytesMax + 1))}), "batch.bytes_max"},
		"batch that waits":      {batch(shard.BatchChange{IntervalMS: new(admit.DurationMSMax + 1)}), "batch.interval_ms"},
		"longest hold":          {once(shard.OnceChange{TTLMS: new(admit.DurationMSMax), MaxDelayMS: new(admit.DurationMSMax)}), ""},
		"hold too long":         {once(shard.OnceChange{TTLMS: new(admit.DurationMSMax + 1)}), "once.ttl_ms"},
		"delay too long":        {once(shard.OnceChange{MaxDelayMS: new(admit.DurationMSMax + 1)}), "once.max_delay_ms"},
		"no such collision":     {once(shard.OnceChange{Taken: new(core.OnceTaken(200))}), "once.on_collision"},
		"limit of a workflow":   {called("w#1"), ""},
		"limit of a task":       {called("w:t#12"), ""},
		"name with a strange #": {called("w#x"), "name"},
		"name with two of them": {called("w#1#2"), "name"},
		"no name":               {called(""), "name"},
		"nothing to change":     {shard.SettingChange{Name: "q"}, "of"},
		"nothing of a queue":    {queue("", shard.QueueChange{}), "queue"},
		"nothing of a limit":    {limit(shard.LimitChange{}), "limit"},
		"nothing of a rate":     {rate("k", shard.RateChange{}), "rate"},
		"nothing of a batch":    {batch(shard.BatchChange{}), "batch"},
		"nothing of once keys":  {once(shard.OnceChange{}), "once"},
		"period of a key":       {rate("k", shard.RateChange{Limit: new(int32(1)), PeriodMS: new(int64(1))}), ""},
		"a key's period alone":  {rate("k", shard.RateChange{PeriodMS: new(int64(1))}), "rate.limit"},
		"key that only pauses":  {rate("k", shard.RateChange{Paused: new(core.Time(1))}), ""},
		"drop of nothing known": {shard.SettingChange{Name: "q", Drop: true}, "kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.field != "" {
				c.field = "settings[0]." + c.field
			}
			check(t, admit.Settings([]shard.SettingChange{c.change}), c.field)
		})
	}
	refused(t, admit.Settings([]shard.SettingChange{called("l"), called("l")}), fault.Conflict, "settings[1].name")
	check(t, admit.Settings(make([]shard.SettingChange, admit.SettingsMax+1)), "settings")
}
