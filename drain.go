package adze

import (
	"context"
	"time"

	"github.com/adzehq/adze/internal/core"
)

const (
	drainTimeoutDefault = 30 * time.Second
	// forsakeTimeout is how long functions may take to see that their context ended.
	forsakeTimeout = 5 * time.Second
)

// end drains the worker and says goodbye. It returns how many tasks still run.
func (w *Worker) end() int {
	empty := w.beginDrain()
	if !within(w.drain, empty) {
		w.log.Warn("gave up draining", "running", w.runs())
		w.forsake()
		within(forsakeTimeout, empty)
	}
	w.mu.Lock()
	session, left := w.session, w.running
	w.mu.Unlock()
	if session != nil {
		session.Close(core.LeaveDrained)
	}
	return left
}

// beginDrain takes nothing new. The channel it returns closes once nothing is held.
func (w *Worker) beginDrain() <-chan struct{} {
	w.mu.Lock()
	w.draining = make(chan struct{})
	w.closeIfDrained()
	empty, session := w.draining, w.session
	w.mu.Unlock()
	if session != nil {
		ctx, stop := context.WithTimeout(context.Background(), goodbyeMax)
		defer stop()
		if err := session.Resize(ctx, 0); err != nil {
			w.log.Warn("could not drain", "error", err) // the next session's Hello will
		}
	}
	return empty
}

// forsake ends the contexts of what still runs.
func (w *Worker) forsake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.held {
		if !a.ended {
			a.forsaken = true
			a.cancel(ErrDrained)
		}
	}
}

// within reports whether done closes within d.
func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// closeIfDrained tells end that nothing is held. Called with mu held.
func (w *Worker) closeIfDrained() {
	if w.draining != nil && !w.drained && len(w.held) == 0 {
		w.drained = true
		close(w.draining)
	}
}
