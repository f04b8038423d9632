package core

import (
	"fmt"
	"testing"

	"github.com/adzehq/adze/internal/base/id"
)

// BenchmarkTenants is what tenants that share a home's workers cost: a submit with the
// assignment and the report of its task while nobody else waits, the next task of one of
// them while all wait, and a worker that joins.
func BenchmarkTenants(b *testing.B) {
	for _, tenants := range []int{1, 10, 100, 1_000} {
		b.Run(fmt.Sprintf("idle/tenants=%d", tenants), func(b *testing.B) { benchmarkTenants(b, tenants, false) })
		b.Run(fmt.Sprintf("waiting/tenants=%d", tenants), func(b *testing.B) { benchmarkTenants(b, tenants, true) })
		b.Run(fmt.Sprintf("join/tenants=%d", tenants), func(b *testing.B) { benchmarkTenantsJoin(b, tenants) })
	}
}

// crowd is a shard with guests of one home, which has a worker.
type crowd struct {
	*Shard
	b      *testing.B
	now    Time
	ids    *id.Source
	out    Effects
	guests int
}

func newCrowd(b *testing.B, guests int) *crowd {
	c := &crowd{Shard: New(1), b: b, now: Time(id.Epoch) + 1_000_000, ids: id.NewSource(1, 0), guests: guests}
	for i := range guests {
		c.apply(&Define{Definition: Definition{Version: c.guest(i), Tenant: c.guest(i), Action: "act"}})
	}
	c.apply(&Restore{Epoch: 1})
	for i := range guests {
		c.apply(&Set{Settings: []Setting{granted(c.guest(i))}})
	}
	return c
}

func (c *crowd) guest(i int) id.ID { return id.ID(1_000 + i%c.guests) }

func (c *crowd) apply(in Input) {
	c.out.Reset()
	c.Apply(c.now, in, &c.out)
}

func (c *crowd) join() {
	c.apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act"}, Slots: 1})
}

// submit queues n tasks, of one guest after the other.
func (c *crowd) submit(from, n int) {
	in := &Submit{Tasks: make([]NewTask, n)}
	for i := range in.Tasks {
		in.Tasks[i] = NewTask{ID: c.ids.Next(int64(c.now)), Tenant: c.guest(from + i), Version: c.guest(from + i)}
	}
	c.apply(in)
}

func (c *crowd) report() {
	a := c.out.Assigned[0]
	c.apply(&Report{Worker: worker1, Items: []ReportItem{{Task: a.Task, Attempt: 1, Token: a.Token, Kind: ReportCompleted}}})
}

func benchmarkTenants(b *testing.B, guests int, waiting bool) {
	c := newCrowd(b, guests)
	refill := func() { c.submit(0, 3_000) }
	if waiting {
		refill()
	}
	c.join()
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n++ {
		switch {
		case !waiting:
			c.submit(n, 1)
		case len(c.out.Assigned) == 0:
			b.StopTimer()
			refill()
			b.StartTimer()
		}
		c.now++
		c.report()
	}
}

func benchmarkTenantsJoin(b *testing.B, guests int) {
	c := newCrowd(b, guests)
	c.submit(0, 3_000)
	c.apply(&Tick{})
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n++ {
		c.apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act"}})
		c.apply(&Leave{Worker: worker1, Reason: LeaveDrained})
	}
}
