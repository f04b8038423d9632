package sim

import "github.com/adzehq/adze/internal/core"

// batchSabotages break the promises of batches amid all else; see packSabotages.
var batchSabotages = map[string]attack{
	"a batch is larger than its rule says":   {batchesBounded, shrinkBatch},
	"a batch is larger than is set":          {batchesBounded, resetBatch},
	"a member of a batch is told by itself":  {batchesWhole, splitBatch},
	"a batch goes before its time":           {batchesWait, hurryBatch},
	"a full batch waits for more":            {batchesOnTime, fillBatch},
	"more batches run than may":              {batchesRunning, boundBatches},
	"members of a batch take a slot of each": {slotsCounted, spreadBatch},
}

// changeRule has the rules of a task's batches say otherwise.
func changeRule(t *task, change func(*core.BatchRule)) {
	rule := *t.def.Batch
	change(&rule)
	t.def.Batch = &rule
}

func shrinkBatch(h *history, st *step) bool {
	for i := 1; i < len(st.out.Assigned); i++ {
		a, b := &st.out.Assigned[i-1], &st.out.Assigned[i]
		if t := h.model.tasks[a.Task]; t != nil && a.Batch == a.Token && b.Batch == a.Batch {
			changeRule(t, func(r *core.BatchRule) { r.SizeMax = 1 })
			return true
		}
	}
	return false
}

func splitBatch(_ *history, st *step) bool {
	for i := 1; i < len(st.out.Assigned); i++ {
		a, b := &st.out.Assigned[i-1], &st.out.Assigned[i]
		if a.Batch != 0 && b.Batch == a.Batch {
			b.Seq++
			return true
		}
	}
	return false
}

func hurryBatch(h *history, st *step) bool {
	for i := range st.out.Assigned {
		a := &st.out.Assigned[i]
		t := h.model.tasks[a.Task]
		if t == nil || a.Batch != a.Token || !t.entered || len(t.def.Rates) > 0 || t.def.Batch.BytesMax > 0 {
			continue
		}
		changeRule(t, func(r *core.BatchRule) { r.SizeMax, r.IntervalMS = 1_000, 1_000_000 })
		return true
	}
	return false
}

// waitsForOthers is a task that goes in batches and waits for others.
func (h *history) waitsForOthers() *task {
	for _, t := range h.model.heads() {
		if t.def.Batch != nil && t.arrived > 0 && len(t.def.Rates) == 0 && !h.model.loading(t.lane) && h.model.freeFor(t, true) != nil {
			return t
		}
	}
	return nil
}

func fillBatch(h *history, st *step) bool {
	t := h.waitsForOthers()
	if t == nil || len(st.out.Assigned) > 0 {
		return false
	}
	for _, other := range h.model.tasks {
		if other.lane == t.lane && other.def.Batch != nil {
			changeRule(other, func(r *core.BatchRule) { r.SizeMax, r.RunningMax = 1, 0 })
		}
	}
	return true
}

func boundBatches(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		if t := h.model.tasks[a.Task]; t != nil && a.Batch != 0 && t.entered && len(h.model.runningIn(t.lane)) > 0 {
			changeRule(t, func(r *core.BatchRule) { r.RunningMax = 1 })
			return true
		}
	}
	return false
}

// resetBatch has what is set for the batches of an action, or a key, say otherwise than
// what the core heeds.
func resetBatch(h *history, st *step) bool {
	for i := 1; i < len(st.out.Assigned); i++ {
		a, b := &st.out.Assigned[i-1], &st.out.Assigned[i]
		t := h.model.tasks[a.Task]
		if t == nil || a.Batch != a.Token || b.Batch != a.Batch {
			continue
		}
		for key, s := range h.model.settings {
			if s.Kind == core.SettingBatch && s.Tenant == t.row.Tenant && s.Name == t.def.Action && (s.Key == "" || s.Key == t.shareKey()) {
				s.Batch.SizeMax = 1
				h.model.settings[key] = s
				return h.model.batchRule(t).SizeMax == 1
			}
		}
	}
	return false
}

func spreadBatch(h *history, _ *step) bool {
	for _, w := range h.model.sortedWorkers() {
		batches := map[core.Token]bool{}
		for token, held := range w.held {
			if held.batch != 0 && batches[held.batch] {
				w.held[token] = hold{uses: held.uses}
				return true
			}
			batches[held.batch] = true
		}
	}
	return false
}
