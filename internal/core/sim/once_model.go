package sim

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// onceModel is who holds what, wherever the core keeps it.
type onceModel struct {
	held     map[onceName]*core.OnceKey // also when its time is over: it counts as free then
	replaced map[id.ID]core.OnceKey     // runs that are still to be cancelled
}

func newOnceModel() onceModel {
	return onceModel{held: map[onceName]*core.OnceKey{}, replaced: map[id.ID]core.OnceKey{}}
}

// holderOf is who holds a key right now; nil if it is free.
func (m *model) holderOf(tenant id.ID, key string, now core.Time) *core.OnceKey {
	k := m.once.held[onceName{tenant, key}]
	if k == nil || k.Until != 0 && k.Until <= now {
		return nil
	}
	return k
}

// takeSubmitOnce is takeSubmit of runs of which some want keys.
func (m *model) takeSubmitOnce(st *step, in *core.Submit, told func(*core.NewOnceKey, core.AnswerKind, id.ID) *Violation) *Violation {
	tasks, runs := slices.Clone(in.Tasks), slices.Clone(in.Runs)
	for _, target := range sortedRuns(in) {
		want := slices.IndexFunc(in.Once, func(k core.NewOnceKey) bool { return k.Run == target })
		var row *core.NewTask
		at := slices.IndexFunc(tasks, func(t core.NewTask) bool { return t.ID == target })
		graph := slices.IndexFunc(runs, func(r core.NewRun) bool { return r.Task.ID == target })
		if at >= 0 {
			row = &tasks[at]
		} else {
			row = &runs[graph].Task
		}
		if want >= 0 {
			kind, holder, v := m.takeKey(st, &in.Once[want], row)
			if v = first(v, told(&in.Once[want], kind, holder)); v != nil {
				return v
			}
			if kind != core.AnswerDone {
				continue
			}
		}
		if at < 0 {
			if v := first(m.takeRuns(st, runs[graph:graph+1]), m.takeMets(st)); v != nil {
				return v
			}
			continue
		}
		st.own = append(st.own, *row)
		m.submit(*row, st.now, st.seq)
		if v := m.takeMets(st); v != nil { // the next one may want the key of one that is doomed
			return v
		}
	}
	return nil
}

// ruled is a key that a run wants as it is set: for the key, else for all of its workflow,
// else as is declared. One that is given with the run is as it is given.
func (m *model) ruled(want core.NewOnceKey, tenant id.ID) core.NewOnceKey {
	if want.Workflow == "" {
		return want
	}
	bare := strings.TrimPrefix(want.Key, quietKey(want.Workflow, ""))
	own, all := m.layers(core.SettingOnce, tenant, want.Workflow, bare)
	want.TTLMS = cmp.Or(own.Once.TTLMS, all.Once.TTLMS, want.TTLMS)
	want.MaxDelayMS = cmp.Or(own.Once.MaxDelayMS, all.Once.MaxDelayMS, want.MaxDelayMS)
	switch {
	case own.Once.Collides:
		want.Taken = own.Once.Taken
	case all.Once.Collides:
		want.Taken = all.Once.Taken
	}
	return want
}

// takeKey is the rule of once keys.
func (m *model) takeKey(st *step, wanted *core.NewOnceKey, row *core.NewTask) (core.AnswerKind, id.ID, *Violation) {
	want := m.ruled(*wanted, row.Tenant)
	name := onceName{row.Tenant, want.Key}
	k := m.holderOf(row.Tenant, want.Key, st.now)
	fresh := core.OnceKey{Run: row.ID, Tenant: row.Tenant, Key: want.Key, Hold: want.Hold}
	if want.TTLMS > 0 {
		fresh.Until = st.now + core.Time(want.TTLMS)
	}
	if want.Hold == core.OnceQuiet {
		fresh.First = st.now
		if k != nil {
			fresh.First = k.First
		}
		if want.MaxDelayMS > 0 {
			fresh.Until = min(fresh.Until, fresh.First+core.Time(want.MaxDelayMS))
		}
		row.RunAt = fresh.Until
	}
	replaces := k != nil && (want.Hold == core.OnceQuiet || want.Taken == core.OnceReplace && !k.Begun && !k.Ended)
	switch {
	case replaces:
		delete(m.once.held, name)
		if v := m.replaceRun(st, k, row.ID); v != nil {
			return 0, 0, v
		}
	case k != nil && want.Taken == core.OnceExisting:
		return core.AnswerExists, k.Run, nil
	case k != nil:
		return core.AnswerHeld, k.Run, nil
	}
	m.once.held[name] = &fresh
	return core.AnswerDone, row.ID, nil
}

