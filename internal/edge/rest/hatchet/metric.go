package hatchet

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) metricRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/stable/tenants/{tenant}/task-metrics", c.of(c.taskMetrics))
	mux.HandleFunc("GET /api/v1/tenants/{tenant}/task-stats", c.of(c.taskStats))
	mux.HandleFunc("GET /api/v1/tenants/{tenant}/step-run-queue-metrics", c.of(c.queueDepths))
	mux.HandleFunc("GET /api/v1/tenants/{tenant}/queue-metrics", c.of(c.queueMetrics))
	mux.HandleFunc("GET /api/v1/tenants/{tenant}/prometheus-metrics", c.of(c.prometheus))
}

// split are the parts of an action like workflow:task. One without is a task of its own.
func split(action string) (workflow, task string) {
	workflow, task, found := strings.Cut(action, ":")
	if !found {
		return action, action
	}
	return workflow, task
}

// taskStats tells by the name of a task how many wait and run.
func (c Config) taskStats(r *http.Request, caller auth.Caller) (any, error) {
	wanted := queryOf(r).texts("taskNames")
	overview, err := c.Shards.Overview(r.Context(), caller.Tenant)
	if err != nil {
		return nil, err
	}
	stats := map[string]hatchetrest.TaskStat{}
	for i := range overview.Queues {
		q := &overview.Queues[i]
		_, task := split(q.Name)
		if len(wanted) > 0 && !slices.Contains(wanted, task) {
			continue
		}
		stat := stats[task]
		count(&stat.Queued, q.Name, q.Ready)
		count(&stat.Running, q.Name, int64(q.Running))
		if q.Oldest != 0 {
			if at := q.Oldest.Time().UTC(); stat.Queued.Oldest.IsZero() || at.Before(stat.Queued.Oldest) {
				stat.Queued.Oldest = at
			}
		}
		stats[task] = stat
	}
	return stats, nil
}

// count adds n tasks of a queue.
func count(to *hatchetrest.TaskStatusStat, queue string, n int64) {
	to.Total += n
	if n == 0 {
		return
	}
	if to.Queues == nil {
		to.Queues = map[string]int64{}
	}
	to.Queues[queue] += n
}

func (c Config) queueDepths(r *http.Request, caller auth.Caller) (any, error) {
	overview, err := c.Shards.Overview(r.Context(), caller.Tenant)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(depths(overview))
	return hatchetrest.TenantStepRunQueueMetrics{Queues: text}, err
}

// depths are how many tasks wait for a worker, by queue.
func depths(o shard.Overview) map[string]int64 {
	by := make(map[string]int64, len(o.Queues))
	for i := range o.Queues {
		by[o.Queues[i].Name] = o.Queues[i].Ready
	}
	return by
}

// queueMetrics tells how many tasks wait and run, in all and by workflow. What waits in a
// concurrency limit is pending: it is in no queue yet.
func (c Config) queueMetrics(r *http.Request, caller auth.Caller) (any, error) {
	wanted := queryOf(r).texts("workflows")
	overview, err := c.Shards.Overview(r.Context(), caller.Tenant)
	if err != nil {
		return nil, err
	}
	metrics := hatchetrest.TenantQueueMetrics{Queues: depths(overview), Workflow: map[string]hatchetrest.QueueMetrics{}}
	for i := range overview.Queues {
		q := &overview.Queues[i]
		workflow, _ := split(q.Name)
		if len(wanted) > 0 && !slices.Contains(wanted, workflow) {
			continue
		}
		m := metrics.Workflow[workflow]
		m.NumQueued += q.Ready
		m.NumRunning += int64(q.Running)
		metrics.Workflow[workflow] = m
		metrics.Total.NumQueued += q.Ready
		metrics.Total.NumRunning += int64(q.Running)
	}
	for i := range overview.Limits {
		metrics.Total.NumPending += overview.Limits[i].Waiting
	}
	return metrics, nil
}

// What Prometheus is told of a tenant.
var (
	queueReady   = prometheus.NewDesc("adze_tenant_queue_ready_tasks", "Tasks that wait for a worker.", []string{"queue"}, nil)
	queueRunning = prometheus.NewDesc("adze_tenant_queue_running_tasks", "Tasks that a worker has.", []string{"queue"}, nil)
	queueSlots   = prometheus.NewDesc("adze_tenant_queue_slots", "Slots of the workers that take tasks of the queue.", []string{"queue"}, nil)
	limitWaiting = prometheus.NewDesc("adze_tenant_limit_waiting_tasks", "Tasks and runs that wait for a place in a concurrency limit.", []string{"limit"}, nil)
	limitHeld    = prometheus.NewDesc("adze_tenant_limit_held_places", "Places of a concurrency limit that are taken.", []string{"limit"}, nil)
)

// tenantMetrics are the metrics of an overview.
type tenantMetrics shard.Overview

// Describe implements prometheus.Collector.
func (tenantMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queueReady, queueRunning, queueSlots, limitWaiting, limitHeld} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m tenantMetrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, name string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, name)
	}
	for _, q := range m.Queues {
		gauge(queueReady, float64(q.Ready), q.Name)
		gauge(queueRunning, float64(q.Running), q.Name)
		gauge(queueSlots, float64(q.Slots), q.Name)
	}
	for _, l := range m.Limits {
		gauge(limitWaiting, float64(l.Waiting), l.Name)
		gauge(limitHeld, float64(l.Held), l.Name)
	}
}

// prometheus tells a tenant's metrics in Prometheus's own words.
func (c Config) prometheus(r *http.Request, caller auth.Caller) (any, error) {
	overview, err := c.Shards.Overview(r.Context(), caller.Tenant)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(tenantMetrics(overview)); err != nil {
		return nil, err
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}
