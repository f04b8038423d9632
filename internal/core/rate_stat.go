package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// RateStat is where a rate limit stands.
type RateStat struct {
	Name    string
	Setting RateSetting   // in force; its period is 0 if nobody said how it works
	Keys    int           // that are not full, or that someone waits for
	Top     []RateKeyStat // those that are emptiest; TopMax at most
}

// RateKeyStat is a key of a rate limit.
type RateKeyStat struct {
	Key   string
	Limit int64
	Left  int64 // units that can be drawn now
	Lanes int   // keys of queues, or parts of them, that wait for units
	Since Time  // when what is owed began, or up to when it is reckoned; 0 = nothing is owed
	Full  Time  // when all units are back; 0 = never, or they are
}

// Rates tells where the rate limits of a tenant stand, by name: for people, by a walk over
// their keys.
func (s *Shard) Rates(tenant id.ID, now Time) []RateStat {
	var stats []RateStat
	for _, r := range s.rates {
		if r.tenant == tenant && (r.all().PeriodMS > 0 || len(r.buckets) > 0) {
			stats = append(stats, r.stat(max(s.now, now)))
		}
	}
	slices.SortFunc(stats, func(a, b RateStat) int { return cmp.Compare(a.Name, b.Name) })
	return stats
}

func (r *rate) stat(now Time) RateStat {
	stat := RateStat{Name: r.name, Setting: *r.all()}
	for _, b := range r.buckets {
		stat.Top = append(stat.Top, b.stat(now))
	}
	stat.Keys = len(stat.Top)
	slices.SortFunc(stat.Top, func(a, b RateKeyStat) int {
		return cmp.Or(cmp.Compare(b.Lanes, a.Lanes), cmp.Compare(a.Left, b.Left), cmp.Compare(a.Key, b.Key))
	})
	stat.Top = stat.Top[:min(len(stat.Top), TopMax)]
	return stat
}

// stat leaves the bucket as it is: only Apply changes what the core remembers.
func (b *bucket) stat(now Time) RateKeyStat {
	debt := b.owedAt(now)
	stat := RateKeyStat{Key: b.key, Limit: b.limit(), Left: b.limit()}
	for _, line := range b.lines {
		stat.Lanes += line.lanes.len()
	}
	if debt > 0 {
		stat.Left -= (debt + b.period - 1) / b.period
		stat.Left = max(stat.Left, 0)
		stat.Since, stat.Full = b.since, b.full()
	}
	return stat
}