// replaceRun expects a run to end, at once or when it has been read.
func (m *model) replaceRun(st *step, k *core.OnceKey, by id.ID) *Violation {
	if slices.Contains(st.putOff(0), k.Run) {
		if st.stayed(k.Run) {
			return broken(onceReplaced, "the cancel of run %d is put off, though it is in memory", k.Run)
		}
		m.once.replaced[k.Run] = core.OnceKey{Run: k.Run, Tenant: k.Tenant, Hold: k.Hold, By: by}
		return nil
	}
	if r := m.runs[k.Run]; !st.endsBy(k.Run, by) && (r == nil || !r.cancelled) {
		return broken(onceReplaced, "run %d is replaced by %d, and does not end with that as its error", k.Run, by)
	}
	_, v := m.cancelNamed(st, k.Tenant, k.Run)
	return v
}

// endsBy tells whether a run is cancelled in the step because another one took its place.
func (st *step) endsBy(target, by id.ID) bool {
	if r := st.results[target]; r != nil {
		return strings.Contains(r.Error, by.String())
	}
	if r := st.runResults[target]; r != nil {
		return strings.Contains(r.Error, by.String())
	}
	return slices.ContainsFunc(st.out.OpenRuns, func(o core.OpenRun) bool { return o.ID == target && strings.Contains(o.Cancel, by.String()) })
}

// onceBegins notes that a worker is given a task of a run.
func (m *model) onceBegins(t *task) {
	run := t.row.ID
	if t.row.Run != 0 {
		run = t.row.Run
	}
	for _, k := range m.once.held {
		if k.Run == run {
			k.Begun = true
		}
	}
}

// onceEnds frees what a run holds until it ends.
func (m *model) onceEnds(run id.ID) {
	delete(m.once.replaced, run)
	for name, k := range m.once.held {
		if k.Run == run {
			if k.Ended = true; k.Hold != core.OnceTTL {
				delete(m.once.held, name)
			}
		}
	}
}

// recoverOnce is what a crash leaves of keys.
func (m *model) recoverOnce(s *store) {
	for _, k := range s.onceHeldRows() {
		if !k.Ended || k.Hold == core.OnceTTL {
			k.Begun = k.Begun || m.mayHaveBegun(k.Run)
			m.once.held[onceName{k.Tenant, k.Key}] = &k
		}
	}
	for run, k := range s.once {
		if k.By != 0 {
			m.once.replaced[run] = k
		}
	}
}

// mayHaveBegun tells whether a worker may have been given a task of a run: of a durable one
// no row may say so.
func (m *model) mayHaveBegun(run id.ID) bool {
	for _, t := range m.tasks {
		if (t.row.ID == run || t.row.Run == run) && t.attempt > 1 {
			return true
		}
	}
	return false
}

// takeReplaced expects what was read of runs that were replaced to end.
func (m *model) takeReplaced(st *step, in *core.Loaded) *Violation {
	for _, r := range in.Runs {
		if _, is := m.once.replaced[r.ID]; is && m.runs[r.ID] != nil && st.cancelled(r.ID) {
			if _, v := m.cancelRun(st, m.runs[r.ID]); v != nil {
				return v
			}
		}
	}
	if in.Load.Kind != core.LoadLane && in.Load.Kind != core.LoadDue {
		return nil
	}
	for _, row := range in.Rows {
		run := row.ID
		if row.Run != 0 {
			run = row.Run
		}
		_, is := m.once.replaced[run]
		if t := m.tasks[row.ID]; is && t != nil && (st.results[row.ID] != nil || t.ticket != nil) {
			if _, v := m.cancel(st, t); v != nil {
				return v
			}
		}
	}
	return nil
}

