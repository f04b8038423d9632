package core

import "github.com/adzehq/adze/internal/base/id"

// schedule is a Schedule as the core knows it.
type schedule struct {
	state ScheduleState
	at    Time // when it is to be asked for; 0 = not in the agenda
	seat  int  // in the agenda
	asked bool // a Fire is on its way
}

// schedules are those of the shard, with an agenda of when they are to be asked for.
type schedules struct {
	of      map[id.ID]*schedule
	running map[id.ID]*schedule // by state.Running
	agenda[*schedule]
}

func newSchedules() schedules {
	return schedules{of: map[id.ID]*schedule{}, running: map[id.ID]*schedule{}}
}

func (s *Shard) putSchedules(in *PutSchedules) {
	full := s.overfull(in)
	answer := func(target id.ID, do func() AnswerKind) {
		kind := AnswerFull
		if !full {
			kind = do()
		}
		s.out.Answers = append(s.out.Answers, Answer{Ref: in.Ref, Task: target, Kind: kind})
	}
	for i := range in.Items {
		item := &in.Items[i]
		answer(item.Schedule.ID, func() AnswerKind { return s.putSchedule(item, in.Tenant) })
	}
	for _, target := range in.Drops {
		answer(target, func() AnswerKind { return s.endSchedule(target, in.Tenant) })
	}
}

// overfull tells whether there would be too many. What is ended makes room for others
// from the next time on only.
func (s *Shard) overfull(in *PutSchedules) bool {
	fresh := 0
	for i := range in.Items {
		if s.schedules.of[in.Items[i].Schedule.ID] == nil {
			fresh++
		}
	}
	return fresh > 0 && len(s.schedules.of)+fresh > SchedulesMax
}

func (s *Shard) putSchedule(item *PutSchedule, tenant id.ID) AnswerKind {
	row := &item.Schedule
	c := s.schedules.of[row.ID]
	fresh := c == nil
	if fresh {
		c = &schedule{state: ScheduleState{ID: row.ID, Tenant: tenant}}
		s.schedules.of[row.ID] = c
	}
	if c.state.Tenant != tenant {
		return AnswerUnknown
	}
	c.state.Overlap, c.state.Once = row.Overlap, row.Once()
	if fresh || item.Rearm {
		s.rearm(c, item)
	}
	if row.Paused && c.state.Queued != 0 {
		c.state.Queued = 0
		c.state.Skipped++
		s.saveSchedule(c)
	}
	s.schedules.place(c, s.now)
	s.out.Schedules = append(s.out.Schedules, *row)
	return AnswerDone
}

// rearm has c fire at another time, and forgets what was missed until now.
func (s *Shard) rearm(c *schedule, item *PutSchedule) {
	c.state.Due, c.state.Last = item.Due, item.Last
	c.state.Revision++
	c.asked = false // the answer will be about a revision that is gone
	s.saveSchedule(c)
}

func (s *Shard) endSchedule(target, tenant id.ID) AnswerKind {
	c := s.schedules.of[target]
	if c == nil || c.state.Tenant != tenant {
		return AnswerUnknown
	}
	s.dropSchedule(c)
	return AnswerDone
}

func (s *Shard) dropSchedule(c *schedule) {
	s.schedules.remove(c)
	delete(s.schedules.of, c.state.ID)
	delete(s.schedules.running, c.state.Running)
	s.out.ClosedSchedules = append(s.out.ClosedSchedules, c.state.ID)
}

func (s *Shard) saveSchedule(c *schedule) {
	s.out.ScheduleStates = append(s.out.ScheduleStates, c.state)
}

// ripen asks for the runs of schedules whose time has come.
func (s *Shard) ripen() {
	for range RipeMax {
		c := s.schedules.first()
		if c == nil || c.at > s.now {
			return
		}
		s.schedules.remove(c)
		c.asked = true
		ripe := Ripe{Schedule: c.state.ID, Revision: c.state.Revision, Due: c.state.Due, Last: c.state.Last, Now: s.now}
		if c.state.Running == 0 {
			ripe.Queued = c.state.Queued
		}
		s.out.Ripe = append(s.out.Ripe, ripe)
	}
}

// fire starts what a schedule's ticks ask for. That it did, and the runs, are one
// commit: a crash leaves both or neither.
func (s *Shard) fire(in *Fire) {
	c := s.schedules.of[in.Schedule]
	if in.Ref != 0 {
		s.runNow(c, in)
		return
	}
	if c == nil || c.state.Revision != in.Revision {
		return
	}
	c.asked = false
	c.state.Due, c.state.Last = in.Next, in.Last
	c.state.Skipped += in.Skipped
	c.state.Revision++
	for i := range in.Runs {
		s.fireRun(c, &in.Runs[i])
	}
	s.fired(c)
}

