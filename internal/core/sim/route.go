package sim

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

const (
	// slotType is a type of slots that some tasks take up; the others are of the default
	// type.
	slotType = "grill"
	// zoneLabel and sizeLabel are labels that some tasks want; a size is a number.
	zoneLabel, sizeLabel = "zone", "size"
)

var (
	zones   = []string{"a", "b"}
	sizes   = []string{"0", "1", "10"}
	sizeMax = sizes[len(sizes)-1]

	// slotUses are what tasks take up.
	slotUses = [][]core.SlotUse{
		{{Type: slotType, Units: 1}},
		{{Type: slotType, Units: 1}},
		{{Type: slotType, Units: 2}},
		{{Units: 2}},
		{{Units: 1}, {Type: slotType, Units: 1}},
		{{Units: 3}, {Type: slotType, Units: 1}},
	}
)

// stickyWaitMaxMS is how long a task at most waits for the one worker that it is for.
const stickyWaitMaxMS = 30_000

// drawNeed draws what the worker of a task must have.
func (h *history) drawNeed(d *core.Definition) {
	if h.rand.IntN(8) < h.typeShare {
		d.Slots = pick(h, slotUses)
	}
	if h.rand.IntN(8) < h.labelShare {
		d.Labels = []core.Label{h.drawZone()}
	}
	if h.rand.IntN(8) < h.stickyShare {
		d.Sticky = pick(h, []core.Sticky{core.StickyPrefer, core.StickyOnly})
	}
	if d.Sticky == core.StickyOnly { // that worker may be gone
		d.ScheduleTimeoutMS = int64(1 + h.rand.IntN(stickyWaitMaxMS))
	}
	h.drawBatch(d)
}

func (h *history) drawZone() core.Label {
	l := core.Label{Key: zoneLabel, Value: pick(h, zones), Weight: int32(1 + h.rand.IntN(2)), Required: h.rand.IntN(2) == 0}
	if h.rand.IntN(4) == 0 {
		l.Comparator = core.LabelNotEqual
	}
	return l
}

// drawGiven draws labels that are said of a run.
func (h *history) drawGiven() (labels []core.Label) {
	if h.rand.IntN(3) > 0 {
		labels = append(labels, h.drawZone())
	}
	if h.rand.IntN(3) == 0 {
		labels = append(labels, core.Label{
			Key: sizeLabel, Value: "2", Number: true, Comparator: core.LabelGreater, Weight: 1, Required: h.rand.IntN(2) == 0,
		})
	}
	return labels
}

// withRoute adds to what is said of a run where it may run.
func (h *history) withRoute(flow *core.Flow, sticky bool, row *core.NewTask) *core.Flow {
	var given core.Flow
	if h.rand.IntN(16) < h.labelShare {
		given.Labels = h.drawGiven()
	}
	if own := h.agentsOf(row.Tenant); sticky && len(own) > 0 && h.rand.IntN(4) > 0 {
		given.Worker = pick(h, own).id
	}
	if len(given.Labels) == 0 && given.Worker == 0 {
		return flow
	}
	if flow == nil {
		flow = &core.Flow{Share: row.Key}
	}
	flow.Labels, flow.Worker = given.Labels, given.Worker
	return flow
}

// agentsOf are the workers that run tasks of a tenant and may come back, and a few that do
// not.
func (h *history) agentsOf(tenant id.ID) (own []*agent) {
	for _, a := range h.agents {
		if (a.tenant == tenant || h.model.grants[pact{tenant, a.tenant}]) && (!a.dead || h.rand.IntN(4) == 0) {
			own = append(own, a)
		}
	}
	return own
}

// drawLabels draws what a worker says of itself.
func (h *history) drawLabels() map[string]string {
	if h.rand.IntN(4) == 0 {
		return nil
	}
	return map[string]string{zoneLabel: pick(h, zones), sizeLabel: pick(h, sizes)}
}

// relabel changes a worker's labels.
func (h *history) relabel(a *agent) *Violation {
	a.labels = h.drawLabels()
	return h.apply(&core.Relabel{Worker: a.id, Labels: a.labels})
}

