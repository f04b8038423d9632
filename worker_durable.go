package adze

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// send has entries of a durable attempt recorded. While there is no session they wait
// for the next one.
func (w *Worker) send(a *attempt, entries []entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a.logbook.sent = entries
	w.sendEntries(a, entries)
	w.reports.signal()
}

// sendEntries queues entries. Called with mu held.
func (w *Worker) sendEntries(a *attempt, entries []entry) {
	for i := range entries {
		// Copies: an engine in this process keeps them, and they may have to be sent again.
		item, e := a.item(core.ReportEntry), entries[i].NewEntry
		item.Entry = &e
		w.reports.addEntry(item, slices.Clone(entries[i].spawn))
	}
}

// settledOf is what the engine said of the entries that were sent last: of which one, and
// whether all are stored or one was refused.
func (w *Worker) settledOf(l *logbook) (last core.Settlement, all, refused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return l.settled, len(l.sent) == 0, l.refused
}

// metsOf are the conditions of the wait at index that are met, in order.
func (w *Worker) metsOf(l *logbook, index int32) []core.Met {
	w.mu.Lock()
	defer w.mu.Unlock()
	mets := slices.Clone(l.mets[index])
	slices.SortFunc(mets, func(a, b core.Met) int { return cmp.Compare(a.Order, b.Order) })
	return mets
}

// settle takes that a report is dealt with. Called with mu held.
func (w *Worker) settle(settled *core.Settlement) {
	a := w.held[settled.Token]
	switch {
	case a == nil:
	case settled.Entry != 0:
		if a.logbook != nil && !a.ended {
			a.logbook.settle(*settled)
		}
	default:
		if !a.ended { // the engine could not store what it recorded, and has ended it
			a.cancel(ErrLost)
		}
		w.release(a)
	}
}

// reportAgain tells a new session what the one before may have lost. An entry that did
// arrive is refused, and the attempt starts over from its log. Called with mu held.
func (w *Worker) reportAgain(a *attempt) {
	if a.logbook != nil {
		a.logbook.told = unsure
		if a.ended && a.report.Kind == core.ReportSuspended {
			a.report.Heard = unsure
		}
	}
	switch {
	case a.ended:
		w.reports.add(a.report)
	case a.logbook != nil:
		w.sendEntries(a, a.logbook.sent)
	}
}
