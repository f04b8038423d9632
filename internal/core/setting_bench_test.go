package core

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/adzehq/adze/internal/base/id"
)

// BenchmarkChange is one pass that changes how a limit or a queue works while tasks of
// 10,000 keys wait in it: a change of the strategy, of the ageing, of the spread to other
// hands, and of the spread on or off, which makes each lane one of another class.
func BenchmarkChange(b *testing.B) {
	limit := func(to LimitSetting) Setting {
		to.Max = 1
		return Setting{Tenant: tenant, Kind: SettingLimit, Name: "oven", Limit: to}
	}
	queue := func(spread int32) Setting {
		return Setting{Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Spread: spread}}
	}
	for _, c := range []struct {
		name    string
		limited bool
		a, b    Setting
	}{
		{"strategy", true, limit(LimitSetting{Strategy: LimitFIFO}), limit(LimitSetting{})},
		{"ageing", true, limit(LimitSetting{AgeMS: 1_000}), limit(LimitSetting{})},
		{"spread-on-off", false, queue(2), queue(0)},
		{"spread-other", false, queue(2), queue(3)},
	} {
		for _, depth := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/waiting=%d", c.name, depth*len(benchKeys)), func(b *testing.B) {
				benchmarkChange(b, c.limited, depth, c.a, c.b)
			})
		}
	}
}

func benchmarkChange(b *testing.B, limited bool, depth int, settings ...Setting) {
	apply := keysWaiting(limited, depth)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		apply(&Set{Settings: []Setting{settings[n%2]}})
	}
}

// BenchmarkChangeThatCancels is one pass that has a limit cancel all that wait in memory.
func BenchmarkChangeThatCancels(b *testing.B) {
	for _, depth := range []int{1, 100} {
		b.Run(fmt.Sprintf("waiting=%d", depth*len(benchKeys)), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				apply := keysWaiting(true, depth)
				runtime.GC() // of what the fill left
				b.StartTimer()
				out := apply(&Set{Settings: []Setting{{
					Tenant: tenant, Kind: SettingLimit, Name: "oven", Limit: LimitSetting{Max: 1, Strategy: LimitCancelNewest},
				}}})
				b.ReportMetric(float64(len(out.Results)), "cancelled/op")
			}
		})
	}
}

// keysWaiting is a shard where tasks of 10,000 keys wait, so many of each, for workers or
// for a place of a limit.
func keysWaiting(limited bool, depth int) (apply func(Input) *Effects) {
	s, now, ids := New(1), Time(id.Epoch)+1_000_000, id.NewSource(1, 0)
	var out Effects
	apply = func(in Input) *Effects {
		now++
		out.Reset()
		s.Apply(now, in, &out)
		return &out
	}
	def := Definition{Version: version, Tenant: tenant, Action: "act"}
	if limited {
		def.Limits = []string{"oven"}
	}
	apply(&Define{Definition: def})
	apply(&Restore{Epoch: 1})
	for w := range 10 {
		apply(&Join{Worker: id.ID(100 + w), Tenant: tenant, Actions: []string{"act"}, Slots: 1})
	}
	for range depth + 1 { // one of each key has the place
		for i := 0; i < len(benchKeys); i += 1_000 {
			in := submitOf(ids, now, version, 1_000)
			for n := range in.Tasks {
				row := &in.Tasks[n]
				if row.Key = benchKeys[i+n]; limited {
					row.Flow = &Flow{Share: row.Key, Limits: []LimitKey{{Key: row.Key}}}
				}
			}
			apply(in)
		}
	}
	return apply
}
