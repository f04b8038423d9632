package sim

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

const (
	schedulesMax = 6

	// firedMax is how many missed ticks a history catches up on.
	firedMax = 5
)

// scheduleStore is what is stored of schedules, with what their ticks came to.
type scheduleStore struct {
	rows   map[id.ID]core.Schedule
	states map[id.ID]core.ScheduleState
	fired  map[tick]id.ID  // the run of each
	dealt  map[id.ID]int64 // ticks up to the state's Last
	begun  map[id.ID]int64 // of those, that started a run
}

type tick struct {
	schedule id.ID
	at       core.Time
}

func newScheduleStore() scheduleStore {
	return scheduleStore{
		rows: map[id.ID]core.Schedule{}, states: map[id.ID]core.ScheduleState{},
		fired: map[tick]id.ID{}, dealt: map[id.ID]int64{}, begun: map[id.ID]int64{},
	}
}

func (s *scheduleStore) clone() scheduleStore {
	return scheduleStore{maps.Clone(s.rows), maps.Clone(s.states), maps.Clone(s.fired), maps.Clone(s.dealt), maps.Clone(s.begun)}
}

// period of a cron of the simulator, whose ticks are its multiples. The core does not
// look at the jitter: it has room for it.
func period(s *core.Schedule) core.Time { return core.Time(s.JitterMS) }

func (s *scheduleStore) apply(e *core.Effects) *Violation {
	put := map[id.ID]bool{}
	for _, row := range e.Schedules {
		put[row.ID] = true
		s.rows[row.ID] = row
	}
	for _, rows := range [][]core.NewTask{e.Tasks, e.Runs} {
		for _, row := range rows {
			if v := s.applyFired(row); v != nil {
				return v
			}
		}
	}
	for _, state := range e.ScheduleStates {
		row := s.rows[state.ID]
		if p := period(&row); !put[state.ID] && p > 0 {
			s.dealt[state.ID] += int64(state.Last/p - s.states[state.ID].Last/p)
		}
		s.states[state.ID] = state
	}
	for _, closed := range e.ClosedSchedules {
		delete(s.rows, closed)
		delete(s.states, closed)
	}
	return s.checkDealt(e)
}

// applyFired counts a run of a tick. One that was started by hand is for none.
func (s *scheduleStore) applyFired(row core.NewTask) *Violation {
	if row.Schedule == 0 || row.RunAt == 0 {
		return nil
	}
	at := tick{row.Schedule, row.RunAt}
	if first, twice := s.fired[at]; twice {
		return broken(ticksOnce, "tick %d of schedule %d starts run %d, and run %d before", at.at, at.schedule, row.ID, first)
	}
	s.fired[at] = row.ID
	s.begun[row.Schedule]++
	return nil
}

// checkDealt: each tick that is dealt with started a run, was skipped, or waits: in
// every commit, and so after every crash.
func (s *scheduleStore) checkDealt(e *core.Effects) *Violation {
	for _, written := range e.ScheduleStates {
		state, there := s.states[written.ID]
		row := s.rows[written.ID]
		if !there || period(&row) == 0 {
			continue
		}
		have := s.begun[state.ID] + state.Skipped
		if state.Queued != 0 {
			have++
		}
		if have != s.dealt[state.ID] {
			return broken(ticksDealt, "schedule %d dealt with %d ticks: %d started a run, %d were skipped, waits: %d",
				state.ID, s.dealt[state.ID], s.begun[state.ID], state.Skipped, state.Queued)
		}
	}
	return nil
}

// restore is what a new owner reads.
func (s *scheduleStore) restore() []core.ScheduleState {
	states := slices.Collect(maps.Values(s.states))
	for i := range states {
		row := s.rows[states[i].ID]
		states[i].Overlap, states[i].Once = row.Overlap, row.Once()
	}
	slices.SortFunc(states, func(a, b core.ScheduleState) int { return cmp.Compare(a.ID, b.ID) })
	return states
}

