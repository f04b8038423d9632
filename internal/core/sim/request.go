package sim

import (
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// cancelEach cancels tasks of a tenant in order. The core puts off those that are
// not in memory by a Load of the same Ref, and no others of the tenant's.
func (m *model) cancelEach(st *step, tenant id.ID, tasks []id.ID, ref uint64) *Violation {
	later := st.putOff(ref)
	for _, target := range tasks {
		if slices.Contains(later, target) {
			if m.ownedBy(target, tenant) && st.stayed(target) && !st.askedAgain() {
				return broken(answered, "the cancel of %d is put off, though it is in memory", target)
			}
			continue
		}
		kind, v := m.cancelNamed(st, tenant, target)
		if v != nil {
			return v
		}
		if ref != 0 { // asked for by somebody, not by a run that is cancelled
			st.answers = append(st.answers, core.Answer{Ref: ref, Task: target, Kind: kind})
		}
	}
	return nil
}

// ownedBy tells whether it is an open task or run of the tenant.
func (m *model) ownedBy(target, tenant id.ID) bool {
	t, r := m.tasks[target], m.runs[target]
	return t != nil && t.row.Tenant == tenant || r != nil && r.row.Tenant == tenant
}

// askedAgain tells whether what was loaded was too old to be looked at.
func (st *step) askedAgain() bool {
	in, ok := st.in.(*core.Loaded)
	return ok && slices.ContainsFunc(st.out.Loads, func(l core.Load) bool { return sameLoad(l, in.Load) })
}

func sameLoad(a, b core.Load) bool {
	a.Seq, b.Seq = 0, 0
	return reflect.DeepEqual(a, b)
}

// cancelNamed cancels a task or a run, if it is the tenant's.
func (m *model) cancelNamed(st *step, tenant, target id.ID) (core.AnswerKind, *Violation) {
	if t := m.tasks[target]; t != nil && t.row.Tenant == tenant {
		m.markWhole(st, target)
		return m.cancel(st, t)
	}
	if r := m.runs[target]; r != nil && r.row.Tenant == tenant {
		m.markWhole(st, append(r.nodes(), target)...)
		return m.cancelRun(st, r)
	}
	return core.AnswerUnknown, nil
}

func (st *step) putOff(ref uint64) []id.ID { return st.asksFor(core.LoadTasks, ref) }

// asksFor are the tasks of the loads of a kind that the step asks for under ref.
func (st *step) asksFor(kind core.LoadKind, ref uint64) []id.ID {
	var tasks []id.ID
	for _, l := range st.out.Loads {
		if l.Kind == kind && l.Ref == ref {
			tasks = append(tasks, l.Tasks...)
		}
	}
	return tasks
}

func (m *model) cancel(st *step, t *task) (core.AnswerKind, *Violation) {
	if t.ticket != nil {
		return core.AnswerDone, m.tear(st, t)
	}
	if t.state != core.OpenRunning {
		return core.AnswerDone, m.end(st, t, nil, cancelled)
	}
	// One that timed out is still cancelled: the last word counts.
	if t.stop != core.StopCancelled {
		m.stop(st, t, core.StopCancelled)
	}
	return core.AnswerStarted, nil
}

func (m *model) stop(st *step, t *task, reason core.StopReason) {
	t.stop, t.stopBy = reason, st.now+core.StopGraceMS
	st.stops = append(st.stops, core.Stop{Worker: t.worker, Task: t.row.ID, Token: t.token, Reason: reason})
}
