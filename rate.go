package adze

import (
	"time"

	"github.com/adzehq/adze/internal/shard"
)

// RateLimit is what [Rate] says: so many units there are in each period, of each key.
type RateLimit struct {
	// Name makes the rate limit one that all share who draw from it; what was declared
	// last of it counts. Without one it is the task's own.
	Name string
	// Key is a CEL expression like that of [FairKey]: each of its values has units of its
	// own. Without one all share them.
	Key string
	// Units is how many a run needs; 1 if it is 0. UnitsExpression is a CEL expression over
	// input and metadata that gives them instead.
	Units           int
	UnitsExpression string
	// Limit is how many units there are in each Period. With a name and neither, it is one
	// that others declare, or that [Client.SetRate] sets: runs wait until somebody does.
	Limit  int
	Period time.Duration
	// LimitExpression is a CEL expression over input and metadata that gives the limit for
	// the key of the run. A run draws only within its own, and within the smallest of those
	// that have drawn since all units of the key were there.
	LimitExpression string
	// Smooth has the units come back one by one. Otherwise all come back at once, a Period
	// after the first one was drawn.
	Smooth bool
}

// Rate has a task draw units from a rate limit for each of its attempts, when that is given
// to a worker. Without enough of them it waits, and a worker is free for others meanwhile.
// With several rate limits it draws from all at once, or from none; at most 8. Units that
// were drawn do not come back when an attempt ends. A task that needs more units than there
// ever are fails.
func Rate(r RateLimit) TaskOption {
	return func(w *workflow) {
		w.Tasks[0].Rates = append(w.Tasks[0].Rates, shard.Rate{
			Name: r.Name, Key: r.Key, Units: clamp(r.Units), UnitsExpression: r.UnitsExpression,
			Limit: clamp(r.Limit), LimitExpression: r.LimitExpression, PeriodMS: wholeMS(r.Period), Smooth: r.Smooth,
		})
	}
}

// Throttle has the attempts of a task begin at most so many times in a period, evenly: n at
// once after a pause, then one each nth of the period. It is a [Rate] of its own.
func Throttle(n int, period time.Duration) TaskOption {
	return Rate(RateLimit{Limit: n, Period: period, Smooth: true})
}

// ThrottleBy is [Throttle] for each key: a CEL expression over input and metadata, as of
// [FairKey].
func ThrottleBy(key string, n int, period time.Duration) TaskOption {
	return Rate(RateLimit{Key: key, Limit: n, Period: period, Smooth: true})
}
