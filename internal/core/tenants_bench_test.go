package core

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// BenchmarkTenants is what tenants that share a home's workers cost: a submit with the
// assignment and the report of its task while nobody else waits; the same of a tenant that
// never had a task; the next task of one of them while all wait; a worker that comes and goes;
// and a grant that does.
func BenchmarkTenants(b *testing.B) {
	for _, tenants := range []int{1, 10, 100, 1_000} {
		for name, measure := range map[string]func(*testing.B, int){
			"idle": benchmarkTenantsIdle, "first": benchmarkTenantsFirst, "waiting": benchmarkTenantsWaiting,
			"join": benchmarkTenantsJoin, "grant": benchmarkTenantsGrant,
		} {
			b.Run(fmt.Sprintf("%s/tenants=%d", name, tenants), func(b *testing.B) {
				b.ReportAllocs()
				measure(b, tenants)
			})
		}
	}
}

// crowd is a shard with guests of one home, which has a worker.
type crowd struct {
	*Shard
	now    Time
	ids    *id.Source
	out    Effects
	guests int
}

func newCrowd(guests int) *crowd {
	c := &crowd{Shard: New(1), now: Time(id.Epoch) + 1_000_000, ids: id.NewSource(1, 0), guests: guests}
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

// once has a guest submit a task, which runs.
func (c *crowd) once(guest int) {
	c.submit(guest, 1)
	c.now++
	c.report()
}

// turnover has a worker come and go.
func (c *crowd) turnover() {
	c.apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act"}})
	c.apply(&Leave{Worker: worker1, Reason: LeaveDrained})
}

func benchmarkTenantsIdle(b *testing.B, guests int) {
	c := newCrowd(guests)
	c.join()
	for guest := range guests {
		c.once(guest)
	}
	b.ResetTimer()
	for n := 0; n < b.N; n++ {
		c.once(n)
	}
}

func benchmarkTenantsFirst(b *testing.B, guests int) {
	var c *crowd
	for n := 0; n < b.N; n++ {
		if n%guests == 0 {
			b.StopTimer()
			c = newCrowd(guests)
			c.join()
			b.StartTimer()
		}
		c.once(n)
	}
}

func benchmarkTenantsWaiting(b *testing.B, guests int) {
	c := newCrowd(guests)
	c.submit(0, 3_000)
	c.join()
	b.ResetTimer()
	for n := 0; n < b.N; n++ {
		if len(c.out.Assigned) == 0 {
			b.StopTimer()
			c.submit(0, 3_000)
			b.StartTimer()
		}
		c.now++
		c.report()
	}
}

func benchmarkTenantsJoin(b *testing.B, guests int) {
	c := newCrowd(guests)
	c.submit(0, 3_000)
	c.apply(&Tick{})
	b.ResetTimer()
	for n := 0; n < b.N; n++ {
		c.turnover()
	}
}

func benchmarkTenantsGrant(b *testing.B, guests int) {
	c := newCrowd(guests)
	c.submit(0, 3_000)
	c.join()
	b.ResetTimer()
	for n := 0; n < b.N; n++ {
		c.apply(&Set{Settings: []Setting{dropped(granted(c.guest(0)))}})
		c.apply(&Set{Settings: []Setting{granted(c.guest(0))}})
	}
}

// TestWorkerThatComesOrGoesCostsTheSameHoweverManyTenantsShareIt: by what is allocated, and
// by the clock, of which the best round counts and only an order of magnitude.
func TestWorkerThatComesOrGoesCostsTheSameHoweverManyTenantsShareIt(t *testing.T) {
	few, many := newCrowd(2), newCrowd(CrewTenantsMax)
	for _, c := range []*crowd{few, many} {
		c.submit(0, 3_000)
		c.turnover()
	}
	const rounds = 200
	allocs := testing.AllocsPerRun(rounds, few.turnover)
	require.InDelta(t, allocs, testing.AllocsPerRun(rounds, many.turnover), 2)
	best := func(c *crowd) time.Duration {
		shortest := time.Hour
		for range rounds {
			began := time.Now()
			for range 10 {
				c.turnover()
			}
			shortest = min(shortest, time.Since(began))
		}
		return shortest
	}
	require.Less(t, best(many), 10*best(few), "500 times as many tenants wait")
}
