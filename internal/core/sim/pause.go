package sim

import (
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// workflows have tasks of any action: a pause of one leaves others of its queue.
var workflows = []string{"breakfast", "lunch", "dinner"}

// paused names what is paused, a queue or a workflow.
type paused struct {
	tenant id.ID
	kind   core.SettingKind
	name   string
}

func (p paused) text() string {
	if p.kind == core.SettingWorkflow {
		return "workflow " + p.name
	}
	return "queue " + p.name
}

// pausePlace is what the queue of a lane begins with whose tasks wait for a pause to end.
const pausePlace = "@paused "

// pause has a queue, a workflow or a worker rest, or go on.
func (h *history) pause() *Violation {
	if h.rand.IntN(2) == 0 && len(h.agents) > 0 {
		return h.pauseWorkers()
	}
	tenant := firstTenant + id.ID(h.rand.IntN(tenants))
	p := paused{tenant, core.SettingWorkflow, pick(h, workflows)}
	if h.rand.IntN(2) == 0 {
		p.kind, p.name = core.SettingQueue, queueOf(h, pick(h, allActions))
	}
	s := core.Setting{Tenant: p.tenant, Kind: p.kind, Name: p.name, Queue: h.model.setting(p.kind, p.tenant, p.name).Queue}
	if s.Queue.Paused && h.rand.IntN(3) > 0 {
		s.Queue.Paused, s.Queue.PausedTTLMS, s.Queue.PausedSinceMS = false, 0, 0
	} else {
		s.Queue.Paused, s.Queue.PausedTTLMS = true, pick(h, []int64{0, 0, 1, 500, 20_000})
	}
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.Set{Ref: h.lastRef, Settings: []core.Setting{s}})
}

// pauseWorkers has some workers be given nothing new, or something again: of any tenant,
// and some that the core does not know.
func (h *history) pauseWorkers() *Violation {
	h.lastRef++
	in := &core.PauseWorkers{Ref: h.lastRef, Paused: h.rand.IntN(2) == 0}
	for range 1 + h.rand.IntN(2) {
		a := pick(h, h.agents)
		if !slices.Contains(in.Workers, a.id) {
			in.Tenant, in.Workers = a.tenant, append(in.Workers, a.id)
		}
	}
	h.asked[in.Ref] = len(in.Workers)
	h.pauseAway(in)
	return h.apply(in)
}

// pauseAway writes it in the rows of workers that are not there: they are told when they
// come.
func (h *history) pauseAway(in *core.PauseWorkers) {
	for _, worker := range in.Workers {
		row, ok := h.present[worker]
		if _, there := h.model.workers[worker]; ok && !there {
			row.paused = in.Paused
			h.present[worker] = row
		}
	}
}

// endPauses has all that is paused go on, and deals keys all workers: those that are in
// their hand may have no slots.
func (h *history) endPauses() *Violation {
	in := &core.Set{}
	for _, key := range h.written.settingKeys() {
		if s := h.written.settings[key]; s.Queue.Paused || s.Queue.Spread > 0 {
			s.Queue, s.Dropped = core.QueueSetting{}, true
			in.Settings = append(in.Settings, s)
		}
	}
	if v := h.apply(in); v != nil {
		return v
	}
	for _, w := range h.model.sortedWorkers() {
		if w.paused {
			h.lastRef++
			h.asked[h.lastRef] = 1
			if v := h.apply(&core.PauseWorkers{Ref: h.lastRef, Tenant: w.tenant, Workers: []id.ID{w.id}}); v != nil {
				return v
			}
		}
	}
	return nil
}

// rest writes in their rows which workers are paused.
func (h *history) rest(changed []core.PausedWorker) {
	for _, p := range changed {
		if row, ok := h.present[p.Worker]; ok {
			row.paused = p.Paused
			h.present[p.Worker] = row
		}
	}
}

