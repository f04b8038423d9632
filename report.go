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
	items  []core.ReportItem
	spawns []shard.EntrySpawn // of those among items that spawn
	batch  uint64             // names items since they were last taken
	ready  chan struct{}      // one value: there may be items
}

func newReports() reports { return reports{batch: 1, ready: make(chan struct{}, 1)} }

// add queues item and says where it is.
func (r *reports) add(item core.ReportItem) (batch uint64, place int) {
	r.items = append(r.items, item)
	return r.batch, len(r.items) - 1
}

// addEntry queues an entry of a durable task with what it spawns.
func (r *reports) addEntry(item core.ReportItem, spawn []shard.NewRun) {
	_, place := r.add(item)
	if len(spawn) > 0 {
		r.spawns = append(r.spawns, shard.EntrySpawn{Item: place, Runs: spawn})
	}
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
func (r *reports) take() ([]core.ReportItem, []shard.EntrySpawn) {
	items, spawns := r.items, r.spawns
	r.items, r.spawns = nil, nil
	if len(items) > 0 {
		r.items = make([]core.ReportItem, 0, len(items)) // the next batch is about as large
		r.batch++
	}
	return items, spawns
}

// clear drops what is queued.
func (r *reports) clear() {
	r.items, r.spawns = nil, nil
	r.batch++
}

// sendReports tells the engine what attempts wrote and what happened until ctx ends or the session breaks,
// which its receiver sees too.
func (w *Worker) sendReports(ctx context.Context, session shard.Session) {
	for {
		runtime.Gosched() // tasks that are about to end go along: a send does not block
		w.mu.Lock()
		items, spawns := w.reports.take()
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
		for len(items) > 0 {
			n, spawning := message(items, spawns)
			if err := session.Report(ctx, items[:n], spawns[:spawning]...); err != nil {
				return
			}
			items, spawns = items[n:], spawns[spawning:]
			for i := range spawns {
				spawns[i].Item -= n
			}
		}
	}
}

// message is how many of items go in one message, one at least, and how many of spawns
// belong to them.
func message(items []core.ReportItem, spawns []shard.EntrySpawn) (n, spawning int) {
	bytes := 0
	for n < min(len(items), reportItemsMax) {
		bytes += reportWeight(&items[n])
		spawns := spawns[spawning:]
		own := len(spawns) > 0 && spawns[0].Item == n
		for i := 0; own && i < len(spawns[0].Runs); i++ {
			bytes += runWeight(&spawns[0].Runs[i])
		}
		if n > 0 && bytes > reportBytesMax {
			break
		}
		if own {
			spawning++
		}
		n++
	}
	return n, spawning
}

func reportWeight(r *core.ReportItem) int {
	bytes := len(r.Output) + len(r.Error) + reportOverheadBytes
	if e := r.Entry; e != nil {
		bytes += len(e.Name) + len(e.Data) + len(e.Error)
	}
	return bytes
}