// schedule makes, changes, ends or triggers one.
func (h *history) schedule() *Violation {
	known := slices.Sorted(maps.Keys(h.model.schedules))
	what := h.rand.IntN(8)
	if len(known) == 0 || what < 4 && h.lastSchedule-firstSchedule < schedulesMax {
		h.lastSchedule++
		return h.putSchedule(h.drawTimes(h.newSchedule()))
	}
	row := h.plans[pick(h, known)]
	switch what {
	case 4:
		h.lastRef++
		h.asked[h.lastRef] = 1
		return h.apply(&core.PutSchedules{Ref: h.lastRef, Tenant: row.Tenant, Drops: []id.ID{row.ID}})
	case 5:
		row.Paused = !row.Paused
		return h.putSchedule(row)
	case 6:
		h.lastRef++
		h.asked[h.lastRef] = 1
		return h.apply(&core.Fire{Ref: h.lastRef, Schedule: row.ID, Runs: []core.Fired{h.fired(row, 0, false)}})
	}
	return h.putSchedule(h.drawTimes(row))
}

// overlaps are drawn by how often they matter: a tick seldom waits for the run of another.
var overlaps = []core.Overlap{core.OverlapAllow, core.OverlapSkip, core.OverlapCancelOld, core.OverlapQueue, core.OverlapQueue}

// clearWay cancels a run that a tick waits for, now and then.
func (h *history) clearWay() *Violation {
	run := h.inTheWayOfTick()
	if run == 0 || h.rand.IntN(2) == 0 {
		return nil
	}
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.Cancel{Ref: h.lastRef, Tenant: h.tenantOf(run), Tasks: []id.ID{run}, Reason: "the next one is due"})
}

// inTheWayOfTick is an open run that a tick of its schedule waits for; 0 if there is none.
func (h *history) inTheWayOfTick() id.ID {
	queued := func(row *core.NewTask) bool {
		s := h.model.schedules[row.Schedule]
		return s != nil && s.Queued != 0
	}
	for _, t := range h.model.sorted() {
		if queued(&t.row) {
			return t.row.ID
		}
	}
	for _, r := range h.model.sortedRuns() {
		if queued(&r.row) {
			return r.row.ID
		}
	}
	return 0
}

// newSchedule draws a schedule. What runtimes read of it, the core only stores.
func (h *history) newSchedule() core.Schedule {
	return core.Schedule{
		ID: h.lastSchedule, Tenant: pick(h, h.definitions).Tenant, Overlap: pick(h, overlaps), Workflow: pick(h, workflows),
		Name: "daily", Expression: "0 6 * * *", Zone: "Europe/Zurich", Priority: pick(h, priorities), Declared: h.rand.IntN(2) == 0,
		CatchUp: core.CatchUp(h.rand.IntN(3)), CatchUpMax: int32(h.rand.IntN(3)), Input: core.Payload("{}"), Metadata: core.Payload("{}"),
	}
}

func (h *history) drawTimes(row core.Schedule) core.Schedule {
	if row.At != 0 || row.JitterMS == 0 && h.rand.IntN(3) == 0 {
		row.At, row.Overlap = h.now+core.Time(h.rand.IntN(20_000)), core.OverlapAllow
		return row
	}
	row.JitterMS = pick(h, []int64{500, 3_000, 10_000, 30_000})
	return row
}

// putSchedule has row fire from now on.
func (h *history) putSchedule(row core.Schedule) *Violation {
	h.plans[row.ID] = row
	now := max(h.now, h.model.now)
	item := core.PutSchedule{Schedule: row, Last: now, Rearm: true}
	switch {
	case row.Paused:
	case row.Once():
		item.Due = row.At
	default:
		item.Due = (now/period(&row) + 1) * period(&row)
	}
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.PutSchedules{Ref: h.lastRef, Tenant: row.Tenant, Items: []core.PutSchedule{item}})
}