// takeRelabel: a worker lines up anew with what it says of itself.
func (m *model) takeRelabel(in *core.Relabel) {
	if w := m.workers[in.Worker]; w != nil {
		w.labels = in.Labels
		m.forgetTurns(w)
	}
}

// mergeLabels are those of a definition, but for those that a run says otherwise.
func mergeLabels(own, given []core.Label) []core.Label {
	if len(given) == 0 {
		return own
	}
	merged := slices.Clone(given)
	for _, l := range own {
		if !slices.ContainsFunc(given, func(g core.Label) bool { return g.Key == l.Key }) {
			merged = append(merged, l)
		}
	}
	slices.SortFunc(merged, func(a, b core.Label) int { return cmp.Compare(a.Key, b.Key) })
	return merged
}

// className names what the same workers can run, as rows do.
func className(need core.Need) string {
	if (need.Queue == "" || need.Queue == need.Action) && len(need.Slots)+len(need.Labels) == 0 &&
		need.Worker == 0 && need.Spread == 0 && need.Batch == nil {
		return need.Action
	}
	encoded, err := json.Marshal(need)
	if err != nil { // it has numbers and texts only
		panic(err)
	}
	return need.Action + " " + string(encoded)
}

// needOf is what the worker of a task must have of whose run nothing is said.
func needOf(d *core.Definition) core.Need {
	return core.Need{Queue: d.Queue, Action: d.Action, Slots: d.Slots, Labels: d.Labels, Batch: d.Batch}
}

// classNames are those of all definitions, by tenant.
func (h *history) classNames() map[lane]bool {
	names := map[lane]bool{}
	for i := range h.definitions {
		names[laneOf(h.definitions[i].Tenant, className(needOf(&h.definitions[i])), "")] = true
	}
	for _, g := range h.graphs {
		for i := range g.Nodes {
			names[laneOf(g.Tenant, className(needOf(&g.Nodes[i].Definition)), "")] = true
		}
	}
	return names
}

// classFor is the class that t comes to now, as rows name it, and what worker it is for.
func (m *model) classFor(t *task) (class string, only id.ID) {
	if t.def.Sticky == core.StickyOnly {
		only = t.wants
	}
	need := needOf(&t.def)
	need.Labels, need.Worker = t.labels, only
	return className(need), only
}

// hand is the hand of workers that the key of t is dealt as its queue works now; 0 = all.
func (m *model) hand(t *task) int32 {
	if t.shareKey() == "" || m.setting(core.SettingQueue, t.row.Tenant, t.queue()).Queue.Spread == 0 {
		return 0
	}
	return handOf(t.shareKey())
}

// class tells what the same workers can run as t, in turns of one order.
func (m *model) class(t *task) lane {
	class := t.lane.class()
	if hand := m.hand(t); hand > 0 && !strings.HasPrefix(class.queue, "@") {
		class.queue += " in hand " + strconv.Itoa(int(hand))
	}
	return class
}

// enter has t come to a lane.
func (m *model) enter(t *task, l lane) {
	t.join(l)
	m.kept = nil
	if t.inClass() && !t.given && t.only == 0 {
		m.usual[l.class()] = true
	}
}

// class is the lane without its key.
func (l lane) class() lane { return laneOf(l.tenant, l.queue, "") }

// join has t stand in a lane, which may be one of a class.
func (t *task) join(l lane) {
	t.lane, t.only = l, 0
	if _, encoded, more := strings.Cut(l.queue, " "); more && !strings.HasPrefix(l.queue, "@") {
		var need core.Need
		if err := json.Unmarshal([]byte(encoded), &need); err != nil { // it was encoded here
			panic(err)
		}
		t.only = need.Worker
	}
}

// wanted is the worker that a sticky task of a run is for: who ran the first parent that
// anybody did, else who the run says; 0 = any.
func (r *graphRun) wanted(n *core.Node) id.ID {
	if n.Sticky == core.StickyNone {
		return 0
	}
	for _, parent := range n.Parents {
		if w := r.ended[parent].worker; w != 0 {
			return w
		}
	}
	if r.row.Flow != nil {
		return r.row.Flow.Worker
	}
	return 0
}

