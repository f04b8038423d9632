package core

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
)

// pausePlace is how OpenTask.Queue says that a task waits for a pause to end; what is
// paused follows, see pauseKey.text.
const pausePlace = "@paused "

// pauseKey names what is paused: a queue or a workflow.
type pauseKey struct {
	tenant id.ID
	kind   SettingKind
	name   string
}

func (k pauseKey) what() string {
	if k.kind == SettingWorkflow {
		return "workflow"
	}
	return "queue"
}

func (k pauseKey) text() string { return pausePlace + k.what() + " " + k.name }

// pause holds the tasks of a queue or workflow back. What becomes ready while it is on
// waits in its lane, in the order of time, before it has a place in any limit: nothing
// else waits because of it. What was ready before stays where it is, and is passed by.
// After it, its lane is a detour until all of that has gone on.
type pause struct {
	shard *Shard
	key   pauseKey
	lane  *lane
	on    bool
	since Time
	ttl   Time // what waits longer is cancelled; 0 = never
	swept bool // with on: what was ready before was cancelled
	hasty bool // in Shard.pausesHasty
}

// pause finds a pause, or makes it.
func (s *Shard) pause(key pauseKey) *pause {
	p := s.pauses[key]
	if p == nil {
		p = &pause{shard: s, key: key}
		p.lane = s.newLane(p, key.tenant, key.text(), "")
		s.pauses[key] = p
	}
	return p
}

// pauseLane finds the lane of a pause by what a row says behind pausePlace.
func (s *Shard) pauseLane(tenant id.ID, text string) *lane {
	what, name, _ := strings.Cut(text, " ")
	key := pauseKey{tenant, SettingQueue, name}
	if what == "workflow" {
		key.kind = SettingWorkflow
	}
	return s.pause(key).lane
}

// offer implements place.
func (p *pause) offer(*lane) { p.hasten() }

// withdraw implements place.
func (p *pause) withdraw(*lane) {}

// explain implements place.
func (p *pause) explain(r *Reason, l *lane) {
	r.Cause, r.Name = CausePaused, p.key.what()+" "+p.key.name
	if l.share != nil {
		r.Key = l.share.key
	}
}

// rank implements place: who comes first, goes first.
func (p *pause) rank(*task) int64 { return int64(p.shard.now) }

// forget implements place.
func (p *pause) forget(l *lane) {
	if !p.on && l.open == 0 && l.stored == 0 && !l.loading && p.shard.pauses[p.key] == p {
		delete(p.shard.pauses, p.key)
	}
}

// hasten has p looked at at the end of this Apply.
func (p *pause) hasten() {
	if !p.hasty {
		p.hasty = true
		p.shard.pausesHasty = append(p.shard.pausesHasty, p)
	}
}

// heldBy is the pause that a task which becomes ready waits for; nil if there is none.
func (s *Shard) heldBy(t *task) *pause {
	if t.passed > 0 {
		return nil
	}
	workflow, queue := s.pausesOf(t.def)
	return cmp.Or(workflow, queue)
}

// pausedBy is the pause that is on for t; nil if there is none.
func (s *Shard) pausedBy(t *task) *pause { return s.pauseOn(t.def) }

// pauseOn is the pause that is on for tasks of a definition; nil if there is none.
func (s *Shard) pauseOn(def *Definition) *pause {
	workflow, queue := s.pausesOf(def)
	switch {
	case workflow != nil && workflow.on:
		return workflow
	case queue != nil && queue.on:
		return queue
	}
	return nil
}

// pausesOf are the pauses that tasks of a definition may wait for, on or not: that of the
// workflow goes before that of the queue.
func (s *Shard) pausesOf(def *Definition) (workflow, queue *pause) {
	if len(s.pauses) == 0 {
		return nil, nil
	}
	return s.pauses[pauseKey{def.Tenant, SettingWorkflow, def.Workflow}], s.pauses[pauseKey{def.Tenant, SettingQueue, queueOf(def)}]
}

// shelve has a ready task that left its line wait for p. It gives back the places in
// limits that it has.
func (s *Shard) shelve(t *task, p *pause) {
	s.letGo(t.id, t.def.Tenant, t.def.Limits, t.flow, t.passed)
	t.passed = 0
	s.changed(t)
	s.enterLane(t, p.lane)
}

// settlePauses lets go on what nothing holds back any more.
func (s *Shard) settlePauses() {
	for i := 0; i < len(s.pausesHasty); i++ {
		p := s.pausesHasty[i]
		p.hasty = false
		if !p.on {
			p.resume()
		}
		p.lane.retire()
	}
	clear(s.pausesHasty)
	s.pausesHasty = s.pausesHasty[:0]
}

// resume has what waits for p go on.
func (p *pause) resume() {
	s := p.shard
	for t := p.take(); t != nil; t = p.take() {
		s.changed(t)
		if next := s.pausedBy(t); next != nil {
			s.enterLane(t, next.lane)
			continue
		}
		s.seekPlace(t)
	}
}

// take takes the first out of the line; nil if that is in Postgres, or there is none.
func (p *pause) take() *task {
	t := p.lane.take()
	if t == nil {
		p.shard.requestLane(p.lane)
		return nil
	}
	p.shard.refill(p.lane)
	return t
}

