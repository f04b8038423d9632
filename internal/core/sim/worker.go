package sim

import (
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// agent is a worker's process as the world sees it: it runs what it is told,
// remembers what it has not seen settled, and misbehaves as the history wants.
type agent struct {
	id       id.ID
	tenant   id.ID
	actions  []string
	slots    int32
	spared   bool
	typed    int32 // of the type slotType
	labels   map[string]string
	session  int // counts its streams; what was meant for an older one is lost
	joined   bool
	dead     bool // never comes back
	inbox    []message
	running  []*run
	outbox   []core.ReportItem   // ends reported and not settled
	released map[core.Token]bool // attempts of which it gave the slots back
	unstored
}

// run is an attempt in the worker's hands.
type run struct {
	core.Claim
	started bool
	stopped bool
	wrote   pen
	book    *book // of a durable task
}

// message is one word of the engine to a worker; one of the five.
type message struct {
	assigned core.Assignment
	stop     core.Stop
	settled  core.Settlement
	emitted  core.Emitted
	met      core.Met

	// With the assignment of a durable task: what was committed when it was told, and
	// how much of it there must be.
	log     []core.Entry
	mets    []core.Met
	metsMin int
}

// receive takes the next word in.
func (a *agent) receive(h *history) *Violation {
	m := a.inbox[0]
	a.inbox = a.inbox[1:]
	switch {
	case m.assigned.Task != 0:
		r := &run{Claim: core.Claim{Task: m.assigned.Task, Attempt: m.assigned.Attempt, Token: m.assigned.Token}}
		a.running = append(a.running, r)
		if v := h.checkStoredFirst(m.assigned); v != nil {
			return v
		}
		if h.isDurable(m.assigned.Task) {
			book, v := h.openBook(&m)
			r.book = book
			return v
		}
	case m.stop.Task != 0:
		if at := slices.IndexFunc(a.running, func(r *run) bool { return r.Token == m.stop.Token }); at >= 0 {
			a.running[at].stopped = true
		}
	case m.emitted.Task != 0:
		v := h.checkWrittenFirst(a, m.emitted)
		a.unstored.stored(m.emitted)
		return v
	case m.met.Task != 0:
		if at := slices.IndexFunc(a.running, func(r *run) bool { return r.Token == m.met.Token }); at >= 0 && a.running[at].book != nil {
			a.running[at].book.hear(m.met)
		}
	case m.settled.Entry != 0:
		return a.recorded(h, m.settled)
	case m.settled.Task != 0:
		a.outbox = slices.DeleteFunc(a.outbox, func(i core.ReportItem) bool { return i.Token == m.settled.Token })
	}
	return nil
}

// finish makes the end of a run and keeps it until it is settled.
func (a *agent) finish(h *history, at int, kind core.ReportKind, nonRetryable bool) core.ReportItem {
	r := a.running[at]
	a.running = slices.Delete(a.running, at, at+1)
	item := core.ReportItem{Task: r.Task, Attempt: r.Attempt, Token: r.Token, Kind: kind, NonRetryable: nonRetryable && kind == core.ReportFailed}
	if kind == core.ReportCompleted {
		item.Output = fmt.Appendf(nil, `{"token":%d}`, r.Token)
		item.Verdicts = h.drawVerdicts(r.Task)
	} else {
		item.Error = "it broke"
		item.RetryAfterMS = pick(h, []int64{0, 0, 0, 50, 5_000})
	}
	a.outbox = append(a.outbox, item)
	h.wrote[r.Token] = r.wrote
	return item
}

// finishHalf completes the first half of what it runs: not all at once, not one by one.
func (a *agent) finishHalf(h *history) []core.ReportItem {
	var items []core.ReportItem
	for _, r := range slices.Clone(a.running[:(len(a.running)+1)/2]) {
		switch {
		case r.book == nil:
			items = append(items, a.finish(h, slices.Index(a.running, r), core.ReportCompleted, false))
		case r.book.sent != nil: // its settlement would have come by now
			items = append(items, a.suspend(r)...)
		default:
			items = append(items, h.goOn(a, r)...)
		}
	}
	return items
}

// claims are what it still has in hand, the unsettled ends among them.
func (a *agent) claims(h *history) []core.Claim {
	var claims []core.Claim
	for _, r := range a.running {
		claims = append(claims, r.Claim)
	}
	for _, i := range a.outbox {
		claims = append(claims, core.Claim{Task: i.Task, Attempt: i.Attempt, Token: i.Token})
	}
	for i := range claims {
		claims[i].Released, claims[i].Batch = a.released[claims[i].Token], h.batchOf[claims[i].Token]
	}
	return claims
}

// disconnect drops the stream; what was on its way is lost with it.
func (a *agent) disconnect() {
	a.joined, a.inbox = false, nil
	a.unstored.sent = pen{}
	a.session++
}
