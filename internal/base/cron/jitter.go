package cron

import (
	"time"

	"github.com/adzehq/adze/internal/base/id"
)

// JitterMax bounds the jitter of a schedule.
const JitterMax = time.Hour

// Jitter is how much later than its tick a schedule fires: from 0 up to and with
// bound, to the millisecond, by a hash of the schedule and the tick. The same tick
// is always as late.
func Jitter(schedule id.ID, tick time.Time, bound time.Duration) time.Duration {
	if bound <= 0 {
		return 0
	}
	hash := id.Mix(uint64(schedule) ^ id.Mix(uint64(tick.UnixMilli())))
	return time.Duration(hash%uint64(bound.Milliseconds()+1)) * time.Millisecond
}
