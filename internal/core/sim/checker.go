package sim

import (
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// quietChecks is of how many steps of the quiet phase one is looked at closely: they are
// the most, and little goes wrong there.
const quietChecks = 8

// check looks at everything that must hold after each step.
func (h *history) check(st *step) *Violation {
	v := h.checkAgreement(st)
	h.noteArrivals(st)
	if _, tick := st.in.(*core.Tick); v != nil || h.calmed && !tick && len(h.entries)%quietChecks > 0 {
		return v
	}
	return first(
		h.checkLimits(st),
		h.checkRuns(st),
		h.checkSchedules(st),
		h.checkOnce(st),
		h.checkDurable(st),
		h.checkNothingLost(),
		h.checkSlotsCounted(),
		h.checkRecoverable(st),
		h.checkRowsTrue(st),
		h.checkCheckpointed(st),
		h.checkMemoryBounded(),
		h.checkNothingIdles(),
		h.checkBatchesGo(st),
		h.checkRates(st),
		h.checkPauses(st),
		h.checkOnTime(st),
	)
}

// checkAgreement: each task that the core has in memory stands where the rules put
// it, and nothing else is in memory.
func (h *history) checkAgreement(st *step) *Violation {
	for target, t := range h.model.tasks {
		live := h.shard.Live(target)
		if live.State == core.OpenReady || live.State == core.OpenDelayed && t.roused {
			h.model.wakeDue(target)
		}
	}
	if v := h.model.followPlaces(st); v != nil {
		return v
	}
	for target, t := range h.model.tasks {
		live := h.shard.Live(target)
		if live.State == 0 {
			if t.state == core.OpenRunning {
				return broken(agreement, "task %d runs at worker %d, and is not in memory", target, t.worker)
			}
			continue
		}
		want := core.Live{
			State: t.state, Tenant: t.row.Tenant, Version: t.row.Version, Run: t.row.Run, Node: t.row.Node, Attempt: t.attempt,
			Worker: t.worker, Token: t.token, Assigned: t.assigned, Started: t.started, Due: t.due,
			Passed: t.passed, Suspensions: t.rests, Paused: t.held,
		}
		if t.stop != 0 {
			want.Due = live.Due // of the stop, not of the attempt
		}
		if live != want {
			return broken(agreement, "task %d stands at %s, want %s", target, show(live), show(want))
		}
	}
	return nil
}

// checkNothingLost: the core counts as many open tasks, in memory and in Postgres,
// as were accepted and have no result.
func (h *history) checkNothingLost() *Violation {
	stats := h.shard.Stats()
	if have := stats.Resident + int(stats.Stored); have != len(h.model.tasks) {
		return broken(nothingLost, "%d tasks in memory and %d stored, of %d open ones", stats.Resident, stats.Stored, len(h.model.tasks))
	}
	return nil
}

// checkRecoverable: what a new owner would find is each open task, and no ended one.
// All effects so far count: each prefix of them is what a crash may leave.
func (h *history) checkRecoverable(st *step) *Violation {
	for target := range h.model.tasks {
		if _, row := h.written.open[target]; !row && target < h.written.lowWater {
			return broken(recoverable, "task %d is open, has no row and is below the low-water mark %d", target, h.written.lowWater)
		}
		_, stored := h.written.tasks[target]
		if _, run := h.written.runs[target]; !stored && !run {
			return broken(nothingLost, "open task %d is not stored", target)
		}
	}
	for _, r := range st.out.Results {
		if _, row := h.written.open[r.Task]; row {
			return broken(recoverable, "task %d ended and keeps its checkpoint row", r.Task)
		}
	}
	return nil
}

// checkRowsTrue: a checkpoint row says where its task stands, or stood before this
// step had it run; and what is in Postgres only stands as its row says.
func (h *history) checkRowsTrue(st *step) *Violation {
	for _, o := range st.out.Open {
		if t := h.model.tasks[o.ID]; t != nil && h.written.open[o.ID] == o {
			if v := t.checkRow(o, st.now); v != nil {
				return v
			}
		}
	}
	for target, t := range h.model.tasks {
		if h.shard.Live(target).State != 0 {
			continue
		}
		o, ok := h.written.open[target]
		if !ok {
			return broken(recoverable, "task %d is neither in memory nor in a row", target)
		}
		if v := t.checkRow(o, -1); v != nil {
			return v
		}
	}
	return nil
}

func (t *task) checkRow(o core.OpenTask, now core.Time) *Violation {
	want := core.OpenTask{
		ID: t.row.ID, Tenant: t.row.Tenant, Version: t.row.Version, Priority: t.row.Priority,
		Attempt: t.attempt, Failures: t.failures, State: t.state, Queue: t.def.Action, Key: t.row.Key, Flow: t.flow, Passed: t.passed,
		Worker: t.worker, Token: t.token, Due: t.due, Assigned: t.assigned,
		Run: t.row.Run, Node: t.row.Node,
		Entries: t.entries, Suspensions: t.rests, Waits: o.Waits, Binds: o.Binds,
		Rank: o.Rank, Batch: t.batch,
	}
	if reflect.DeepEqual(t.flow, o.Flow) { // what is said of a doomed run is said of each of its tasks
		want.Flow = o.Flow
	}
	if t.flow == nil && o.Flow != nil && reflect.DeepEqual(*o.Flow, core.Flow{Share: t.row.Key}) { // its lane does not say it, or did not
		want.Flow = o.Flow
	}
	if t.state == core.OpenReady || t.state == core.OpenRunning {
		want.Queue, want.Key = t.lane.queue, t.lane.key
	}
	if t.state == core.OpenReady {
		want.Rank = t.rank
	}
	if t.gained == now && o.Passed < t.passed || t.crossedPause(o, now) { // it was written on the way
		want.Rank, want.Queue, want.Key, want.Passed = o.Rank, o.Queue, o.Key, o.Passed
	}
	if t.state == core.OpenRunning { // what a running task does is not written there
		want.Entries = min(o.Entries, t.entries)
	}
	if o.Run != want.Run || o.Node != want.Node {
		return broken(nodesNamed, "row %+v, want %+v", o, want)
	}
	if t.stop != 0 {
		want.Due = o.Due
	}
	if t.stop == core.StopCancelled && o.Cancel != "" {
		want.Cancel = o.Cancel
	}
	if t.state == core.OpenRunning && t.assigned == now && o.State != core.OpenRunning {
		want.State, want.Due = o.State, o.Due
		want.Worker, want.Token, want.Assigned, want.Batch = 0, 0, 0, 0
		want.Rank, want.Queue, want.Key, want.Passed = o.Rank, o.Queue, o.Key, o.Passed
	}
	if o != want {
		return broken(checkpointed, "row %s, want %s", show(o), show(want))
	}
	return nil
}

// checkpointLate is how old a state without a row may be when a tick has passed: a
// task may be a moment too young for one checkpoint, and waits for the next.
const checkpointLate = 2 * core.CheckpointAgeMS

// checkCheckpointed: after a tick, what has been open, or in its state, for long has
// a row that says so.
func (h *history) checkCheckpointed(st *step) *Violation {
	if _, ok := st.in.(*core.Tick); !ok {
		return nil
	}
	for target, t := range h.model.tasks {
		if st.now-t.since <= checkpointLate {
			continue
		}
		o, ok := h.written.open[target]
		if !ok || o.State != t.state || o.Attempt != t.attempt || o.Token != t.token || o.Passed != t.passed {
			return broken(checkpointed, "task %d is %v, attempt %d, since %d ms; its row (%v) says %v, attempt %d",
				target, t.state, t.attempt, st.now-t.since, ok, o.State, o.Attempt)
		}
	}
	return nil
}

// windowSlack is what a lane may have beyond two windows: the one whose coming is
// noticed, and what a load brings back at once.
const windowSlack = 1

// windowsUsual is as many windows as no history fills.
const windowsUsual = 1_000

// checkMemoryBounded: a lane, and the line of the delayed, hold two windows in memory while
// no load of theirs is on its way; a lane more if it is lent room.
func (h *history) checkMemoryBounded() *Violation {
	ready, delayed := map[lane]int{}, 0
	for target, t := range h.model.tasks {
		switch h.shard.Live(target).State {
		case core.OpenReady:
			ready[t.lane]++
		case core.OpenDelayed, core.OpenWaiting:
			delayed++
		}
	}
	if v := h.checkWindowsTogether(ready); v != nil {
		return v
	}
	bound := 2*h.window + windowSlack
	for l, n := range ready {
		if n > max(bound, h.lentToOne()) && !h.model.loading(l) {
			return broken(memoryBounded, "%d ready tasks of key %q are in memory, with a window of %d", n, l.key, h.window)
		}
	}
	if delayed > bound {
		return broken(memoryBounded, "%d delayed tasks are in memory, with a window of %d", delayed, h.window)
	}
	return nil
}

// lentToOne is how much of the room for all a lane may have to itself.
func (h *history) lentToOne() int {
	if h.lent == 0 {
		return 0
	}
	return h.windows*h.window/h.lent + windowSlack
}

// windowLeast is of how many tasks the smallest window is, where no room is left.
func (h *history) windowLeast() int { return max(h.window/128, 1) }

// checkWindowsTogether: lanes with more in memory than two of the smallest windows fit
// into the room of all windows together.
func (h *history) checkWindowsTogether(ready map[lane]int) *Violation {
	long := 0
	for l, n := range ready {
		if n > 2*h.windowLeast() && !h.model.loading(l) {
			long += n
		}
	}
	if room := h.windows * h.window; long > room {
		return broken(memoryBounded, "%d ready tasks are in memory, of lanes that are to be short, with room for %d", long, room)
	}
	return nil
}

// checkOnTime: the next tick is asked for no later than the first thing is due, and
// a tick leaves nothing overdue behind. What is in Postgres only may be on its way.
func (h *history) checkOnTime(st *step) *Violation {
	next := h.shard.NextDue()
	late := func(due core.Time) bool { return due > 0 && (next == 0 || next > due) }
	_, tick := st.in.(*core.Tick)
	for target, t := range h.model.tasks {
		due := t.due
		if t.stop != 0 {
			due = t.stopBy
		}
		if h.shard.Live(target).State == 0 && h.model.loadingDue() {
			continue
		}
		if late(due) {
			return broken(onTime, "task %d (%v) is due at %d, the next tick at %d", target, t.state, due, next)
		}
		if tick && due > 0 && due <= st.now {
			return broken(onTime, "task %d (%v) was due at %d, and the tick at %d passed it over", target, t.state, due, st.now)
		}
	}
	for _, w := range h.model.workers {
		if late(w.away) {
			return broken(onTime, "worker %d is expected until %d, the next tick is at %d", w.id, w.away, next)
		}
	}
	return nil
}

// checkStoredFirst: when a worker is told of a task, its row is committed.
func (h *history) checkStoredFirst(a core.Assignment) *Violation {
	if _, ok := h.committed.tasks[a.Task]; !ok {
		return broken(storedFirst, "worker %d is told of task %d before that is committed", a.Worker, a.Task)
	}
	return nil
}

// checkEverythingEnded: after the quiet phase each accepted task has its result, no
// checkpoint row is left, every request was answered, and nothing is in memory.
func (h *history) checkEverythingEnded() *Violation {
	for _, target := range h.accepted {
		if _, ok := h.committed.results[target]; !ok {
			return broken(everythingEnd, "task %d has no result", target)
		}
	}
	if len(h.committed.open) > 0 {
		return broken(recoverable, "%d checkpoint rows are left of %d tasks", len(h.committed.open), len(h.accepted))
	}
	if len(h.asked) > 0 {
		return broken(answered, "%d requests have no answer", len(h.asked))
	}
	if stats := h.shard.Stats(); stats.Resident > 0 || stats.Stored > 0 || stats.Loads+stats.Waits+stats.Watched+stats.Closing > 0 {
		return broken(everythingEnd, "the core holds %+v", stats)
	}
	return first(h.checkRunsEnded(), h.checkNothingWaits(), h.checkOnceEnded(), h.checkLimitsEnded())
}

// named are the tasks whose being in memory decides what a step must do.
func (m *model) named(now core.Time, in core.Input) []id.ID {
	var tasks []id.ID
	switch in := in.(type) {
	case *core.Join:
		for _, c := range in.Running {
			tasks = append(tasks, c.Task)
		}
	case *core.Report:
		for _, item := range in.Items {
			tasks = append(tasks, item.Task)
			if item.Entry != nil && item.Entry.Spawned != nil {
				tasks = append(tasks, m.holders(item.Entry.Spawned)...)
			}
		}
	case *core.Cancel:
		for _, target := range in.Tasks {
			tasks = append(tasks, target)
			if r := m.runs[target]; r != nil {
				tasks = append(tasks, r.nodes()...)
			}
		}
	case *core.Submit:
		tasks = m.holders(in)
	case *core.Push:
		tasks = m.holders(&in.Submit)
	case *core.Spawn:
		for i := range in.Items {
			if want := in.Items[i].Once; want != nil {
				tasks = append(tasks, m.holder(in.Tenant, want.Key)...)
			}
		}
	case *core.Fire:
		for i := range in.Runs {
			if f := &in.Runs[i]; f.Once != nil {
				tasks = append(tasks, m.holder(f.Run.Task.Tenant, f.Once.Key)...)
			}
		}
		if s := m.schedules[in.Schedule]; s != nil && s.Running != 0 {
			tasks = append(tasks, s.Running)
			if r := m.runs[s.Running]; r != nil {
				tasks = append(tasks, r.nodes()...)
			}
		}
	case *core.Loaded:
		tasks = slices.Clone(in.Load.Tasks)
		for _, c := range in.Children {
			tasks = append(tasks, c.Run)
			if r := m.runs[c.Run]; r != nil {
				tasks = append(tasks, r.nodes()...)
			}
		}
	case *core.Tick:
		for target, t := range m.tasks {
			if t.due > 0 && t.due <= now {
				tasks = append(tasks, target)
			}
		}
	}
	return tasks
}
