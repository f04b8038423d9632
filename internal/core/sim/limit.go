package sim

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

var (
	taskLimits = []string{"burner", "oven", "sink"}
	runLimits  = []string{"hall", "kitchen"}
	limitKeys  = []string{"", "x", "y"}
)

// limitKey is what places are counted by.
type limitKey struct {
	tenant id.ID
	name   string
	key    string
}

// limitsOf are the keys that a task or run of a tenant counts for.
func limitsOf(tenant id.ID, names []string, flow *core.Flow) []limitKey {
	limits := make([]limitKey, len(names))
	for i, name := range names {
		limits[i] = limitKey{tenant: tenant, name: name}
		if flow != nil && i < len(flow.Limits) {
			limits[i].key = flow.Limits[i].Key
		}
	}
	return limits
}

// drawLimits draws some of names, in their order: were they taken in any other one, tasks
// might wait for each other.
func (h *history) drawLimits(names []string) []string {
	var limits []string
	for _, name := range names {
		if h.rand.IntN(8) < h.limitShare {
			limits = append(limits, name)
		}
	}
	return limits
}

// drawFlow draws what is said of a run for its limits; nil if nothing is.
func (h *history) drawFlow(limits []string, share string) *core.Flow {
	if len(limits) == 0 {
		return nil
	}
	flow := &core.Flow{Share: share}
	for _, name := range limits {
		key := core.LimitKey{Key: pick(h, limitKeys)}
		if h.worded[name] && h.rand.IntN(3) > 0 {
			key.Max = int32(1 + h.rand.IntN(3))
		}
		flow.Limits = append(flow.Limits, key)
	}
	return flow
}

// drawRunFlow is drawFlow of a run of a graph, with what is said of its tasks.
func (h *history) drawRunFlow(g *core.Graph, row *core.NewTask) *core.Flow {
	share := row.Key
	flow := h.drawFlow(g.Limits, share)
	flow = h.withRoute(flow, isSticky(g), row)
	for i := range g.Nodes {
		node := h.withRates(h.drawFlow(g.Nodes[i].Limits, share), g.Nodes[i].Rates, share)
		if node = h.withBatch(node, &g.Nodes[i].Definition, share); node != nil {
			if flow == nil {
				flow = &core.Flow{Share: share}
			}
			flow.Nodes = append(flow.Nodes, core.NodeFlow{Node: int32(i), Flow: *node})
		}
	}
	return flow
}

// nodeFlow is what a run's flow says of the task of a node.
func nodeFlow(flow *core.Flow, graph *core.Graph, node int32) *core.Flow {
	if flow == nil {
		return nil
	}
	if doomed(flow) && graph.Nodes[node].Role == core.NodeTask {
		return &core.Flow{Share: flow.Share, Failed: flow.Failed}
	}
	for i := range flow.Nodes {
		if flow.Nodes[i].Node == node {
			return &flow.Nodes[i].Flow
		}
	}
	return nil
}

// declare says how limits work, as workflows do: before any run of theirs is submitted.
func (h *history) declare() *Violation {
	if h.limitShare == 0 {
		return nil
	}
	in := &core.Set{}
	for tenant := range tenants {
		for _, name := range slices.Concat(taskLimits, runLimits) {
			in.Settings = append(in.Settings, core.Setting{
				Tenant: firstTenant + id.ID(tenant), Kind: core.SettingLimit, Name: name, Declared: true, Limit: h.drawLimit(),
			})
		}
	}
	if v := h.apply(in); v != nil {
		return v
	}
	for h.durable < len(h.entries) {
		if v := h.commit(); v != nil {
			return v
		}
	}
	return nil
}

func (h *history) drawLimit() core.LimitSetting {
	s := core.LimitSetting{
		Max: int32(1 + h.rand.IntN(3)), Strategy: core.Strategy(h.rand.IntN(int(core.LimitKeepOldest) + 1)),
		AgeMS: pick(h, []int64{0, 0, 1, 100, 5_000}), ByRun: h.rand.IntN(8) == 0,
	}
	if h.queueing { // nobody is cancelled, and many wait
		s.Strategy = pick(h, []core.Strategy{core.LimitQueue, core.LimitQueue, core.LimitFIFO})
	}
	return s
}

