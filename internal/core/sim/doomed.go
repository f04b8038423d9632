package sim

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// doomedOneIn is how many runs there are for one that fails when it would begin, because
// nobody could say what it needs.
const doomedOneIn = 40

// doomedChildOneIn is doomedOneIn of children, of which there are few.
const doomedChildOneIn = 8

// forkDoomedOneIn is doomedOneIn of forks, of which there are few.
const forkDoomedOneIn = 4

// doomedText is the error of such runs.
const doomedText = "nobody can say what it needs"

// doom makes few of the new runs fail, whatever starts them.
func (h *history) doom(row *core.NewTask) { h.doomOneIn(doomedOneIn, row) }

func (h *history) doomOneIn(n int, row *core.NewTask) {
	if h.rand.IntN(n) == 0 {
		row.Flow = &core.Flow{Share: row.Key, Failed: doomedText}
	}
}

func doomed(flow *core.Flow) bool { return flow != nil && flow.Failed != "" }

// doomedIn are the tasks that are doomed and end among the effects, in the order in which
// they do.
func doomedIn(out *core.Effects) (tasks []id.ID) {
	for i := range out.Results {
		if r := &out.Results[i]; r.Status == core.Failed && r.Error == doomedText {
			tasks = append(tasks, r.Task)
		}
	}
	return tasks
}

// takeDoomed goes along with the core as it ends tasks that are doomed, as far as their
// time has come by now. What is left at the end of the step ends for no reason.
func (m *model) takeDoomed(st *step) *Violation {
	for len(st.doomed) > 0 {
		target := st.doomed[0]
		m.wakeDue(target)
		t := m.tasks[target]
		if t == nil || t.state != core.OpenReady || !doomed(t.flow) {
			return nil
		}
		st.doomed = st.doomed[1:]
		if v := m.end(st, t, nil, failedForGood); v != nil {
			return v
		}
	}
	return nil
}

// checkDoomed: who is doomed ends when it would begin, and goes to no worker.
func (m *model) checkDoomed() *Violation {
	for target, t := range m.tasks {
		if doomed(t.flow) && t.ticket == nil && (t.state == core.OpenReady || t.state == core.OpenRunning) {
			return broken(doomedEnd, "task %d is %v, and nobody can say what it needs", target, t.state)
		}
	}
	return nil
}