// fire answers what the core asked for, now and then twice.
func (h *history) fire() *Violation {
	if len(h.ripe) == 0 {
		return h.clearWay()
	}
	at := h.rand.IntN(len(h.ripe))
	ripe := h.ripe[at]
	h.ripe = slices.Delete(h.ripe, at, at+1)
	if v := h.apply(h.planFire(ripe)); v != nil || h.rand.IntN(6) > 0 {
		return v
	}
	return h.apply(h.planFire(ripe))
}

// planFire does as a runtime does: all missed ticks fire, or the last ones.
func (h *history) planFire(ripe core.Ripe) *core.Fire {
	row := h.plans[ripe.Schedule]
	in := &core.Fire{Schedule: row.ID, Revision: ripe.Revision, Last: ripe.Last, Next: ripe.Due}
	if ripe.Queued != 0 {
		in.Runs = append(in.Runs, h.fired(row, ripe.Queued, true))
	}
	if row.Once() {
		in.Next, in.Runs = 0, append(in.Runs, h.fired(row, row.At, false))
		return in
	}
	var ticks []core.Time
	for p := period(&row); ripe.Due > 0 && in.Next <= max(h.now, ripe.Now); in.Next += p {
		ticks = append(ticks, in.Next)
		in.Last = in.Next
	}
	keep := min(len(ticks), pick(h, []int{1, firedMax}))
	in.Skipped = int64(len(ticks) - keep)
	for _, at := range ticks[len(ticks)-keep:] {
		in.Runs = append(in.Runs, h.fired(row, at, false))
	}
	return in
}

// fired is a run of a task or a graph for a tick.
func (h *history) fired(row core.Schedule, at core.Time, queued bool) core.Fired {
	var f core.Fired
	f.Queued = queued
	if h.rand.IntN(8) < h.graphShare {
		if g := h.graphOf(row.Tenant); g != nil {
			f.Run, f.Graph = h.newRunOf(g), true
		}
	}
	if !f.Graph { // of the tenant there is a task at least
		h.lastTask++
		own := slices.DeleteFunc(slices.Clone(h.definitions), func(d core.Definition) bool { return d.Tenant != row.Tenant })
		f.Graph, f.Run = false, core.NewRun{Task: core.NewTask{
			ID: h.lastTask, Tenant: row.Tenant, Version: pick(h, own).Version, Input: core.Payload("{}"),
		}}
		h.own = append(h.own, h.lastTask)
	}
	f.Run.Task.Schedule, f.Run.Task.RunAt = row.ID, at
	h.doom(&f.Run.Task)
	if h.rand.IntN(5) == 0 {
		f.Once = h.drawHeld(row.Tenant)
	}
	return f
}

// pauseSchedules lets a history come to an end.
func (h *history) pauseSchedules() *Violation {
	for _, one := range slices.Sorted(maps.Keys(h.model.schedules)) {
		row := h.plans[one]
		row.Paused = true
		if v := h.putSchedule(row); v != nil {
			return v
		}
	}
	return nil
}

// schedule is where the rules put a schedule.
type schedule struct {
	core.ScheduleState
	asked bool // a Fire is awaited
}

// next is when it is to be asked for; 0 = never.
func (s *schedule) next(now core.Time) core.Time {
	switch {
	case s.asked:
		return 0
	case s.Queued != 0 && s.Running == 0:
		return now
	}
	return s.Due
}

func (m *model) recoverSchedules(states []core.ScheduleState) {
	for _, state := range states {
		m.schedules[state.ID] = &schedule{ScheduleState: state}
	}
}