// queueOf is the queue of an action.
func queueOf(h *history, action string) string {
	if h.oneQueue && action != allActions[0] {
		return "stove"
	}
	return action
}

// restoreFlow reads how things work, who has places and does not run, and who may run
// something.
func (s *store) restoreFlow(r *core.Restore, present map[id.ID]attendance) {
	for _, key := range s.settingKeys() {
		r.Settings = append(r.Settings, s.settings[key])
	}
	for _, o := range s.open {
		if o.Passed > 0 && o.State != core.OpenRunning {
			r.Holding = append(r.Holding, o)
		}
	}
	slices.SortFunc(r.Holding, func(a, b core.OpenTask) int { return cmp.Compare(a.ID, b.ID) })
	for _, worker := range slices.Sorted(maps.Keys(present)) {
		if row := present[worker]; !row.gone {
			r.Workers = append(r.Workers, core.Present{Worker: worker, Tenant: row.tenant, Paused: row.paused})
		}
	}
}

// attendance is a worker's row: it is written when it joins, before the core hears of it.
type attendance struct {
	tenant id.ID
	since  core.Time
	paused bool
	gone   bool // it is not expected back
}

// depart notes in their rows that workers are not expected back, but for those that have
// joined again.
func (h *history) depart(gone []core.Absence) {
	for _, a := range gone {
		if row, ok := h.present[a.Worker]; ok && row.since < a.Since {
			row.gone = true
			h.present[a.Worker] = row
		}
	}
}

// bounds are how many may have places of a key: between the two if runs said so.
func (m *model) bounds(l limitKey) (least, most int) {
	if own, ok := m.settingOf(core.SettingLimit, l.tenant, l.name, l.key); ok {
		return int(own.Limit.Max), int(own.Limit.Max)
	}
	least = int(m.setting(core.SettingLimit, l.tenant, l.name).Limit.Max)
	most = least
	for said := range m.said[l] {
		least, most = min(least, int(said)), max(most, int(said))
	}
	return least, most
}

func (m *model) strategy(l limitKey) core.Strategy {
	return m.setting(core.SettingLimit, l.tenant, l.name).Limit.Strategy
}

// hearMax notes what a run says of the limits that it counts for.
func (m *model) hearMax(limits []limitKey, flow *core.Flow) {
	for i := range limits {
		if flow != nil && i < len(flow.Limits) && flow.Limits[i].Max > 0 {
			if m.said[limits[i]] == nil {
				m.said[limits[i]] = map[int32]bool{}
			}
			m.said[limits[i]][flow.Limits[i].Max] = true
		}
	}
}

// holdersOf are the tasks and runs that have a place of each key.
func (m *model) holdersOf() map[limitKey][]id.ID {
	holders := map[limitKey][]id.ID{}
	for target, t := range m.tasks {
		for _, l := range t.limits[:t.passed] {
			holders[l] = append(holders[l], target)
		}
	}
	for run, r := range m.runs {
		for _, l := range r.limits[:r.passed] {
			holders[l] = append(holders[l], run)
		}
	}
	for l := range holders {
		slices.Sort(holders[l])
	}
	return holders
}

// mayHold tells whether there is a place for t in each limit that it has none in. What
// runs have said may leave that open; then the core decides.
func (m *model) mayHold(t *task, decided bool) bool {
	if int(t.passed) == len(t.limits) {
		return true
	}
	holders := m.holdersOf()
	for _, l := range t.limits[t.passed:] {
		least, most := m.bounds(l)
		if n := len(holders[l]); n >= most || n >= least && !decided {
			return false
		}
	}
	return true
}

// keepsPlaces tells whether a task that is tried again keeps its turn.
func (m *model) keepsPlaces(t *task) bool {
	return slices.ContainsFunc(t.limits[:t.passed], func(l limitKey) bool { return m.strategy(l) == core.LimitFIFO })
}

