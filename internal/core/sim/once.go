package sim

import (
	"cmp"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

var (
	onceKeys  = []string{"k", "l", "m", "n", "o"}
	quietKeys = []string{"q", "r"} // of their own: no other run wants them

	// onceWorkflows declare keys, which can be set otherwise; that of "" is given with a run.
	onceWorkflows = []string{"", "lunch", "dinner"}
)

// quietKey is the key of debounced runs of a workflow.
func quietKey(workflow, key string) string {
	if workflow == "" {
		return key
	}
	return core.QuietMark + workflow + core.QuietMark + key
}

// allOnceKeys are those that runs may want.
func allOnceKeys() []string {
	all := slices.Clone(onceKeys)
	for _, workflow := range onceWorkflows {
		for _, key := range quietKeys {
			all = append(all, quietKey(workflow, key))
		}
	}
	return all
}

// drawOnceSetting draws what is different about the keys that a workflow declares, or one.
func (h *history) drawOnceSetting() core.OnceSetting {
	s := core.OnceSetting{TTLMS: pick(h, []int64{0, 100, 20_000}), MaxDelayMS: pick(h, []int64{0, 0, 300})}
	if s.Collides = h.rand.IntN(2) == 0; s.Collides {
		s.Taken = core.OnceTaken(h.rand.IntN(3))
	}
	return s
}

// drawOnce draws a once key that a run may want, if the core can judge it right now; it
// may have to be recalled first.
func (h *history) drawOnce(tenant id.ID) *core.NewOnceKey {
	if h.rand.IntN(3) == 0 {
		return h.drawQuiet(tenant)
	}
	return h.drawHeld(tenant)
}

// drawHeld is drawOnce of a key that does not put its run off.
func (h *history) drawHeld(tenant id.ID) *core.NewOnceKey {
	want := &core.NewOnceKey{
		Key: pick(h, onceKeys), Hold: pick(h, []core.OnceHold{core.OnceTTL, core.OnceRun}),
		Taken: core.OnceTaken(h.rand.IntN(3)), TTLMS: pick(h, []int64{1, 500, 5_000, 60_000}),
		Workflow: pick(h, onceWorkflows),
	}
	if want.Hold == core.OnceRun && h.rand.IntN(2) == 0 {
		want.TTLMS = 0
	}
	if len(h.shard.Missing(tenant, []string{want.Key})) > 0 {
		return nil
	}
	return want
}

// drawQuiet is drawOnce of a debounced run's.
func (h *history) drawQuiet(tenant id.ID) *core.NewOnceKey {
	workflow := pick(h, onceWorkflows)
	want := &core.NewOnceKey{
		Key: quietKey(workflow, pick(h, quietKeys)), Workflow: workflow, Hold: core.OnceQuiet,
		TTLMS: pick(h, []int64{1, 500, 5_000}), MaxDelayMS: pick(h, []int64{0, 1_000, 8_000}),
	}
	if len(h.shard.Missing(tenant, []string{want.Key})) > 0 {
		return nil
	}
	return want
}

// once submits runs some of which want keys; or has keys recalled that they may want.
func (h *history) once() *Violation {
	tenant := firstTenant + id.ID(h.rand.IntN(tenants))
	if all := allOnceKeys(); len(h.shard.Missing(tenant, all)) > 0 && h.rand.IntN(2) == 0 {
		return h.apply(&core.Recall{Tenant: tenant, Keys: all})
	}
	in := h.drawSubmit(1+h.rand.IntN(4), tenant)
	h.lastRef++
	in.Ref = h.lastRef
	for _, run := range sortedRuns(in) {
		want := h.drawOnce(tenant)
		if want == nil || h.rand.IntN(6) == 0 {
			continue
		}
		want.Run, want.Item = run, int32(len(in.Once))
		in.Once = append(in.Once, *want)
	}
	if len(in.Once) > 0 {
		h.asked[in.Ref] = len(in.Once)
	}
	return h.apply(in)
}

// wantOnce has some runs of a submit want keys.
func (h *history) wantOnce(in *core.Submit, share int) {
	for _, run := range sortedRuns(in) {
		if h.rand.IntN(share) > 0 {
			continue
		}
		if want := h.drawOnce(tenantIn(in, run)); want != nil {
			want.Run = run
			in.Once = append(in.Once, *want)
		}
	}
}

func tenantIn(in *core.Submit, run id.ID) id.ID {
	for i := range in.Tasks {
		if in.Tasks[i].ID == run {
			return in.Tasks[i].Tenant
		}
	}
	for i := range in.Runs {
		if in.Runs[i].Task.ID == run {
			return in.Runs[i].Task.Tenant
		}
	}
	return 0
}

func sortedRuns(in *core.Submit) []id.ID {
	var runs []id.ID
	for i := range in.Tasks {
		runs = append(runs, in.Tasks[i].ID)
	}
	for i := range in.Runs {
		runs = append(runs, in.Runs[i].Task.ID)
	}
	slices.Sort(runs)
	return runs
}

// applyOnce writes the rows of once keys. Two runs never hold one.
func (s *store) applyOnce(e *core.Effects) *Violation {
	for _, k := range e.OnceKeys {
		s.once[k.Run] = k
	}
	for _, run := range e.ClosedOnceKeys {
		if _, there := s.once[run]; !there {
			return broken(onceTrue, "the row of the key of run %d is deleted, and there is none", run)
		}
		delete(s.once, run)
	}
	held := map[onceName]id.ID{}
	for run, k := range s.once {
		if k.By != 0 {
			continue
		}
		if other, twice := held[onceName{k.Tenant, k.Key}]; twice {
			return broken(onceHeld, "runs %d and %d hold key %q", min(run, other), max(run, other), k.Key)
		}
		held[onceName{k.Tenant, k.Key}] = run
	}
	return nil
}

// onceRow is a row as it is read.
func (s *store) onceRow(k core.OnceKey) core.OnceKey {
	_, task := s.results[k.Run]
	_, run := s.runResults[k.Run]
	k.Ended, k.Begun = task || run, s.hasBegun(k.Run)
	return k
}

// hasBegun tells whether a worker was given a task of a run, as far as rows say.
func (s *store) hasBegun(run id.ID) bool {
	begun := func(o core.OpenTask) bool {
		return o.State == core.OpenRunning || o.Attempt > 1 || o.Entries > 0
	}
	if begun(s.open[run]) || s.results[run].Attempt > 0 {
		return true
	}
	for node := range id.ID(nodesMax) {
		task := run + 1 + node
		if o, r := s.open[task], s.results[task]; o.Run == run && begun(o) || r.Run == run && (r.Attempt > 0 || r.Status == core.Succeeded) {
			return true
		}
	}
	return false
}

// onceHeldRows are the rows of keys that are held, by the time when they are free.
func (s *store) onceHeldRows() []core.OnceKey {
	var rows []core.OnceKey
	for _, k := range s.once {
		if k.By == 0 {
			rows = append(rows, s.onceRow(k))
		}
	}
	slices.SortFunc(rows, func(a, b core.OnceKey) int {
		return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(a.Run, b.Run))
	})
	return rows
}

