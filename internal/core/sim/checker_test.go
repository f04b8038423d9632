package sim

import (
	"maps"
	"slices"
	"testing"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// sabotage breaks a promise in one step, and tells whether there was occasion to.
type sabotage func(h *history, st *step) bool

type attack struct {
	broken promise
	sabotage
}

// sabotages are ways to break each promise.
var sabotages = map[string]attack{
	"a submit is not stored":             {nothingLost, dropTask},
	"a result is not written":            {rightCause, dropResult},
	"a result is written twice":          {oneResult, repeatResult},
	"a result is changed later":          {oneResult, changeResultLater},
	"a result is of an old attempt":      {rightCause, backdateResult},
	"a retry is too late":                {retriesRight, delayRetry},
	"a failure is not counted":           {checkpointed, forgetFailure},
	"a worker has no free slot":          {slotsKept, overload},
	"a slot is never freed":              {slotsCounted, leakSlot},
	"a free slot is not seen":            {nothingIdles, hideSlot},
	"a younger task goes first":          {laneOrder, swapAssigned(sameLane)},
	"a key goes twice":                   {keysTakeTurns, swapAssigned(sameQueue)},
	"a worker goes twice":                {workersTurns, swapWorkers},
	"a worker is given a stranger's":     {rightWorker, misassign},
	"an assignment is not made":          {agreement, dropAssignment},
	"an assignment does not wait":        {storedFirst, hurryAssignment},
	"the low-water mark is too high":     {recoverable, raiseLowWater},
	"a checkpoint row stays":             {recoverable, dropClosed},
	"a checkpoint row is not written":    {checkpointed, dropOpen},
	"a report is not settled":            {answered, dropSettlement},
	"a request has no answer":            {answered, dropAnswer},
	"a worker is not told to stop":       {answered, dropStop},
	"a lane is larger than its window":   {memoryBounded, shrinkWindow},
	"lanes are longer than their room":   {memoryBounded, shrinkWindows},
	"a worker's grace is not watched":    {onTime, shortenGrace},
	"a task of someone's never ends":     {everythingEnd, acceptPhantom},
	"a request is forgotten for ever":    {answered, askPhantom},
	"an attempt that is lost is nowhere": {rightCause, dropAttempt},
}

// sabotageSeedsMax is how many histories may pass without an occasion, or with
// another checker first.
const sabotageSeedsMax = 800

// mustCatch fails unless one of the histories breaks that promise.
func mustCatch(t *testing.T, want promise, play func(seed uint64) *Violation) {
	t.Helper()
	found := map[promise]int{}
	for seed := range uint64(sabotageSeedsMax) {
		v := play(seed)
		if v != nil && v.Promise == want {
			return
		}
		if v != nil {
			found[v.Promise]++
		}
	}
	t.Errorf("found %v in %d histories, want %q", found, sabotageSeedsMax, want)
}

func TestCheckersCatchEachBrokenPromise(t *testing.T) {
	t.Parallel()
	all := maps.Clone(sabotages)
	maps.Copy(all, runSabotages)
	maps.Copy(all, writeSabotages)
	maps.Copy(all, momentSabotages)
	maps.Copy(all, eventSabotages)
	maps.Copy(all, scheduleSabotages)
	maps.Copy(all, durableSabotages)
	maps.Copy(all, conditionSabotages)
	maps.Copy(all, onceSabotages)
	maps.Copy(all, doomedSabotages)
	maps.Copy(all, rateSabotages)
	maps.Copy(all, limitSabotages)
	maps.Copy(all, pauseSabotages)
	maps.Copy(all, routeSabotages)
	maps.Copy(all, batchSabotages)
	maps.Copy(all, grantSabotages)
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustCatch(t, c.broken, func(seed uint64) *Violation {
				h := newHistory(seed)
				done := false
				h.tamper = func(h *history, st *step) { done = done || c.sabotage(h, st) }
				v := h.run(StepsUsual)
				if v == nil && done {
					return broken("nothing", "")
				}
				return v
			})
		})
	}
}

// TestDigestTellsHistoriesApart: were it blind, no difference would show.
func TestDigestTellsHistoriesApart(t *testing.T) {
	t.Parallel()
	one, _ := Play(1, StepsUsual, true)
	two, _ := Play(2, StepsUsual, true)
	if one == two {
		t.Error("two histories have one digest")
	}
}

// TestCheckerSeesAnInputThatChanges: it looks only where a digest is asked for.
func TestCheckerSeesAnInputThatChanges(t *testing.T) {
	t.Parallel()
	h := newHistory(1)
	h.digest = newDigest()
	h.tamper = func(_ *history, st *step) {
		if in, submits := st.in.(*core.Submit); submits && len(in.Tasks) > 0 {
			in.Tasks[0].Priority++
		}
	}
	if v := h.run(StepsUsual); v == nil || v.Promise != inputsKept {
		t.Errorf("found %v, want %q", v, inputsKept)
	}
}

func dropTask(_ *history, st *step) bool { return dropFirst(&st.out.Tasks) }

func dropResult(_ *history, st *step) bool { return dropFirst(&st.out.Results) }

func dropAttempt(_ *history, st *step) bool { return dropFirst(&st.out.Attempts) }

func dropSettlement(_ *history, st *step) bool { return dropFirst(&st.out.Settled) }

func dropAnswer(_ *history, st *step) bool { return dropFirst(&st.out.Answers) }

func dropStop(_ *history, st *step) bool { return dropFirst(&st.out.Stopped) }

