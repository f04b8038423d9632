package sim

import (
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/core"
)

// onceSabotages break what is promised of once keys.
var onceSabotages = map[string]attack{
	"a key is held twice":                     {onceHeld, holdTwice},
	"a key has no row":                        {onceTrue, dropOnceKey},
	"a key is held for longer":                {onceTrue, holdLonger},
	"a key is held for longer than is set":    {onceTrue, resetOnce},
	"who has a key is told otherwise":         {answered, resetTaken},
	"a key is not freed":                      {onceTrue, keepOnceKey},
	"a key is freed too early":                {onceTrue, freeOnceKey},
	"a run is refused for nobody":             {answered, refuseRun},
	"a run that is refused hears of another":  {answered, misnameHolder},
	"a run that is replaced goes on":          {onceReplaced, spareReplaced},
	"a replaced run says nothing of who did":  {onceReplaced, muteReplaced},
	"a debounced run comes later than it may": {nothingLost, delayQuiet},
}

// holdTwice has a run hold what another one holds.
func holdTwice(h *history, st *step) bool {
	for i := range st.out.OnceKeys {
		k := &st.out.OnceKeys[i]
		for _, held := range h.written.onceHeldRows() {
			if k.By == 0 && held.Tenant == k.Tenant && held.Key != k.Key {
				k.Key = held.Key
				return true
			}
		}
	}
	return false
}

func dropOnceKey(_ *history, st *step) bool {
	return dropWhere(&st.out.OnceKeys, func(k core.OnceKey) bool { return k.Until == 0 || k.Until > st.now })
}

func holdLonger(_ *history, st *step) bool {
	return changeWhere(st.out.OnceKeys, func(k core.OnceKey) bool { return k.Until > 0 }, func(k *core.OnceKey) { k.Until++ })
}

// setAside has something be set for a key that a run wants which the core does not heed.
func setAside(h *history, in *core.Submit, want *core.NewOnceKey, to core.OnceSetting) bool {
	key := core.SettingKey{
		Tenant: tenantIn(in, want.Run), Kind: core.SettingOnce, Name: want.Workflow,
		Key: strings.TrimPrefix(want.Key, quietKey(want.Workflow, "")),
	}
	h.model.settings[key] = core.Setting{Tenant: key.Tenant, Kind: key.Kind, Name: key.Name, Key: key.Key, Once: to}
	return true
}

func resetOnce(h *history, st *step) bool {
	in, ok := st.in.(*core.Submit)
	for i := 0; ok && i < len(in.Once); i++ {
		want := &in.Once[i]
		taken := slices.ContainsFunc(st.out.OnceKeys, func(k core.OnceKey) bool { return k.Run == want.Run && k.By == 0 })
		if taken && want.Hold == core.OnceTTL && want.Workflow != "" {
			return setAside(h, in, want, core.OnceSetting{TTLMS: 12_345})
		}
	}
	return false
}

func resetTaken(h *history, st *step) bool {
	in, ok := st.in.(*core.Submit)
	for i := 0; ok && in.Ref != 0 && i < len(in.Once); i++ {
		want := &in.Once[i]
		refused := slices.ContainsFunc(st.out.Answers, func(a core.Answer) bool { return a.Item == want.Item && a.Kind == core.AnswerHeld })
		if refused && want.Workflow != "" {
			return setAside(h, in, want, core.OnceSetting{Collides: true, Taken: core.OnceExisting})
		}
	}
	return false
}

// keepOnceKey leaves the row of a key whose run has not ended.
func keepOnceKey(_ *history, st *step) bool {
	if _, tick := st.in.(*core.Tick); !tick {
		return false
	}
	return dropFirst(&st.out.ClosedOnceKeys)
}

func freeOnceKey(h *history, st *step) bool {
	for _, k := range h.written.onceHeldRows() {
		if k.Until > st.now && !k.Ended {
			st.out.ClosedOnceKeys = append(st.out.ClosedOnceKeys, k.Run)
			return true
		}
	}
	return false
}

func onceAnswer(st *step, change func(*core.Answer) bool) bool {
	if in, ok := st.in.(*core.Submit); !ok || len(in.Once) == 0 {
		return false
	}
	for i := range st.out.Answers {
		if change(&st.out.Answers[i]) {
			return true
		}
	}
	return false
}

func refuseRun(_ *history, st *step) bool {
	return onceAnswer(st, func(a *core.Answer) bool {
		done := a.Kind == core.AnswerDone
		if done {
			a.Kind = core.AnswerHeld
		}
		return done
	})
}

func misnameHolder(_ *history, st *step) bool {
	return onceAnswer(st, func(a *core.Answer) bool {
		refused := a.Kind != core.AnswerDone
		if refused {
			a.Task++
		}
		return refused
	})
}

// replacedIn are the runs of one task that are replaced in the step.
func replacedIn(st *step) func(core.Result) bool {
	in, ok := st.in.(*core.Submit)
	return func(r core.Result) bool {
		return ok && len(in.Once) > 0 && r.Run == 0 && r.Status == core.Cancelled
	}
}

func spareReplaced(_ *history, st *step) bool { return dropWhere(&st.out.Results, replacedIn(st)) }

func muteReplaced(_ *history, st *step) bool {
	return changeWhere(st.out.Results, replacedIn(st), func(r *core.Result) { r.Error = "cancelled" })
}

// delayQuiet has a debounced run wait for longer than its burst.
func delayQuiet(_ *history, st *step) bool {
	for _, k := range st.out.OnceKeys {
		wanted := func(t core.NewTask) bool { return k.Hold == core.OnceQuiet && k.By == 0 && t.ID == k.Run }
		if changeWhere(st.out.Tasks, wanted, func(t *core.NewTask) { t.RunAt++ }) {
			return true
		}
	}
	return false
}
