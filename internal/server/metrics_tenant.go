package server

import (
	"cmp"
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

const (
	// sharersMax bounds the tenants that have series of their own, six each: the oldest. What
	// others have is summed up.
	sharersMax = 2_000

	// otherSharers is what those are called together: no name has a space.
	otherSharers = "all others"
)

var (
	sharedSlotsDesc = prometheus.NewDesc("adze_tenant_slots",
		"Slots of the workers of a tenant that shares workers: in use by its own tasks, by those of guests, or free.", []string{"tenant", "state"}, nil)
	sharedAbroadDesc = prometheus.NewDesc("adze_tenant_guest_slots_used",
		"Slots of other tenants' workers that tasks of the tenant use.", []string{"tenant"}, nil)
	sharedWaitingDesc = prometheus.NewDesc("adze_tenant_waiting_tasks",
		"Tasks of a tenant that shares workers which wait for one.", []string{"tenant"}, nil)
	sharedSecondsDesc = prometheus.NewDesc("adze_tenant_slot_seconds_total",
		"How long tasks of the tenant have had slots of shared workers, its own included.", []string{"tenant"}, nil)
)

// sharerCollector tells where the tenants stand that share workers.
type sharerCollector struct {
	shards interface {
		Sharers(ctx context.Context) ([]core.SharerStat, error)
	}
	nameOf func(context.Context, id.ID) (string, error)
}

// Describe implements prometheus.Collector.
func (c *sharerCollector) Describe(out chan<- *prometheus.Desc) {
	out <- sharedSlotsDesc
	out <- sharedAbroadDesc
	out <- sharedWaitingDesc
	out <- sharedSecondsDesc
}

// Collect implements prometheus.Collector. What does not answer is left out.
func (c *sharerCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	all, err := c.shards.Sharers(ctx)
	if err != nil {
		return
	}
	slices.SortFunc(all, func(a, b core.SharerStat) int { return cmp.Compare(a.Tenant, b.Tenant) })
	for i := range all[:min(len(all), sharersMax)] {
		if name, err := c.nameOf(ctx, all[i].Tenant); err == nil {
			collectSharer(out, name, &all[i])
		}
	}
	if len(all) > sharersMax {
		collectSharer(out, otherSharers, summed(all[sharersMax:]))
	}
}

func collectSharer(out chan<- prometheus.Metric, name string, s *core.SharerStat) {
	gauge(out, sharedSlotsDesc, float64(s.Own), name, "own")
	gauge(out, sharedSlotsDesc, float64(s.Guests), name, "guests")
	gauge(out, sharedSlotsDesc, float64(s.Free), name, "free")
	gauge(out, sharedAbroadDesc, float64(s.Abroad), name)
	gauge(out, sharedWaitingDesc, float64(s.Waiting), name)
	out <- prometheus.MustNewConstMetric(sharedSecondsDesc, prometheus.CounterValue, float64(s.SlotMS)/1_000, name)
}

func summed(stats []core.SharerStat) *core.SharerStat {
	sum := &core.SharerStat{}
	for i := range stats {
		s := &stats[i]
		sum.Own += s.Own
		sum.Guests += s.Guests
		sum.Free += s.Free
		sum.Abroad += s.Abroad
		sum.Waiting += s.Waiting
		sum.SlotMS += s.SlotMS
	}
	return sum
}
