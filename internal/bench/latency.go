package bench

import (
	"slices"
	"sync"
	"time"
)

// latencies collects durations of one kind, and is read when all are there.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

// report adds the percentiles as figure_p50, _p95 and _p99, in milliseconds.
func (l *latencies) report(r *Report, mode, figure string) {
	if len(l.all) == 0 {
		return
	}
	for _, p := range []struct {
		name string
		rank float64
	}{{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}} {
		r.add(mode, figure+"_"+p.name, "ms", float64(l.at(p.rank).Microseconds())/1_000)
	}
}

// at is the duration that the share `rank` of all does not reach; there is one at least.
func (l *latencies) at(rank float64) time.Duration {
	slices.Sort(l.all)
	return l.all[min(int(rank*float64(len(l.all))), len(l.all)-1)]
}