func dropClosed(_ *history, st *step) bool { return dropFirst(&st.out.Closed) }

func dropAssignment(_ *history, st *step) bool { return dropFirst(&st.out.Assigned) }

func dropFirst[T any](list *[]T) bool {
	if len(*list) == 0 {
		return false
	}
	*list = slices.Delete(*list, 0, 1)
	return true
}

// dropOpen leaves out rows that a tick brings up to date.
func dropOpen(h *history, st *step) bool {
	if _, ok := st.in.(*core.Tick); !ok || len(st.out.Open) == 0 {
		return false
	}
	if _, saved := h.written.open[st.out.Open[0].ID]; !saved {
		return false // it would be missed by the low-water mark first
	}
	return dropFirst(&st.out.Open)
}

func repeatResult(_ *history, st *step) bool {
	if len(st.out.Results) == 0 {
		return false
	}
	st.out.Results = append(st.out.Results, st.out.Results[0])
	return true
}

func changeResultLater(h *history, st *step) bool {
	for task, r := range h.written.results {
		if r.Status == core.Succeeded {
			st.out.Results = append(st.out.Results, core.Result{Task: task, Tenant: r.Tenant, Status: core.Failed})
			return true
		}
	}
	return false
}

func backdateResult(_ *history, st *step) bool {
	for i := range st.out.Results {
		if r := &st.out.Results[i]; r.Attempt > 1 {
			r.Attempt--
			return true
		}
	}
	return false
}

func delayRetry(_ *history, st *step) bool {
	if len(st.out.Attempts) == 0 {
		return false
	}
	st.out.Attempts[0].RetryAt += 60_000
	return true
}

func forgetFailure(_ *history, st *step) bool {
	for i := range st.out.Open {
		if o := &st.out.Open[i]; o.Failures > 0 {
			o.Failures--
			return true
		}
	}
	return false
}

// overload takes the slots from a worker between the core's decision and its check.
func overload(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		if w := h.model.workers[a.Worker]; w != nil {
			w.slots, w.typed = 0, 0
			return true
		}
	}
	return false
}

func leakSlot(h *history, _ *step) bool {
	workers := h.model.sortedWorkers()
	if len(workers) == 0 {
		return false
	}
	workers[0].held[-1] = hold{uses: oneSlot}
	return true
}

func hideSlot(h *history, _ *step) bool {
	for _, w := range h.model.workers {
		if w.away == 0 && len(w.held) > 0 && w.inUse("") == w.slots {
			w.slots++
			return true
		}
	}
	return false
}

func sameLane(a, b *task) bool { return a.lane == b.lane }

func sameQueue(a, b *task) bool {
	return a.lane != b.lane && a.lane.tenant == b.lane.tenant && a.lane.queue == b.lane.queue
}

// swapAssigned swaps what two assignments of one worker are for; tokens stay.
func swapAssigned(fit func(a, b *task) bool) sabotage {
	return func(h *history, st *step) bool {
		for i := 1; i < len(st.out.Assigned); i++ {
			a, b := &st.out.Assigned[i-1], &st.out.Assigned[i]
			one, two := h.model.tasks[a.Task], h.model.tasks[b.Task]
			if one == nil || two == nil || a.Worker != b.Worker || !fit(one, two) {
				continue
			}
			*a, *b = *b, *a
			a.Token, b.Token = b.Token, a.Token
			return true
		}
		return false
	}
}

func misassign(h *history, st *step) bool {
	for i := range st.out.Assigned {
		a := &st.out.Assigned[i]
		for _, w := range h.model.sortedWorkers() {
			if t := h.model.tasks[a.Task]; t != nil && w.away == 0 && !h.model.serves(w, t) {
				a.Worker = w.id
				return true
			}
		}
	}
	return false
}

// hurryAssignment goes on and on: one must reach its worker before a commit.
func hurryAssignment(_ *history, st *step) bool {
	for i := range st.out.Assigned {
		st.out.Assigned[i].Seq = 0
	}
	return false
}

func raiseLowWater(h *history, st *step) bool {
	if st.out.LowWater == 0 {
		return false
	}
	st.out.LowWater = h.lastTask + 100
	return true
}

func shrinkWindow(h *history, _ *step) bool {
	h.window = 0
	return true
}

// shrinkWindows leaves lanes no room in which some are long.
func shrinkWindows(h *history, _ *step) bool {
	h.windows = 0
	return true
}

func shortenGrace(h *history, st *step) bool {
	if _, ok := st.in.(*core.Tick); !ok {
		return false
	}
	for _, w := range h.model.workers {
		if w.away > st.now+1 {
			w.away = st.now + 1
			return true
		}
	}
	return false
}

func acceptPhantom(h *history, _ *step) bool {
	h.accepted = append(h.accepted, id.ID(1))
	return true
}

func askPhantom(h *history, _ *step) bool {
	h.asked[1<<60] = 1
	return true
}

// swapWorkers has two assignments of a queue change workers.
func swapWorkers(h *history, st *step) bool {
	for i := 1; i < len(st.out.Assigned); i++ {
		a, b := &st.out.Assigned[i-1], &st.out.Assigned[i]
		one, two := h.model.tasks[a.Task], h.model.tasks[b.Task]
		if one != nil && two != nil && a.Worker != b.Worker && one.lane == two.lane {
			a.Worker, b.Worker = b.Worker, a.Worker
			return true
		}
	}
	return false
}