// takePauseWorkers: those of the tenant are paused, and their rows say so.
func (m *model) takePauseWorkers(st *step, in *core.PauseWorkers) *Violation {
	var rows []core.PausedWorker
	for _, target := range in.Workers {
		kind := core.AnswerUnknown
		if w := m.workers[target]; w != nil && w.tenant == in.Tenant {
			kind, w.paused = core.AnswerDone, in.Paused
			rows = append(rows, core.PausedWorker{Worker: target, Paused: in.Paused})
		}
		st.answers = append(st.answers, core.Answer{Ref: in.Ref, Task: target, Kind: kind})
	}
	if !slices.Equal(rows, st.out.Paused) {
		return broken(pausesKept, "rows %s, want %s", show(st.out.Paused), show(rows))
	}
	return nil
}

// stamped is a setting with since when it is paused.
func (m *model) stamped(s core.Setting) core.Setting {
	if s.Kind != core.SettingQueue && s.Kind != core.SettingWorkflow || !s.Queue.Paused {
		return s
	}
	s.Queue.PausedSinceMS = int64(m.now)
	if is := m.setting(s.Kind, s.Tenant, s.Name).Queue; is.Paused {
		s.Queue.PausedSinceMS = is.PausedSinceMS
	}
	return s
}

// pauseOf is how something is paused; nil if it is not.
func (m *model) pauseOf(p paused) *core.QueueSetting {
	if s := m.setting(p.kind, p.tenant, p.name); s.Queue.Paused {
		return &s.Queue
	}
	return nil
}

// pausedBy is the pause that holds t back; nil if none does.
func (m *model) pausedBy(t *task) *paused {
	for _, p := range t.pausable() {
		if m.pauseOf(p) != nil {
			return &p
		}
	}
	return nil
}

// expires is when a ready task ends at the latest: by its schedule timeout, or because what
// it is of was paused for too long; 0 = never.
func (m *model) expires(t *task) core.Time {
	p := m.pausedBy(t)
	if p == nil || m.pauseOf(*p).PausedTTLMS == 0 {
		return t.due
	}
	on := m.pauseOf(*p)
	since := core.Time(on.PausedSinceMS)
	if t.held == p.text() {
		since = core.Time(t.rank)
	}
	if due := since + core.Time(on.PausedTTLMS); t.due == 0 || due < t.due {
		return due
	}
	return t.due
}

// pausable are the pauses that would hold t back, its workflow's first.
func (t *task) pausable() []paused {
	return []paused{{t.row.Tenant, core.SettingWorkflow, t.def.Workflow}, {t.row.Tenant, core.SettingQueue, t.queue()}}
}

// waitsIn is the pause that t waits behind, on or no longer.
func (t *task) waitsIn() (paused, bool) {
	for _, p := range t.pausable() {
		if t.held != "" && p.text() == t.held {
			return p, true
		}
	}
	return paused{}, false
}

// crossedPause tells whether o was written before t stepped behind a pause, or while it
// was there.
func (t *task) crossedPause(o core.OpenTask, now core.Time) bool {
	if text, held := strings.CutPrefix(o.Queue, pausePlace); held && text != t.held {
		return t.held == "" && t.since == now || t.held != "" && t.shelved == now
	} else if held {
		return false
	}
	return t.shelved == now
}

// heldNow is what the core says that a ready task waits behind.
func (st *step) heldNow(t *task) string {
	if st.assigns(t.row.ID) {
		return ""
	}
	if live := st.live(t.row.ID); live.State != 0 {
		return live.Paused
	}
	if o, ok := st.row(t.row.ID); ok {
		text, held := strings.CutPrefix(o.Queue, pausePlace)
		if held {
			return text
		}
		return ""
	}
	return t.held
}

func (st *step) assigns(target id.ID) bool {
	return slices.ContainsFunc(st.out.Assigned, func(a core.Assignment) bool { return a.Task == target })
}

