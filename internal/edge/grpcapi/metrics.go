package grpcapi

import "github.com/prometheus/client_golang/prometheus"

// metrics are the edge's own.
type metrics struct {
	runs     prometheus.Counter
	refused  prometheus.Counter
	events   prometheus.Counter
	sessions prometheus.Gauge
	stale    prometheus.Counter
}

func newMetrics() metrics {
	return metrics{
		runs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "adze_grpc_runs_submitted_total", Help: "Runs stored for clients, be they submitted or started by events.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "adze_grpc_runs_refused_total", Help: "Runs refused one by one, such as those of a workflow that is not registered yet.",
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "adze_grpc_events_pushed_total", Help: "Events stored for clients.",
		}),
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "adze_grpc_worker_sessions", Help: "Worker streams that are open.",
		}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "adze_grpc_stale_reports_total", Help: "Reports of old attempts that were refused.",
		}),
	}
}

// Metrics is the edge as one collector.
func (s *Server) Metrics() prometheus.Collector { return &s.metrics }

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.runs, m.refused, m.events, m.sessions, m.stale}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(out)
	}
}
