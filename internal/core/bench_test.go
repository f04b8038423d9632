package core

import (
	"fmt"
	"testing"

	"github.com/adzehq/adze/internal/base/id"
)

// BenchmarkTask is the whole life of a short task in the core: submit, assign,
// report, result; and beside a deep backlog of another queue.
func BenchmarkTask(b *testing.B) {
	for _, backlog := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("backlog=%d", backlog), func(b *testing.B) {
			s := New(1)
			now := Time(id.Epoch) + 1_000_000
			ids := id.NewSource(1, 0)
			var out Effects
			apply := func(in Input) {
				out.Reset()
				s.Apply(now, in, &out)
			}
			for version, action := range map[id.ID]string{2: "act", 3: "other"} {
				apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: action}})
			}
			apply(&Restore{Epoch: 1})
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
				apply(submitOf(ids, now, 2, size))
				for i, a := range out.Assigned {
					report.Items[i] = ReportItem{Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: ReportCompleted}
				}
				apply(report)
				if now%500 == 0 {
					apply(&Tick{})
				}
			}
		})
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
