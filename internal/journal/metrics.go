package journal

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the collectors of a journal. Register it as one collector.
type Metrics struct {
	FlushSeconds prometheus.Histogram // from the first try to the commit
	Rows         prometheus.Histogram // of a committed batch
	PendingBytes prometheus.Gauge     // appended and not done
	Retries      prometheus.Counter   // tries after the first
}

func newMetrics() *Metrics {
	return &Metrics{
		FlushSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "adze_journal_flush_seconds",
			Help:    "Time to commit a batch, retries included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14), // 0.5 ms … 4 s
		}),
		Rows: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "adze_journal_flush_rows",
			Help:    "Rows of a committed batch.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8), // 1 … 16,384
		}),
		PendingBytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "adze_journal_pending_bytes",
			Help: "Bytes appended and not yet committed, payloads and 512 a row.",
		}),
		Retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "adze_journal_retries_total",
			Help: "Tries to commit a batch after the first one.",
		}),
	}
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.FlushSeconds, m.Rows, m.PendingBytes, m.Retries}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(out)
	}
}
