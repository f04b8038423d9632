package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// bustle has all workers end what they run, and the store keep up with them, a few
// times: so a graph comes to its end among all else that happens.
func (h *history) bustle() *Violation {
	for range 1 + h.rand.IntN(4) {
		for _, a := range h.agents {
			if v := h.work(a); v != nil {
				return v
			}
		}
		for h.durable < len(h.entries) {
			if v := h.commit(); v != nil {
				return v
			}
		}
		for len(h.toRead) > 0 {
			h.read(0)
		}
		for len(h.toAnswer) > 0 {
			if v := h.answer(0); v != nil {
				return v
			}
		}
	}
	return nil
}

// work has a worker hear all it is told, and end all it runs.
func (h *history) work(a *agent) *Violation {
	if !a.joined {
		return nil
	}
	for len(a.inbox) > 0 {
		if v := a.receive(h); v != nil {
			return v
		}
	}
	if h.rand.IntN(4) == 0 {
		if v := h.write(a); v != nil {
			return v
		}
	}
	var items []core.ReportItem
	for _, r := range slices.Clone(a.running) {
		if r.book != nil {
			items = append(items, h.goOn(a, r)...)
			continue
		}
		kind := core.ReportCompleted
		if h.rand.IntN(8) < h.failShare {
			kind = core.ReportFailed
		}
		items = append(items, a.finish(h, slices.Index(a.running, r), kind, h.rand.IntN(3) == 0))
	}
	return h.report(a, items...)
}
