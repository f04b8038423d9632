package sim

import "github.com/adzehq/adze/internal/core"

// momentSabotages break the promises of what happens to attempts on their way.
var momentSabotages = map[string]attack{
	"a moved deadline is not written down":  {momentsTold, dropMoment(core.MomentPostponed)},
	"a released slot is not written down":   {momentsTold, dropMoment(core.MomentReleased)},
	"a suspension is not written down":      {momentsTold, dropMoment(core.MomentSuspended)},
	"a moment is put to another attempt":    {momentsTold, misplaceMoment},
	"a stale attempt leaves a moment":       {momentsTold, inventMoment},
	"a moment is written again, as another": {momentsTold, repeatMoment},
	"a deadline that was told is forgotten": {deadlinesKept, forgetDeadline},
}

func dropMoment(kind core.MomentKind) sabotage {
	return func(_ *history, st *step) bool {
		return len(st.out.Moments) > 0 && st.out.Moments[0].Kind == kind && dropFirst(&st.out.Moments)
	}
}

func misplaceMoment(_ *history, st *step) bool {
	if len(st.out.Moments) == 0 {
		return false
	}
	st.out.Moments[0].Attempt++
	return true
}

// inventMoment has the refused report of a stale attempt leave one.
func inventMoment(_ *history, st *step) bool {
	for _, told := range st.out.Settled {
		if told.Stale {
			st.out.Moments = append(st.out.Moments, core.Moment{
				Task: told.Task, Worker: told.Worker, Token: told.Token, At: st.now, Attempt: 1, Kind: core.MomentReleased,
			})
			return true
		}
	}
	return false
}

func repeatMoment(h *history, st *step) bool {
	for _, before := range h.written.moments {
		if before.Kind != core.MomentReleased {
			st.out.Moments = append(st.out.Moments, before)
			return true
		}
	}
	return false
}

func forgetDeadline(_ *history, st *step) bool {
	if _, refresh := st.in.(*core.Refresh); !refresh {
		return false
	}
	return dropFirst(&st.out.Open)
}
