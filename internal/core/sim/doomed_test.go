package sim

import "github.com/adzehq/adze/internal/core"

// doomedSabotages have runs go on of which nobody can say what they need.
var doomedSabotages = map[string]attack{
	"a doomed task goes on":                 {doomedEnd, spareDoomed(func(st *step, r core.Result) bool { _, is := st.in.(*core.Submit); return is && r.Run == 0 })},
	"a doomed run of a graph goes on":       {doomedEnd, spareDoomed(func(_ *step, r core.Result) bool { return r.Run != 0 })},
	"a doomed run of an event goes on":      {doomedEnd, spareDoomed(func(st *step, _ core.Result) bool { _, is := st.in.(*core.Push); return is })},
	"a doomed run of a tick goes on":        {doomedEnd, spareDoomed(func(st *step, _ core.Result) bool { _, is := st.in.(*core.Fire); return is })},
	"a doomed child goes on":                {doomedEnd, spareDoomed(func(st *step, _ core.Result) bool { _, is := st.in.(*core.Spawn); return is })},
	"a doomed run goes on when it is later": {nothingLost, spareDoomed(func(st *step, r core.Result) bool { _, is := st.in.(*core.Tick); return is && r.Run == 0 })},
	"a doomed run says nothing of why":      {rightCause, muteDoomed},
}

// spareDoomed drops the result of a doomed task that fits.
func spareDoomed(fits func(*step, core.Result) bool) sabotage {
	return func(_ *history, st *step) bool {
		return dropWhere(&st.out.Results, func(r core.Result) bool { return r.Error == doomedText && fits(st, r) })
	}
}

func muteDoomed(_ *history, st *step) bool {
	return changeWhere(st.out.Results, func(r core.Result) bool { return r.Error == doomedText && r.Run == 0 }, func(r *core.Result) { r.Error = "it broke" })
}