// runNow starts a run besides the ticks; of a one-off it takes the tick's place.
func (s *Shard) runNow(c *schedule, in *Fire) {
	answer := Answer{Ref: in.Ref, Task: in.Schedule, Kind: AnswerUnknown}
	if c != nil {
		answer.Kind = AnswerDone
		if holder := s.startFired(c, &in.Runs[0]); holder != 0 {
			answer.Kind, answer.Task = AnswerHeld, holder
		} else {
			s.fired(c)
		}
	}
	s.out.Answers = append(s.out.Answers, answer)
}

// fired stores where c stands now that it fired: a one-off is gone.
func (s *Shard) fired(c *schedule) {
	if c.state.Once {
		s.dropSchedule(c)
		return
	}
	s.saveSchedule(c)
	s.schedules.place(c, s.now)
}

// fireRun does with a tick what the overlap policy says.
func (s *Shard) fireRun(c *schedule, fired *Fired) {
	st, tick := &c.state, fired.Run.Task.RunAt
	if fired.Queued {
		if st.Queued == tick && st.Running == 0 {
			st.Queued = 0
			s.startTick(c, fired)
		}
		return
	}
	if st.Overlap == OverlapCancelOld && st.Running != 0 {
		s.cancelScheduled(c)
	}
	switch {
	case st.Overlap == OverlapAllow || st.Running == 0 && st.Queued == 0:
		s.startTick(c, fired)
	case st.Overlap == OverlapQueue && st.Queued == 0:
		st.Queued = tick
	case st.Overlap == OverlapCancelOld:
		if st.Queued != 0 {
			st.Skipped++
		}
		st.Queued = tick
	default:
		st.Skipped++
	}
}

// startTick starts the run of a tick. One that may not start skips it.
func (s *Shard) startTick(c *schedule, fired *Fired) {
	if s.startFired(c, fired) != 0 {
		c.state.Skipped++
	}
}

// startFired starts a run of c, unless another run holds its once key, which it returns
// then. Overlap looks at it from now on, unless it was started by hand besides another.
func (s *Shard) startFired(c *schedule, fired *Fired) (holder id.ID) {
	run := fired.Run // with a key that is held for some time it runs later: an input stays as it came
	row := &run.Task
	if fired.Once != nil {
		if kind, by := s.take(fired.Once, row); kind != AnswerDone {
			return by
		}
	}
	c.state.LastRun = row.ID
	if c.state.Overlap != OverlapAllow && !c.state.Once && c.state.Running == 0 {
		c.state.Running = row.ID
		s.schedules.running[row.ID] = c
	}
	s.startRun(&run, fired.Graph)
	return 0
}

// cancelScheduled cancels the open run of c, wherever it is. It may end at once.
func (s *Shard) cancelScheduled(c *schedule) {
	s.cancelEach(Load{Tenant: c.state.Tenant, Tasks: []id.ID{c.state.Running}, Text: cancelText("the schedule started the next run")})
}

// scheduledEnded notes that a run ended which a schedule may have been waiting for.
func (s *Shard) scheduledEnded(run id.ID) {
	c := s.schedules.running[run]
	if c == nil {
		return
	}
	delete(s.schedules.running, run)
	c.state.Running = 0
	s.saveSchedule(c)
	s.schedules.place(c, s.now)
}

// restoreSchedules goes on with the schedules of the owner before.
func (s *Shard) restoreSchedules(states []ScheduleState) {
	for i := range states {
		c := &schedule{state: states[i]}
		s.schedules.of[c.state.ID] = c
		if c.state.Running != 0 {
			s.schedules.running[c.state.Running] = c
		}
		s.schedules.place(c, s.now)
	}
}

// place puts c where its time is: when it is due, or now if a run waits that may start.
func (l *schedules) place(c *schedule, now Time) {
	l.remove(c)
	if c.asked || l.of[c.state.ID] != c {
		return
	}
	c.at = c.state.Due
	if c.state.Queued != 0 && c.state.Running == 0 {
		c.at = now
	}
	if c.at != 0 {
		l.add(c)
	}
}

func (l *schedules) remove(c *schedule) {
	if c.at != 0 {
		l.agenda.remove(c)
		c.at = 0
	}
}

// before implements due.
func (c *schedule) before(other *schedule) bool {
	return c.at < other.at || c.at == other.at && c.state.ID < other.state.ID
}

// place implements due.
func (c *schedule) place() *int { return &c.seat }
