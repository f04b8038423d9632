package bench

import (
	"slices"
	"sync"
	"time"
)

// latencies collects durations of one kind.
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
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return
	}
	slices.Sort(l.all)
	for _, p := range []struct {
		name string
		rank float64
	}{{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}} {
		at := min(int(p.rank*float64(len(l.all))), len(l.all)-1)
		r.add(mode, figure+"_"+p.name, "ms", float64(l.all[at].Microseconds())/1_000)
	}
}
