package sim

import "github.com/adzehq/adze/internal/core"

// scheduleSabotages break what is promised of schedules.
var scheduleSabotages = map[string]attack{
	"a schedule is stored otherwise":         {schedulesTrue, renameSchedule},
	"a tick fires twice":                     {ticksOnce, repeatTick},
	"a tick fires and is not noted":          {schedulesTrue, dropScheduleState},
	"a tick starts nothing":                  {ticksDealt, loseTick},
	"a skipped tick is not counted":          {ticksDealt, forgetSkip},
	"an open run is forgotten":               {schedulesTrue, forgetRunning},
	"a run starts besides another":           {overlapKept, overlapRuns},
	"a schedule is asked for again":          {schedulesOnTime, repeatRipe},
	"a schedule is not asked for":            {schedulesOnTime, dropRipe},
	"a one-off stays":                        {schedulesTrue, keepOneOff},
	"the answer to a changed schedule is no": {answered, refuseSchedule},
}

func dropScheduleState(_ *history, st *step) bool {
	_, fired := st.in.(*core.Fire)
	return fired && len(st.out.Tasks) == 0 && len(st.out.Runs) == 0 && dropFirst(&st.out.ScheduleStates)
}

func forgetSkip(_ *history, st *step) bool {
	return changeWhere(st.out.ScheduleStates, func(s core.ScheduleState) bool { return s.Skipped > 0 }, func(s *core.ScheduleState) { s.Skipped-- })
}

func forgetRunning(_ *history, st *step) bool {
	return changeWhere(st.out.ScheduleStates, func(s core.ScheduleState) bool { return s.Running != 0 }, func(s *core.ScheduleState) { s.Running = 0 })
}

// loseTick drops the run of a tick from where it is asked for and from what is stored.
func loseTick(_ *history, st *step) bool {
	return dropWhere(&st.out.Tasks, func(t core.NewTask) bool { return t.Schedule != 0 && t.RunAt != 0 })
}

// repeatTick has a new run for the tick of an old one.
func repeatTick(h *history, st *step) bool {
	in, ok := st.in.(*core.Fire)
	if !ok || len(st.out.Tasks) == 0 || st.out.Tasks[0].RunAt == 0 || in.Ref != 0 {
		return false
	}
	for at := range h.written.schedules.fired {
		if at.schedule == in.Schedule {
			st.out.Tasks[0].RunAt = at.at
			return true
		}
	}
	return false
}

// overlapRuns has the model take a run for one of a schedule that has an open one.
func overlapRuns(h *history, _ *step) bool {
	for _, s := range h.model.schedules {
		if t := h.model.tasks[s.Running]; t == nil || t.row.RunAt == 0 {
			continue
		}
		for _, other := range h.model.tasks {
			if other.row.Schedule == 0 && other.row.Run == 0 && other.row.RunAt != 0 {
				other.row.Schedule = s.ID
				return true
			}
		}
	}
	return false
}

func repeatRipe(_ *history, st *step) bool {
	if len(st.out.Ripe) == 0 {
		return false
	}
	st.out.Ripe = append(st.out.Ripe, st.out.Ripe[0])
	return true
}

func dropRipe(_ *history, st *step) bool { return dropFirst(&st.out.Ripe) }

func keepOneOff(_ *history, st *step) bool { return dropFirst(&st.out.ClosedSchedules) }

func refuseSchedule(_ *history, st *step) bool {
	if _, put := st.in.(*core.PutSchedules); !put {
		return false
	}
	st.out.Answers[0].Kind = core.AnswerFull
	return true
}

func renameSchedule(_ *history, st *step) bool {
	return changeWhere(st.out.Schedules, func(core.Schedule) bool { return true }, func(s *core.Schedule) { s.Name += "!" })
}
