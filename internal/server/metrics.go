package server

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/adzehq/adze/internal/shard"
)

// scrapeTimeout bounds what a scrape waits for the shards.
const scrapeTimeout = 2 * time.Second

// newMetrics is a registry of the engine's parts: a process may have several engines.
func newMetrics(e *Engine) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		e.journal.Metrics(),
		&shardCollector{e.shards},
		&sharerCollector{e.shards, e.tenants.nameOf},
		&poolCollector{e.pool},
	)
	return registry
}

var (
	tasksDesc = prometheus.NewDesc("adze_shard_tasks",
		"Open tasks by where they are: ready, delayed and running in memory, stored in Postgres only.", []string{"state"}, nil)
	workersDesc = prometheus.NewDesc("adze_shard_workers", "Workers connected, or expected back.", nil, nil)
	slotsDesc   = prometheus.NewDesc("adze_shard_slots_used", "Attempts outstanding at workers.", nil, nil)
	connsDesc   = prometheus.NewDesc("adze_pg_connections", "Connections of the pool, by state.", []string{"state"}, nil)
)

// shardCollector counts what the shards of this process hold.
type shardCollector struct{ shards *shard.Set }

// Describe implements prometheus.Collector.
func (c *shardCollector) Describe(out chan<- *prometheus.Desc) {
	out <- tasksDesc
	out <- workersDesc
	out <- slotsDesc
}

// Collect implements prometheus.Collector. Shards that do not answer are left out.
func (c *shardCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	all, err := c.shards.Stats(ctx)
	if err != nil {
		return
	}
	var ready, delayed, running, stored, workers, slots float64
	for _, s := range all {
		ready += float64(s.Ready)
		delayed += float64(s.Delayed)
		running += float64(s.Running)
		stored += float64(s.Stored)
		workers += float64(s.Workers)
		slots += float64(s.SlotsUsed)
	}
	gauge(out, tasksDesc, ready, "ready")
	gauge(out, tasksDesc, delayed, "delayed")
	gauge(out, tasksDesc, running, "running")
	gauge(out, tasksDesc, stored, "stored")
	gauge(out, workersDesc, workers)
	gauge(out, slotsDesc, slots)
}

// poolCollector counts the connections to Postgres.
type poolCollector struct{ pool *pgxpool.Pool }

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(out chan<- *prometheus.Desc) { out <- connsDesc }

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	stat := c.pool.Stat()
	gauge(out, connsDesc, float64(stat.AcquiredConns()), "busy")
	gauge(out, connsDesc, float64(stat.IdleConns()), "idle")
}

func gauge(out chan<- prometheus.Metric, desc *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
}