// followPauses takes over from the core who steps behind a pause and who goes on, and
// judges it: one steps there that is paused, or that comes while others go on from there.
func (m *model) followPauses(st *step) *Violation {
	leaving := map[lane]bool{}
	for _, t := range m.tasks {
		if t.held != "" {
			leaving[laneOf(t.row.Tenant, pausePlace+t.held, "")] = true
		}
	}
	for _, t := range m.sorted() {
		held := st.heldNow(t)
		if t.state != core.OpenReady || held == t.held {
			continue
		}
		t.held, t.entered, t.readied = held, false, true
		if held != "" {
			t.shelved = m.now
		}
		p, ok := t.waitsIn()
		switch by := m.pausedBy(t); {
		case held == "" && by != nil:
			return broken(pausesKept, "task %d goes on, and %s is paused", t.row.ID, by.text())
		case held == "":
		case !ok:
			return broken(pausesKept, "task %d waits for %s, and is %v", t.row.ID, held, t.pausable())
		case m.pauseOf(p) == nil && !leaving[m.laneFor(t)] && !m.loading(m.laneFor(t)): // there may be more of it
			return broken(pausesKept, "task %d waits for %s, which is not paused", t.row.ID, held)
		case by != nil && t.passed > 0:
			m.unplace(st, t)
		}
	}
	return nil
}

// unplace has t give back the places that it has.
func (m *model) unplace(st *step, t *task) {
	for _, l := range t.limits[:t.passed] {
		st.gone[l]++
	}
	t.passed, t.since = 0, m.now
}

// pausedText is what the error of everything that waited too long for a pause has in it.
const pausedText = " was paused for longer than "

// takeExpired follows the core in what has waited too long for a pause to end.
func (m *model) takeExpired(st *step) *Violation {
	if len(st.results)+len(st.runResults) == 0 {
		return nil
	}
	for _, t := range st.byEnd(m.sorted()) {
		text := st.errorOf(t)
		if !strings.Contains(text, pausedText) {
			continue
		}
		m.wakeDue(t.row.ID) // it may have waited for its time until now
		what, _, _ := strings.Cut(strings.TrimPrefix(text, "the "), pausedText)
		at := slices.IndexFunc(t.pausable(), func(p paused) bool { return p.text() == what })
		if at < 0 || t.state != core.OpenReady {
			return broken(pausesKept, "task %d (%v) of %v ends with %q", t.row.ID, t.state, t.pausable(), text)
		}
		on := m.pauseOf(t.pausable()[at])
		since := core.Time(0)
		if on != nil {
			since = core.Time(on.PausedSinceMS)
		}
		if t.held == what {
			since = core.Time(t.rank)
		}
		if on == nil || on.PausedTTLMS == 0 || since+core.Time(on.PausedTTLMS) > m.now {
			return broken(pausesKept, "task %d ends with %q, and waits since %d for %s", t.row.ID, text, since, show(on))
		}
		if _, v := m.cancel(st, t); v != nil {
			return v
		}
	}
	return nil
}

// errorOf is what a task, or the run of a ticket, ends with that is not explained yet.
func (st *step) errorOf(t *task) string {
	if r := st.results[t.row.ID]; r != nil {
		return r.Error
	}
	if r := st.runResults[t.row.ID]; r != nil && t.ticket != nil {
		return r.Error
	}
	return ""
}

// checkPauses: nobody waits for a pause that is over, unless it is being loaded, and
// nobody for longer than the pause may last, or with places that others wait for.
func (h *history) checkPauses(st *step) *Violation {
	m, next := h.model, h.shard.NextDue()
	_, tick := st.in.(*core.Tick)
	for _, t := range m.tasks {
		if t.state == core.OpenReady && t.passed > 0 && t.inClass() && m.pausedBy(t) != nil && h.shard.Live(t.row.ID).State != 0 {
			return broken(pausesKept, "task %d is paused by %s, and has %d places", t.row.ID, m.pausedBy(t).text(), t.passed)
		}
		p, held := t.waitsIn()
		if !held || t.state != core.OpenReady || m.loading(t.lane) {
			continue
		}
		on := m.pauseOf(p)
		if on == nil {
			return broken(goesOn, "task %d waits for %s, which is not paused any more", t.row.ID, t.held)
		}
		due := core.Time(on.PausedTTLMS)
		if due == 0 || h.shard.Live(t.row.ID).State == 0 {
			continue
		}
		if due += core.Time(t.rank); next == 0 || next > due {
			return broken(onTime, "task %d has waited long enough for %s at %d, the next tick is at %d", t.row.ID, t.held, due, next)
		}
		if tick && due <= m.now {
			return broken(onTime, "task %d has waited for %s until %d, and the tick at %d passed it over", t.row.ID, t.held, due, m.now)
		}
	}
	return nil
}