// laneFor is the lane that t belongs to when it is ready.
func (m *model) laneFor(t *task) lane {
	if t.held != "" {
		return laneOf(t.row.Tenant, pausePlace+t.held, "")
	}
	if int(t.passed) < len(t.limits) {
		l := t.limits[t.passed]
		return laneOf(l.tenant, limitPlace+l.name, l.key)
	}
	class, _ := m.classFor(t)
	return laneOf(t.row.Tenant, class, t.classKey())
}

// limitPlace is what the queue of a lane begins with whose tasks wait for places.
const limitPlace = "@limit "

// rankFor is where t belongs among those that wait in its lane.
func (m *model) rankFor(t *task) int64 {
	if t.held != "" {
		return int64(m.now)
	}
	rank := -int64(t.row.Priority)
	if t.attempt > 1 {
		rank = -core.PriorityMax - 1
	}
	if t.inLimit() {
		l := t.limits[t.passed]
		return rank + m.worth(core.SettingLimit, l.tenant, l.name)
	}
	return rank + m.worth(core.SettingQueue, t.row.Tenant, t.queue())
}

// orderAt is where one of that rank stands in the line of a limit, as it works now.
func (m *model) orderAt(l limitKey, rank int64, target id.ID) core.Order {
	if m.strategy(l) != core.LimitQueue {
		rank = 0
	}
	return core.Order{Rank: rank, ID: target}
}

// inClass tells whether t has all its places and waits for a worker, if it is ready.
func (t *task) inClass() bool { return int(t.passed) == len(t.limits) && t.held == "" }

// inLimit tells whether t waits for a place, if it is ready.
func (t *task) inLimit() bool { return int(t.passed) < len(t.limits) && t.held == "" }

// queue is the queue that t waits in for a worker.
func (t *task) queue() string { return cmp.Or(t.def.Queue, t.def.Action) }

// followPlaces takes over from the core who has got which place.
func (m *model) followPlaces(st *step) *Violation {
	if v := m.followPauses(st); v != nil {
		return v
	}
	for _, t := range m.sorted() {
		if t.state != core.OpenReady {
			continue
		}
		passed := t.passed
		if live := st.live(t.row.ID); live.State != 0 {
			passed = live.Passed
		} else if o, ok := st.row(t.row.ID); ok {
			passed = o.Passed
		}
		if st.assigns(t.row.ID) {
			passed = int32(len(t.limits))
		}
		if passed < t.passed || int(passed) > len(t.limits) {
			return broken(placesKept, "task %d has %d places, and had %d", t.row.ID, passed, t.passed)
		}
		if passed > t.passed || !t.entered {
			for at := t.passed; at < passed; at++ {
				st.gain(t, at, m.rankAt(t, at))
			}
			if passed > t.passed {
				t.since, t.readied, t.gained = m.now, true, m.now
			}
			t.passed, t.entered = passed, true
			m.enter(t, m.laneFor(t))
			t.rank = m.rankFor(t)
		}
	}
	return nil
}

// rankAt is where t was in the line of one of its limits.
func (m *model) rankAt(t *task, at int32) int64 {
	if at == t.passed && t.entered && t.held == "" {
		return t.rank
	}
	there := *t
	there.passed, there.held = at, ""
	return m.rankFor(&there)
}

// gained is a place that was given, to whom stood there in its line.
type gained struct {
	task *task
	rank int64
}

func (st *step) gain(t *task, at int32, rank int64) {
	st.gained[t.limits[at]] = append(st.gained[t.limits[at]], gained{t, rank})
}

// limitText is what the error of everything that a limit cancels begins with.
const limitText = "cancelled by the limit "

// takePlaces follows the core in what comes of limits, until nothing follows any more: what
// a run begins may be cancelled at once, and let the next one begin.
func (m *model) takePlaces(st *step) *Violation {
	for left := math.MinInt; left != st.unfollowed(); {
		left = st.unfollowed()
		if v := first(m.takeExpired(st), m.takeLimits(st), m.takeTickets(st)); v != nil {
			return v
		}
	}
	return nil
}

