package sim

import "github.com/adzehq/adze/internal/core"

// doomedOneIn is how many tasks there are for one that fails when it would begin, because
// nobody could say what it needs.
const doomedOneIn = 60

// doom makes few of the new tasks fail.
func (h *history) doom(row *core.NewTask) {
	if h.rand.IntN(doomedOneIn) == 0 {
		row.Flow = &core.Flow{Share: row.Key, Failed: "nobody can say what it needs"}
	}
}

// takeDoomed ends the tasks that are doomed: when their time has come, and at once.
func (m *model) takeDoomed(st *step) *Violation {
	for _, t := range m.sorted() {
		if t.flow == nil || t.flow.Failed == "" {
			continue
		}
		switch r := st.results[t.row.ID]; {
		case r != nil && r.Error == t.flow.Failed && t.row.RunAt <= st.now:
			if v := m.end(st, t, nil, failedForGood); v != nil {
				return v
			}
		case r == nil && (t.state == core.OpenReady || t.state == core.OpenRunning):
			return broken(rightCause, "task %d is %v, and nobody can say what it needs", t.row.ID, t.state)
		}
	}
	return nil
}