// checkOnce looks at all that must hold of once keys after each step.
func (h *history) checkOnce(st *step) *Violation {
	for _, a := range st.out.Assigned {
		if _, is := h.model.once.replaced[a.Task]; is {
			return broken(onceReplaced, "run %d was replaced, and is assigned", a.Task)
		}
	}
	rows := 0
	for run, k := range h.written.once {
		if k.By != 0 {
			if want := h.model.once.replaced[run]; want != k {
				return broken(onceReplaced, "row %s of a run that was replaced, want %s", show(k), show(want))
			}
			continue
		}
		rows++
		held := h.model.once.held[onceName{k.Tenant, k.Key}]
		over := k.Until != 0 && k.Until <= st.now
		if (held == nil || held.Run != run) && !over && !h.written.ended(run) {
			return broken(onceTrue, "row %s of a key that run %d does not hold", show(k), run)
		}
	}
	for _, held := range h.model.once.held {
		want := *held
		want.Begun, want.Ended = false, false
		if over := want.Until != 0 && want.Until <= st.now; !over && !reflect.DeepEqual(h.written.once[want.Run], want) {
			return broken(onceTrue, "row %s of a key, want %s", show(h.written.once[want.Run]), show(want))
		}
	}
	for run := range h.model.once.replaced {
		if _, there := h.written.once[run]; !there {
			return broken(onceReplaced, "run %d was replaced and is open, and no row says so", run)
		}
	}
	return h.checkOnceCounted(st, rows)
}

// checkOnceCounted: the core knows how many keys are held, keeps few of them in memory,
// and frees them in time.
func (h *history) checkOnceCounted(st *step, rows int) *Violation {
	stats := h.shard.Stats()
	if have := stats.Once + int(stats.OnceStored); have != rows {
		return broken(onceTrue, "%d keys in memory and %d stored, of %d rows", stats.Once, stats.OnceStored, rows)
	}
	if stats.Once > h.onceMax {
		return broken(memoryBounded, "%d once keys are in memory, of %d at most", stats.Once, h.onceMax)
	}
	next := h.shard.NextDue()
	_, tick := st.in.(*core.Tick)
	for _, k := range h.written.once {
		if k.By != 0 || k.Until == 0 || h.model.loadingOnce() {
			continue
		}
		if next == 0 || next > max(k.Until, st.now) || tick && k.Until <= st.now && stats.OnceStored == 0 {
			return broken(onceFreed, "key %q is free at %d, the next tick is at %d", k.Key, k.Until, next)
		}
	}
	return nil
}

func (m *model) loadingOnce() bool {
	return slices.ContainsFunc(m.loads, func(l core.Load) bool { return l.Kind == core.LoadOnceDue })
}

// checkOnceEnded: in the end nothing is held, but for what a crash kept the core from
// looking up.
func (h *history) checkOnceEnded() *Violation {
	for run, k := range h.committed.once {
		if k.By != 0 || k.Until != 0 || !h.committed.ended(run) {
			return broken(onceFreed, "row %s is left", show(k))
		}
	}
	return nil
}

// holders are the runs that hold what those of a submit want, with their nodes.
func (m *model) holders(in *core.Submit) []id.ID {
	var tasks []id.ID
	for _, want := range in.Once {
		tasks = append(tasks, m.holder(tenantIn(in, want.Run), want.Key)...)
	}
	return tasks
}

func (m *model) holder(tenant id.ID, key string) []id.ID {
	k := m.once.held[onceName{tenant, key}]
	if k == nil {
		return nil
	}
	if r := m.runs[k.Run]; r != nil {
		return append(r.nodes(), k.Run)
	}
	return []id.ID{k.Run}
}
