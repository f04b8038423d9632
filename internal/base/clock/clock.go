// Package clock is where time enters Adze. Nothing below the server reads the
// wall clock by itself: it is handed a Clock, and a test hands it its own.
package clock

import "time"

// Clock tells the time and wakes whoever waits for a moment.
type Clock interface {
	Now() time.Time
	// NewTimer's channel gets one value once d has passed. Stop frees it.
	NewTimer(d time.Duration) Timer
}

// Timer is a time.Timer that a test can own.
type Timer interface {
	C() <-chan time.Time
	Reset(d time.Duration)
	Stop()
}

// Wall is the machine's clock.
var Wall Clock = wall{}

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) NewTimer(d time.Duration) Timer { return wallTimer{time.NewTimer(d)} }

type wallTimer struct{ t *time.Timer }

func (w wallTimer) C() <-chan time.Time   { return w.t.C }
func (w wallTimer) Reset(d time.Duration) { w.t.Reset(d) }
func (w wallTimer) Stop()                 { w.t.Stop() }