// takePutSchedules: schedules are stored as they were put.
func (m *model) takePutSchedules(st *step, in *core.PutSchedules) *Violation {
	var rows []core.Schedule
	for i := range in.Items {
		item := &in.Items[i]
		s := m.schedules[item.Schedule.ID]
		if s == nil {
			s = &schedule{ScheduleState: core.ScheduleState{ID: item.Schedule.ID, Tenant: in.Tenant}}
			m.schedules[s.ID] = s
		}
		s.Due, s.Last, s.asked = item.Due, item.Last, false
		s.Revision++
		s.Overlap, s.Once = item.Schedule.Overlap, item.Schedule.Once()
		if item.Schedule.Paused && s.Queued != 0 {
			s.Queued = 0
			s.Skipped++
		}
		rows = append(rows, item.Schedule)
		st.answers = append(st.answers, core.Answer{Ref: in.Ref, Task: s.ID, Kind: core.AnswerDone})
	}
	if !reflect.DeepEqual(rows, slices.Clone(st.out.Schedules)) {
		return broken(schedulesTrue, "rows of schedules %s, want %s", show(st.out.Schedules), show(rows))
	}
	for _, target := range in.Drops {
		kind := core.AnswerUnknown
		if m.schedules[target] != nil {
			kind = core.AnswerDone
			m.dropSchedule(st, target)
		}
		st.answers = append(st.answers, core.Answer{Ref: in.Ref, Task: target, Kind: kind})
	}
	return nil
}

func (m *model) dropSchedule(st *step, target id.ID) {
	delete(m.schedules, target)
	st.dropped = append(st.dropped, target)
}

// takeFire does with each tick what the schedule's policy says.
func (m *model) takeFire(st *step, in *core.Fire) *Violation {
	s := m.schedules[in.Schedule]
	byHand := in.Ref != 0
	if byHand {
		answer := core.Answer{Ref: in.Ref, Task: in.Schedule, Kind: core.AnswerDone}
		if s == nil {
			answer.Kind = core.AnswerUnknown
		} else if holder := m.inTheWay(&in.Runs[0], st.now); holder != 0 {
			answer.Kind, answer.Task = core.AnswerHeld, holder
		}
		st.answers = append(st.answers, answer)
		if answer.Kind != core.AnswerDone {
			return nil
		}
	}
	if s == nil || !byHand && s.Revision != in.Revision {
		return nil
	}
	if !byHand {
		s.Due, s.Last, s.asked = in.Next, in.Last, false
		s.Skipped += in.Skipped
		s.Revision++
	}
	for i := range in.Runs {
		if v := m.takeFired(st, s, &in.Runs[i], byHand); v != nil {
			return v
		}
	}
	if s.Once {
		m.dropSchedule(st, s.ID)
	}
	return nil
}

func (m *model) takeFired(st *step, s *schedule, f *core.Fired, byHand bool) *Violation {
	at := f.Run.Task.RunAt
	if f.Queued {
		if s.Queued != at || s.Running != 0 {
			return nil
		}
		s.Queued = 0
		return m.startFired(st, s, f)
	}
	if s.Overlap == core.OverlapCancelOld && s.Running != 0 && !byHand {
		if v := m.cancelEach(st, s.Tenant, []id.ID{s.Running}, 0); v != nil {
			return v
		}
	}
	switch {
	case byHand, s.Overlap == core.OverlapAllow, s.Running == 0 && s.Queued == 0:
		return m.startFired(st, s, f)
	case s.Overlap == core.OverlapSkip, s.Overlap == core.OverlapQueue && s.Queued != 0:
		s.Skipped++
		return nil
	case s.Queued != 0:
		s.Skipped++
	}
	s.Queued = at
	return nil
}

// inTheWay is the run that holds the key that another one wants and may not have; 0 if it
// may.
func (m *model) inTheWay(f *core.Fired, now core.Time) id.ID {
	if f.Once == nil {
		return 0
	}
	k := m.holderOf(f.Run.Task.Tenant, f.Once.Key, now)
	if k == nil || m.ruled(*f.Once, f.Run.Task.Tenant).Taken == core.OnceReplace && !k.Begun && !k.Ended {
		return 0
	}
	return k.Run
}

