package server

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// fewSharers are tenants that share workers, by number.
type fewSharers int

func (n fewSharers) Sharers(context.Context) ([]core.SharerStat, error) {
	all := make([]core.SharerStat, n)
	for i := range all {
		all[i] = core.SharerStat{Tenant: id.ID(i + 1), Own: 1, Guests: 2, Free: 3, Abroad: 4, Waiting: 5, SlotMS: 6_000}
	}
	return all, nil
}

// gathered are the values of all series of n tenants, by metric and labels.
func gathered(t *testing.T, n fewSharers) map[string]float64 {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&sharerCollector{n, func(_ context.Context, tenant id.ID) (string, error) {
		return fmt.Sprint("t", int64(tenant)), nil
	}})
	families, err := registry.Gather()
	require.NoError(t, err)
	series := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.Metric {
			name := family.GetName()
			for _, label := range metric.Label {
				name += " " + label.GetValue()
			}
			series[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return series
}

func TestSharedSlotsAreToldByTenant(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]float64{
		"adze_tenant_slots own t1": 1, "adze_tenant_slots guests t1": 2, "adze_tenant_slots free t1": 3,
		"adze_tenant_guest_slots_used t1": 4, "adze_tenant_waiting_tasks t1": 5, "adze_tenant_slot_seconds_total t1": 6,
	}, gathered(t, 1))
}

// TestSeriesOfTenantsAreBounded: what is beyond the bound is summed up.
func TestSeriesOfTenantsAreBounded(t *testing.T) {
	t.Parallel()
	const each = 6
	require.Len(t, gathered(t, sharersMax), each*sharersMax)
	beyond := gathered(t, sharersMax+10)
	require.Len(t, beyond, each*(sharersMax+1))
	require.EqualValues(t, 20, beyond["adze_tenant_slots guests all others"])
	require.Contains(t, beyond, fmt.Sprint("adze_tenant_slots own t", sharersMax))
	require.NotContains(t, beyond, fmt.Sprint("adze_tenant_slots own t", sharersMax+1))
}
