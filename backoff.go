package adze

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// pauseMin is short because most breaks are restarts, which are over soon.
	pauseMin = 100 * time.Millisecond
	// pauseMax is how late an engine that was away for long is found again.
	pauseMax = 3 * time.Second
)

// pauses are the waits between tries to reach the engine: they double, and half of
// each is left to chance, so that many clients do not come back at once.
type pauses struct{ next time.Duration }

// wait pauses, or returns the error of ctx.
func (p *pauses) wait(ctx context.Context) error {
	d := max(p.next, pauseMin)
	p.next = min(2*d, pauseMax)
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pauses) reset() { p.next = 0 }