// expirePauses cancels what has waited too long for a pause to end.
func (s *Shard) expirePauses() {
	for _, key := range s.pauseKeys() {
		p := s.pauses[key]
		if p == nil || !p.on || p.ttl == 0 {
			continue
		}
		for t := p.lane.first(); t != nil && p.overdue(t) && !p.lane.beyond(t); t = p.lane.first() {
			s.finish(t, Cancelled, p.lateText(), nil)
		}
		if p.lane.first() == nil {
			s.requestLane(p.lane)
		}
		if !p.swept && p.since+p.ttl <= s.now {
			p.swept = true
			s.sweep(p.key.tenant)
		}
	}
}

func (p *pause) overdue(t *task) bool { return Time(t.rank)+p.ttl <= p.shard.now }

func (p *pause) lateText() string {
	return fmt.Sprintf("the %s %s was paused for longer than %s", p.key.what(), p.key.name, ms(int64(p.ttl)))
}

// next is when p has to be looked at; 0 = at no certain time.
func (p *pause) next() (next Time) {
	if !p.on || p.ttl == 0 {
		return 0
	}
	if t := p.lane.first(); t != nil {
		next = Time(t.rank) + p.ttl
	}
	if due := p.since + p.ttl; !p.swept && (next == 0 || due < next) {
		next = due
	}
	return next
}

func (s *Shard) pauseKeys() []pauseKey {
	keys := make([]pauseKey, 0, len(s.pauses))
	for key := range s.pauses {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b pauseKey) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	return keys
}

// stamp notes since when something is paused.
func (s *Shard) stamp(setting *Setting) {
	if setting.Kind != SettingQueue && setting.Kind != SettingWorkflow || !setting.Queue.Paused {
		return
	}
	setting.Queue.PausedSinceMS = int64(s.now)
	if p := s.pauses[pauseKey{setting.Tenant, setting.Kind, setting.Name}]; p != nil && p.on {
		setting.Queue.PausedSinceMS = int64(p.since)
	}
}

// setPause brings a pause in line with a setting.
func (s *Shard) setPause(key pauseKey, to *QueueSetting) {
	if p := s.pauses[key]; p == nil && !to.Paused {
		return
	}
	p := s.pause(key)
	p.on, p.since, p.ttl, p.swept = to.Paused, Time(to.PausedSinceMS), Time(to.PausedTTLMS), false
	p.hasten()
	s.halt(key.tenant)
	if p.on {
		s.sweep(key.tenant)
	}
}

// halt marks the classes of a tenant that are paused as a whole, and has the others
// matched.
func (s *Shard) halt(tenant id.ID) {
	for _, c := range s.classesOf(tenant) {
		halted := c.isPaused()
		if c.halted == halted {
			continue
		}
		if c.halted = halted; halted {
			c.unreserve()
		}
		c.attend()
		c.queue.stir()
	}
}

// isPaused tells whether all that c has, or will have, is held back.
func (c *class) isPaused() bool {
	s := c.shard
	if len(s.pauses) == 0 {
		return false
	}
	on := func(kind SettingKind, name string) bool {
		p := s.pauses[pauseKey{c.key.tenant, kind, name}]
		return p != nil && p.on
	}
	if on(SettingQueue, c.need.Queue) {
		return true
	}
	workflows := s.action(c.key.tenant, c.need.Action).workflows
	return len(workflows) > 0 && !slices.ContainsFunc(workflows, func(name string) bool { return !on(SettingWorkflow, name) })
}

// sweep goes through what waits for workers, or is to when a load is here: what a pause holds
// back gives the places up that it has in limits, and ends if it has waited too long.
func (s *Shard) sweep(tenant id.ID) {
	for _, c := range s.classesOf(tenant) {
		for _, l := range c.sortedLanes() {
			s.sweepLane(l)
		}
	}
}

func (s *Shard) sweepLane(l *lane) {
	over := false
	for _, t := range append(l.oldestFirst(), l.arrived...) {
		p := s.pausedBy(t)
		switch {
		case p == nil || !l.has(t) && !slices.Contains(l.arrived, t): // or what ended before has ended it
		case p.ttl > 0 && p.since+p.ttl <= s.now:
			over = true
			s.finish(t, Cancelled, p.lateText(), nil)
		case t.passed > 0:
			s.unplace(t)
			s.shelve(t, p)
		}
	}
	if over && l.class.halted {
		s.requestLane(l)
	}
	if t := l.head(); l.blocked != nil && t != nil && s.pausedBy(t) != nil {
		l.claim = 0 // it needs no units as long as that lasts
		l.place.offer(l)
	}
}

// classesOf are those of a tenant, by name.
func (s *Shard) classesOf(tenant id.ID) (classes []*class) {
	for key, c := range s.classes {
		if key.tenant == tenant {
			classes = append(classes, c)
		}
	}
	slices.SortFunc(classes, func(a, b *class) int { return cmp.Compare(a.key.text, b.key.text) })
	return classes
}

func (c *class) sortedLanes() []*lane {
	lanes := make([]*lane, 0, len(c.byKey))
	for _, l := range c.byKey {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b *lane) int { return cmp.Compare(a.key, b.key) })
	return lanes
}