// unfollowed is how much of the step is not explained yet.
func (st *step) unfollowed() int {
	return len(st.results) + len(st.begun) + len(st.runResults) - len(st.stops)
}

// takeLimits follows the core in whom the strategies of limits cancel; checkVictims
// judges.
func (m *model) takeLimits(st *step) *Violation {
	for _, r := range st.out.RunResults {
		if v := m.takeLimitOfRun(st, r.Run, r.Error); v != nil {
			return v
		}
	}
	for _, o := range st.out.OpenRuns {
		if v := m.takeLimitOfRun(st, o.ID, o.Cancel); v != nil {
			return v
		}
	}
	for _, r := range st.out.Results {
		if t := m.tasks[r.Task]; t != nil && st.results[r.Task] != nil && strings.HasPrefix(r.Error, limitText) {
			st.strike(r.Task, t.limits, r.Error)
			if v := m.end(st, t, nil, cancelled); v != nil {
				return v
			}
		}
	}
	for _, o := range st.out.Open {
		if t := m.tasks[o.ID]; t != nil && strings.HasPrefix(o.Cancel, limitText) && t.state == core.OpenRunning && t.stop != core.StopCancelled {
			st.strike(o.ID, t.limits, o.Cancel)
			if _, v := m.cancel(st, t); v != nil {
				return v
			}
		}
	}
	return nil
}

func (m *model) takeLimitOfRun(st *step, run id.ID, text string) *Violation {
	t, r := m.tasks[run], m.runs[run]
	switch {
	case !strings.HasPrefix(text, limitText):
	case t != nil && t.ticket != nil:
		st.strike(run, t.limits, text)
		if !st.beginsTask(t.ticket) {
			_, v := m.cancel(st, t)
			return v
		}
		m.wakeDue(t.row.ID)                 // it may have waited for its time until now
		if v := m.redeem(st, t); v != nil { // it began just before
			return v
		}
		_, v := m.cancelRun(st, m.runs[run])
		return v
	case r != nil && !r.cancelled:
		if v := m.takeLimitsOfNodes(st, r); v != nil {
			return v
		}
		st.strike(run, r.limits, text)
		_, v := m.cancelRun(st, r)
		return v
	}
	return nil
}

// takeLimitsOfNodes follows the core in which tasks of a run ended by limits of their own
// before something else began in its turn.
func (m *model) takeLimitsOfNodes(st *step, r *graphRun) *Violation {
	for _, t := range m.openTasks(r) {
		result := st.results[t.row.ID]
		if result == nil || !st.beginsTask(r) {
			continue
		}
		if by := (victim{limits: t.limits, text: result.Error}); !by.ofItsLimits() {
			continue
		}
		st.strike(t.row.ID, t.limits, result.Error)
		if v := m.end(st, t, nil, cancelled); v != nil {
			return v
		}
	}
	return nil
}

// victim is a task or run that a limit cancelled.
type victim struct {
	id     id.ID
	limits []limitKey
	text   string
}

// strike notes that a limit cancels something.
func (st *step) strike(target id.ID, limits []limitKey, text string) {
	st.victims = append(st.victims, victim{target, limits, text})
	st.leave(limits, text)
}

// leave notes that something of these limits ends, or is to end.
func (st *step) leave(limits []limitKey, text string) {
	v := victim{limits: limits, text: text}
	by, _ := v.limit()
	for _, l := range limits {
		if l != by {
			st.gone[l]++
		}
	}
}

func (v *victim) ofItsLimits() bool {
	_, own := v.limit()
	return own
}

// limit is the key that cancelled v, as its error says.
func (v *victim) limit() (limitKey, bool) {
	for _, l := range v.limits {
		by := limitText + l.name
		if l.key != "" {
			by += fmt.Sprintf(" of %q", l.key)
		}
		if strings.HasPrefix(v.text, by+":") {
			return l, true
		}
	}
	return limitKey{}, false
}