// route notes where t may run, by its definition and what is said of its run.
func (t *task) route(r *graphRun) {
	given := t.flow
	if r != nil {
		given = r.row.Flow
		t.wants = r.wanted(&r.graph.Nodes[t.row.Node])
	} else if t.flow != nil && t.def.Sticky != core.StickyNone {
		t.wants = t.flow.Worker
	}
	t.labels = t.def.Labels
	if given != nil {
		t.labels, t.given = mergeLabels(t.def.Labels, given.Labels), len(given.Labels) > 0
	}
}

// handOf is the hand of a key.
func handOf(key string) int32 {
	sum := uint64(0)
	for _, b := range []byte(key) {
		sum = id.Mix(sum ^ uint64(b))
	}
	return int32(sum%core.Hands) + 1
}

// forgetHands drops all that is known of turns and of kept workers if a setting has keys be
// dealt otherwise.
func (m *model) forgetHands(before int32, s *core.Setting) {
	if after := m.setting(core.SettingQueue, s.Tenant, s.Name).Queue.Spread; after != before {
		clear(m.waiting)
		m.kept = nil
	}
}

// inHand tells whether w is dealt to the hand of t: among those that may run it there are
// fewer with more luck than its queue deals.
func (m *model) inHand(w *worker, t *task) bool {
	spread := m.setting(core.SettingQueue, t.row.Tenant, t.queue()).Queue.Spread
	hand := m.hand(t)
	if hand == 0 {
		return true
	}
	luck := func(w *worker) uint64 { return id.Mix(uint64(w.id) ^ id.Mix(uint64(hand))) }
	luckier := int32(0)
	for _, other := range m.workers {
		if _, may := other.score(t); may && m.offers(other, t) && luck(other) > luck(w) {
			luckier++
		}
	}
	return luckier < spread
}

// serves tells whether w may be given t, if it has free slots for it.
func (m *model) serves(w *worker, t *task) bool {
	_, may := w.score(t)
	return may && m.offers(w, t) && (t.only == 0 || t.only == w.id) && m.inHand(w, t)
}

// score is how well w meets the labels of t; may is false if it lacks one that is required.
func (w *worker) score(t *task) (score int32, may bool) {
	for _, l := range t.labels {
		switch {
		case meetsLabel(w.labels, l):
			score += l.Weight
		case l.Required:
			return 0, false
		}
	}
	return score, true
}

// meetsLabel is the rule of the comparators that are drawn here.
func meetsLabel(labels map[string]string, l core.Label) bool {
	have, ok := labels[l.Key]
	switch {
	case !ok:
		return false
	case l.Number:
		a, errA := strconv.Atoi(have)
		b, errB := strconv.Atoi(l.Value)
		return errA == nil && errB == nil && a > b
	case l.Comparator == core.LabelNotEqual:
		return have != l.Value
	}
	return have == l.Value
}

// checkBestWorker: no worker with free slots meets the labels of t better, or as well and is
// of its tenant where the other is not; and one that it would rather have is given it.
func (m *model) checkBestWorker(a *core.Assignment, t *task, w *worker) *Violation {
	if t.def.Sticky == core.StickyPrefer && t.wants != 0 {
		if t.wants == w.id {
			return nil
		}
		if other := m.workers[t.wants]; other != nil && m.serves(other, t) && other.free(t) && !m.maybeKept(other, t) {
			return broken(stickyKept, "task %d is given to worker %d, and worker %d, which it would rather have, is free", a.Task, w.id, other.id)
		}
	}
	if len(t.labels) == 0 && w.isAtHome(t) {
		return nil
	}
	has, _ := w.score(t)
	for _, other := range m.workers {
		score, _ := other.score(t)
		if better := score > has || score == has && other.isAtHome(t) && !w.isAtHome(t); better && m.serves(other, t) && other.free(t) && !m.maybeKept(other, t) {
			return broken(labelsCount, "task %d is given to worker %d of tenant %d (%v), and worker %d of tenant %d (%v) is free",
				a.Task, w.id, w.tenant, w.labels, other.id, other.tenant, other.labels)
		}
	}
	return nil
}