// loadOnce answers a load of keys.
func (s *store) loadOnce(loaded *core.Loaded) {
	l := &loaded.Load
	for _, k := range s.onceHeldRows() {
		switch {
		case l.Kind == core.LoadOnce && k.Tenant == l.Tenant && slices.Contains(l.Keys, k.Key),
			l.Kind == core.LoadOnceEnded && k.Hold != core.OnceTTL && k.Ended && slices.Contains(l.Tasks, k.Run),
			l.Kind == core.LoadOnceDue && k.Until > 0 && k.Until <= l.Until && len(loaded.Once) < l.Limit:
			loaded.Once = append(loaded.Once, k)
		case l.Kind == core.LoadOnceDue && k.Until > l.Until && loaded.NextDue == 0:
			loaded.NextDue = k.Until
		}
	}
}

// restoreOnce reads some of the keys that are held, and all runs that were replaced.
func (s *store) restoreOnce(r *core.Restore, keep int) {
	for _, k := range s.onceHeldRows() {
		if len(r.Once) < keep {
			r.Once = append(r.Once, k)
			continue
		}
		r.OnceStored++
		if r.OnceDue == 0 {
			r.OnceDue = k.Until
		}
	}
	for _, run := range slices.Sorted(maps.Keys(s.once)) {
		if k := s.once[run]; k.By != 0 {
			r.Once = append(r.Once, k)
		}
	}
}

type onceName struct {
	tenant id.ID
	key    string
}