// startFired expects the row of a run, in its turn.
func (m *model) startFired(st *step, s *schedule, f *core.Fired) *Violation {
	row := f.Run.Task
	if f.Once != nil {
		want := *f.Once
		want.Run = row.ID
		kind, _, v := m.takeKey(st, &want, &row)
		if v != nil {
			return v
		}
		if kind != core.AnswerDone {
			s.Skipped++
			return nil
		}
	}
	s.LastRun = row.ID
	if s.Overlap != core.OverlapAllow && !s.Once && s.Running == 0 {
		s.Running = row.ID
	}
	rows, at := st.out.Runs, &st.firedRuns
	if !f.Graph {
		rows, at = st.ownTasks(), &st.firedTasks
	}
	if f.Graph {
		row = m.ticketed(&core.NewRun{Task: row})
	}
	if *at >= len(rows) || !reflect.DeepEqual(rows[*at], row) {
		return broken(ticksDealt, "tick %d of schedule %d does not start run %d", row.RunAt, s.ID, row.ID)
	}
	*at++
	if !f.Graph {
		st.own = append(st.own, row)
		m.submit(row, st.now, st.seq)
		return m.takeMets(st)
	}
	st.runsTaken++
	return first(m.startRun(st, rows[*at-1], nil), m.takeMets(st))
}

// scheduledEnds lets the schedule go on that waited for a run.
func (m *model) scheduledEnds(run id.ID) {
	for _, s := range m.schedules {
		if s.Running == run {
			s.Running = 0
		}
	}
}

// takeRipe: a schedule is asked for when its time has come, and once.
func (m *model) takeRipe(st *step) *Violation {
	for _, ripe := range st.out.Ripe {
		s := m.schedules[ripe.Schedule]
		if s == nil || s.next(st.now) == 0 || s.next(st.now) > st.now || s.Revision != ripe.Revision {
			return broken(schedulesOnTime, "%+v is asked for, and is not due", ripe)
		}
		s.asked = true
	}
	return nil
}

// sameSchedules: rows of schedules say where the rules put them, in the step that did.
func (m *model) sameSchedules(st *step) *Violation {
	if !slices.Equal(st.dropped, st.out.ClosedSchedules) {
		return broken(schedulesTrue, "schedules %v are deleted, want %v", st.out.ClosedSchedules, st.dropped)
	}
	if fire, ok := st.in.(*core.Fire); ok && (st.firedTasks != len(st.ownTasks()) || st.firedRuns != len(st.out.Runs)) {
		return broken(ticksDealt, "schedule %d starts runs that no tick asks for", fire.Schedule)
	}
	return nil
}

// checkSchedules looks at all that must hold of schedules after each step.
func (h *history) checkSchedules(st *step) *Violation {
	_, ticked := st.in.(*core.Tick)
	open := map[id.ID]int{}
	for _, t := range h.model.tasks {
		if t.row.Run == 0 && t.row.RunAt != 0 {
			open[t.row.Schedule]++
		}
	}
	for _, r := range h.model.runs {
		if r.row.RunAt != 0 {
			open[r.row.Schedule]++
		}
	}
	next, later := h.shard.NextDue(), len(st.victims) > 0 // what limits cancel ends after the tick: the next one, at once, is for it
	for target, s := range h.model.schedules {
		if have := h.written.schedules.states[target]; have != s.ScheduleState {
			return broken(schedulesTrue, "the row of schedule %d is %+v, want %+v", target, have, s.ScheduleState)
		}
		if s.Overlap != core.OverlapAllow && open[target] > 1 {
			return broken(overlapKept, "%d runs of schedule %d (%v) are open", open[target], target, s.Overlap)
		}
		due := s.next(st.now)
		if due != 0 && (next == 0 || next > due || ticked && !later && due <= st.now && len(st.out.Ripe) < core.RipeMax) {
			return broken(schedulesOnTime, "schedule %d is due at %d, the next tick at %d", target, due, next)
		}
	}
	return nil
}
