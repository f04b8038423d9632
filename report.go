package adze

import (
	"context"
	"runtime"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

const (
	// reportItemsMax and reportBytesMax bound one message of reports; a larger
	// output goes alone.
	reportItemsMax = 2_000
	reportBytesMax = 4 << 20
	// reportOverheadBytes is what a report weighs beside its output.
	reportOverheadBytes = 48
)

// reports are what the engine has not been told yet, in the order it happened. What
// arrives while a message is sent is the next one. The worker's slots bound them:
// each attempt has at most its start and its end here.
//
// The worker's mu guards them.
type reports struct {
	items []core.ReportItem
	batch uint64        // names items since they were last taken
	ready chan struct{} // one value: there may be items
}

func newReports() reports { return reports{batch: 1, ready: make(chan struct{}, 1)} }

// add queues item and says where it is.
func (r *reports) add(item core.ReportItem) (batch uint64, place int) {
	r.items = append(r.items, item)
	return r.batch, len(r.items) - 1
}

// replace puts item where an earlier one of its attempt is, if that was not taken.
func (r *reports) replace(batch uint64, place int, item core.ReportItem) bool {
	if batch != r.batch {
		return false
	}
	r.items[place] = item
	return true
}

func (r *reports) signal() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// take is all that is queued. It is the session's from then on: an engine in this
// process reads it later.
func (r *reports) take() []core.ReportItem {
	items := r.items
	r.items = nil
	if len(items) > 0 {
		r.items = make([]core.ReportItem, 0, len(items)) // the next batch is about as large
		r.batch++
	}
	return items
}

// clear drops what is queued.
func (r *reports) clear() {
	r.items = nil
	r.batch++
}

// sendReports tells the engine what attempts wrote and what happened until ctx ends or the session breaks,
// which its receiver sees too.
func (w *Worker) sendReports(ctx context.Context, session shard.Session) {
	for {
		runtime.Gosched() // tasks that are about to end go along: a send does not block
		w.mu.Lock()
		items := w.reports.take()
		w.mu.Unlock()
		// After the reports were taken: what an attempt wrote before its end goes first.
		lines, chunks := w.emissions.take()
		wrote := len(lines)+len(chunks) > 0
		if wrote && session.Emit(ctx, lines, chunks) != nil {
			return
		}
		if len(items) == 0 && !wrote {
			select {
			case <-w.reports.ready:
				continue
			case <-ctx.Done():
				return
			}
		}
		for rest := items; len(rest) > 0; {
			n := message(rest)
			if err := session.Report(ctx, rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}
}

// message is how many of items go in one message; one at least.
func message(items []core.ReportItem) int {
	bytes := 0
	for n := range min(len(items), reportItemsMax) {
		bytes += len(items[n].Output) + len(items[n].Error) + reportOverheadBytes
		if n > 0 && bytes > reportBytesMax {
			return n
		}
	}
	return min(len(items), reportItemsMax)
}
