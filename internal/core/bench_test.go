package core

import (
	"fmt"
	"testing"

	"github.com/adzehq/adze/internal/base/id"
)

// BenchmarkTask is the whole life of a short task in the core: submit, assign,
// report, result; alone, beside a deep backlog of another queue, spread over many keys,
// and with two limits.
func BenchmarkTask(b *testing.B) {
	limited := func(i int, row *NewTask) { row.Flow = benchFlows[i%len(benchFlows)] }
	keyed := func(i int, row *NewTask) { row.Key = benchKeys[id.Mix(uint64(row.ID))%uint64(len(benchKeys))] }
	for _, c := range []struct {
		name    string
		backlog int
		def     Definition
		with    func(i int, row *NewTask)
	}{
		{name: "backlog=0"},
		{name: "backlog=1000000", backlog: 1_000_000},
		{name: "keys=10000", with: keyed},
		{name: "limits=2", def: Definition{Limits: []string{"user", "all"}}, with: limited},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkTask(b, c.backlog, c.def, c.with) })
	}
}

var (
	benchKeys  = names(10_000)
	benchFlows = flowsOf(benchKeys[:100])
)

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return all
}

// flowsOf are runs of each key of a first limit, and of a second one without keys.
func flowsOf(keys []string) []*Flow {
	flows := make([]*Flow, len(keys))
	for i, key := range keys {
		flows[i] = &Flow{Limits: []LimitKey{{Key: key}, {}}}
	}
	return flows
}

func benchmarkTask(b *testing.B, backlog int, def Definition, with func(i int, row *NewTask)) {
	s := New(1)
	now := Time(id.Epoch) + 1_000_000
	ids := id.NewSource(1, 0)
	var out Effects
	apply := func(in Input) {
		out.Reset()
		s.Apply(now, in, &out)
	}
	def.Version, def.Tenant, def.Action = 2, tenant, "act"
	apply(&Define{Definition: def})
	apply(&Define{Definition: Definition{Version: 3, Tenant: tenant, Action: "other"}})
	apply(&Restore{Epoch: 1})
	for _, name := range def.Limits {
		apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingLimit, Name: name, Limit: LimitSetting{Max: 100}}}})
	}
	apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act"}, Slots: 100})
	for range backlog / 1_000 {
		apply(submitOf(ids, now, 3, 1_000))
	}
	const size = 100
	report := &Report{Worker: worker1, Items: make([]ReportItem, size)}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += size {
		now++
		in := submitOf(ids, now, 2, size)
		for i := range in.Tasks {
			if with != nil {
				with(i, &in.Tasks[i])
			}
		}
		apply(in)
		if len(out.Assigned) != size {
			b.Fatalf("%d of %d are assigned", len(out.Assigned), size)
		}
		for i, a := range out.Assigned {
			report.Items[i] = ReportItem{Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: ReportCompleted}
		}
		apply(report)
		if now%500 == 0 {
			apply(&Tick{})
		}
	}
}

func submitOf(ids *id.Source, now Time, version id.ID, n int) *Submit {
	in := &Submit{Tasks: make([]NewTask, n)}
	for i := range in.Tasks {
		in.Tasks[i] = NewTask{ID: ids.Next(int64(now)), Tenant: tenant, Version: version}
	}
	return in
}

// BenchmarkKeys is the cost of taking the next task among many keys.
func BenchmarkKeys(b *testing.B) {
	for _, keys := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := New(1)
			now := Time(id.Epoch) + 1_000_000
			ids := id.NewSource(1, 0)
			var out Effects
			apply := func(in Input) {
				out.Reset()
				s.Apply(now, in, &out)
			}
			apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act"}})
			apply(&Restore{Epoch: 1})
			refill := func() {
				in := submitOf(ids, now, version, 3_000)
				for i := range in.Tasks {
					in.Tasks[i].Key = fmt.Sprint(i % keys)
				}
				apply(in)
			}
			refill()
			apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act"}, Slots: 1})
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n++ {
				if len(out.Assigned) == 0 {
					b.StopTimer()
					now++
					refill()
					b.StartTimer()
				}
				a := out.Assigned[0]
				apply(&Report{Worker: worker1, Items: []ReportItem{{Task: a.Task, Attempt: 1, Token: a.Token, Kind: ReportCompleted}}})
			}
		})
	}
}
