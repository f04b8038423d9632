package core

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// limitPlace is how OpenTask.Queue says that a task waits for a place in the limit whose
// name follows.
const limitPlace = "@limit "

// limit bounds how many tasks or runs of a key have a place at a time. A task has one
// from when it may be given to a worker until it ends, or its attempt does; a run of a
// graph until it ends.
type limit struct {
	shard  *Shard
	tenant id.ID
	name   string
	settings[LimitSetting]
	age    AgeSetting
	groups map[string]*group
}

// group is who has places of one key, and who waits for one.
type group struct {
	limit *limit
	key   string
	max   int32 // what the expression of the last comer said that had one; 0 = nothing
	comer id.ID // that one
	held  []holder
	lane  *lane
	out   meter // places given
	eager bool  // in Shard.eager
}

// holder has a place.
type holder struct {
	id       id.ID
	stopping bool // it was cancelled, and is in Postgres only
}

func (s *Shard) limit(tenant id.ID, name string) *limit {
	key := queueKey{tenant, name}
	l := s.limits[key]
	if l == nil {
		l = &limit{shard: s, tenant: tenant, name: name, groups: map[string]*group{}}
		s.limits[key] = l
	}
	return l
}

func (l *limit) group(key string) *group {
	g := l.groups[key]
	if g == nil {
		g = &group{limit: l, key: key}
		g.lane = l.shard.newLane(g, l.tenant, limitPlace+l.name, key)
		g.lane.byID = l.goesByID()
		l.groups[key] = g
	}
	return g
}

// goesByID tells whether those wait in the order of ids that have no place: priority counts
// only where they queue.
func (l *limit) goesByID() bool { return l.all().Strategy != LimitQueue }

// reorder has all who wait go by the order that is in force.
func (l *limit) reorder() {
	for _, g := range l.groups {
		g.lane.reorder(l.goesByID())
	}
}

// bound is how many may have places at once.
func (g *group) bound() int {
	if own, ok := g.limit.of(g.key); ok {
		return int(own.Max)
	}
	if g.max > 0 {
		return int(g.max)
	}
	if all := g.limit.all(); g.limit.set != nil || all.Max > 0 {
		return int(all.Max)
	}
	return 1 // nobody has said how many
}

func (g *group) strategy() Strategy { return g.limit.all().Strategy }

// room tells whether there is a place left. After a restart there is none until all
// workers of before are back, or given up: they may run what has a place and is not
// known to have one.
func (g *group) room() bool {
	return len(g.held) < g.bound() && !g.limit.shard.awaits(g.limit.tenant)
}

// offer implements place.
func (g *group) offer(*lane) { g.hasten() }

// withdraw implements place.
func (g *group) withdraw(*lane) {}

// rank implements place. It is the same whether it counts or not (limit.goesByID), so that the
// strategy can change while any number wait. What waiting is worth is the limit's own: tasks
// of several queues, which may age differently, are in one line.
func (g *group) rank(t *task) int64 { return t.byPriority() + g.limit.worth() }

// forget implements place.
func (g *group) forget(*lane) {
	if len(g.held) == 0 && g.lane.open == 0 && g.lane.stored == 0 && !g.lane.loading && !g.eager && g.limit.groups[g.key] == g {
		delete(g.limit.groups, g.key)
	}
}

// hasten has the group looked at at the end of this Apply.
func (g *group) hasten() {
	if !g.eager {
		g.eager = true
		s := g.limit.shard
		s.eager = append(s.eager, g)
	}
}

// settleLimits gives places to those that wait for them, and cancels whom a strategy
// has no place for, until nothing follows any more, or so many were cancelled that the rest
// is for the next Apply, see unsettled.
func (s *Shard) settleLimits() {
	settled := 0
	for ; settled < len(s.eager) && s.struck < strikesMax; settled++ {
		g := s.eager[settled]
		g.eager = false
		g.settle()
		g.lane.retire()
	}
	s.eager = slices.Delete(s.eager, 0, settled)
}

// unsettled tells whether there is something for settleLimits in this Apply.
func (s *Shard) unsettled() bool { return len(s.eager) > 0 && s.struck < strikesMax }

// settle gives out the places of g.
func (g *group) settle() {
	if g.limit.shard.awaits(g.limit.tenant) {
		return
	}
	switch g.strategy() {
	case LimitCancelRunning:
		g.settleNewest()
	case LimitCancelNewest:
		g.admit()
		g.cancelWaiting(0, false)
	case LimitKeepNewest:
		g.admit()
		g.cancelWaiting(1, true)
	case LimitKeepOldest:
		g.admit()
		g.cancelWaiting(1, false)
	default:
		g.admit()
	}
}

// admit gives places to those that are first in the line.
func (g *group) admit() {
	for g.room() {
		t := g.take()
		if t == nil {
			return
		}
		g.hold(t)
	}
}

// take takes the first out of the line; nil if that is in Postgres, or there is none.
func (g *group) take() *task {
	s := g.limit.shard
	for {
		t := g.lane.take()
		if t == nil {
			s.requestLane(g.lane)
			return nil
		}
		s.refill(g.lane)
		p := s.pausedBy(t)
		if p == nil {
			return t
		}
		s.shelve(t, p)
	}
}

// hold gives t a place, and has it go on.
func (g *group) hold(t *task) {
	g.add(t.id)
	t.passed++
	s := g.limit.shard
	g.out.add(s.now)
	s.changed(t)
	s.proceed(t)
}

func (g *group) add(holding id.ID) {
	at, _ := g.find(holding)
	g.held = slices.Insert(g.held, at, holder{id: holding})
}

func (g *group) find(holding id.ID) (int, bool) {
	return slices.BinarySearchFunc(g.held, holding, func(h holder, i id.ID) int { return cmp.Compare(h.id, i) })
}

// release takes a place back.
func (g *group) release(holding id.ID) {
	if at, found := g.find(holding); found {
		g.held = slices.Delete(g.held, at, at+1)
		g.hasten()
	}
}

// waiting is how many wait, here or in Postgres.
func (g *group) waiting() int { return g.lane.len() + int(g.lane.stored) }

// cancelWaiting cancels all that wait but for so many, none or one: the newest, or the
// oldest.
func (g *group) cancelWaiting(keep int, newest bool) {
	s := g.limit.shard
	for g.waiting() > keep {
		t := g.take()
		if t != nil && g.waiting() < keep { // the others were paused, and step aside
			g.lane.add(t)
			return
		}
		if t != nil && keep > 0 && !newest {
			t = g.takeSecond(t)
		}
		if t == nil {
			return
		}
		why := "there was no place"
		if keep > 0 {
			why = "another one waits already"
		}
		s.struck++
		s.finish(t, Cancelled, g.text(why), nil)
	}
}

// takeSecond takes the one behind first out of the line, which goes back there: it is
// not to be away from it while something else ends.
func (g *group) takeSecond(first *task) *task {
	second := g.take()
	g.lane.add(first)
	return second
}

// stepAside has those of the line that are paused wait elsewhere: they take nobody's place.
func (g *group) stepAside() {
	s := g.limit.shard
	if len(s.pauses) == 0 {
		return
	}
	for _, t := range g.lane.oldestFirst() {
		if p := s.pausedBy(t); p != nil {
			s.unplace(t)
			s.shelve(t, p)
		}
	}
}

// settleNewest gives places to the newest, and cancels older ones.
func (g *group) settleNewest() {
	s := g.limit.shard
	g.stepAside()
	for {
		t := g.take()
		if t == nil {
			return
		}
		newer, older := g.waiting(), 0
		for i := range g.held {
			switch h := &g.held[i]; {
			case g.ending(h):
			case h.id > t.id:
				newer++
			default:
				older++
			}
		}
		if newer >= g.bound() {
			s.struck++
			s.finish(t, Cancelled, g.text(textNewer), nil)
			continue
		}
		t.lane.add(t) // what follows may look for it
		g.cancelOldest(newer + older + 1 - g.bound())
		if !g.room() {
			return
		}
		if t = g.lane.take(); t != nil {
			g.hold(t)
		}
	}
}

// ending tells whether a holder was cancelled, by whomever, and is about to give its place
// back.
func (g *group) ending(h *holder) bool {
	s := g.limit.shard
	if t := s.tasks[h.id]; t != nil {
		return t.stop == StopCancelled
	}
	if r := s.runs[h.id]; r != nil {
		return r.cancelled != ""
	}
	return h.stopping
}

// cancelOldest cancels the first n of those that have places.
func (g *group) cancelOldest(n int) {
	var stop []id.ID
	for i := range g.held {
		if len(stop) >= n {
			break
		}
		if h := &g.held[i]; !g.ending(h) {
			h.stopping = true
			stop = append(stop, h.id)
		}
	}
	s := g.limit.shard
	s.struck += len(stop)
	s.cancelEach(Load{Tenant: g.limit.tenant, Tasks: stop, Text: g.text(textNewer)})
}

const textNewer = "a newer one came"

// text says that g cancels someone, and why.
func (g *group) text(why string) string {
	if g.key == "" {
		return fmt.Sprintf("cancelled by the limit %s: %s", g.limit.name, why)
	}
	return fmt.Sprintf("cancelled by the limit %s of %q: %s", g.limit.name, g.key, why)
}

// groupOf is that of the i-th limit of a task or run.
func (s *Shard) groupOf(tenant id.ID, limits []string, flow *Flow, i int32) *group {
	key := LimitKey{}
	if flow != nil && int(i) < len(flow.Limits) {
		key = flow.Limits[i]
	}
	return s.limit(tenant, limits[i]).group(key.Key)
}

// heed is groupOf, and has the group go by the maximum that the task or run says, if none
// that came later has said one.
func (s *Shard) heed(comer, tenant id.ID, limits []string, flow *Flow, i int32) *group {
	g := s.groupOf(tenant, limits, flow, i)
	if flow != nil && int(i) < len(flow.Limits) && flow.Limits[i].Max > 0 && comer >= g.comer {
		g.max, g.comer = flow.Limits[i].Max, comer
	}
	return g
}

// proceed has a ready task wait for the next thing that it needs: the end of a pause, a
// place in a limit, then a worker.
func (s *Shard) proceed(t *task) {
	if p := s.heldBy(t); p != nil {
		s.enterLane(t, p.lane)
		return
	}
	s.seekPlace(t)
}

// seekPlace is proceed of a task that no pause holds back.
func (s *Shard) seekPlace(t *task) {
	switch {
	case int(t.passed) < len(t.def.Limits):
		s.enterLane(t, s.heed(t.id, t.def.Tenant, t.def.Limits, t.flow, t.passed).lane)
	case t.isTicket():
		s.redeem(t)
	default:
		l := s.laneOf(t)
		l.class.queue.in.add(s.now)
		s.enterLane(t, l)
	}
}

// letGo gives back the places that a task or run has.
func (s *Shard) letGo(holding, tenant id.ID, limits []string, flow *Flow, passed int32) {
	for i := range passed {
		s.groupOf(tenant, limits, flow, i).release(holding)
	}
}

// markStopping notes who is about to give its places back, and is not in memory to be asked.
func (s *Shard) markStopping(holding, tenant id.ID, limits []string, flow *Flow, passed int32) {
	for i := range passed {
		g := s.groupOf(tenant, limits, flow, i)
		if at, found := g.find(holding); found {
			g.held[at].stopping = true
		}
	}
}

// giveBack gives back the places of a task whose attempt ended, unless it keeps its turn
// when it is tried again.
func (s *Shard) giveBack(t *task) {
	for _, name := range t.def.Limits[:t.passed] {
		if s.limit(t.def.Tenant, name).all().Strategy == LimitFIFO {
			return
		}
	}
	s.letGo(t.id, t.def.Tenant, t.def.Limits, t.flow, t.passed)
	t.passed = 0
}

// holds gives t the places again that it had.
func (s *Shard) holds(holding, tenant id.ID, limits []string, flow *Flow, passed int32) {
	for i := range passed {
		g := s.heed(holding, tenant, limits, flow, i)
		if _, has := g.find(holding); !has {
			g.add(holding)
		}
	}
}

// hasten has all groups of l looked at.
func (l *limit) hasten() {
	for _, key := range slices.Sorted(maps.Keys(l.groups)) {
		l.groups[key].hasten()
	}
}

// arrived notes that a worker of before is back, or given up. With the last one that may
// run tasks of a tenant, the tenant's limits are looked at.
func (s *Shard) arrived(home id.ID) {
	if s.expected[home]--; s.expected[home] > 0 {
		return
	}
	delete(s.expected, home)
	s.goOnWith(home)
	for _, g := range s.lent {
		if g.home == home {
			s.goOnWith(g.tenant)
		}
	}
}

// goOnWith looks at the limits and batches of a tenant, unless it has to wait longer.
func (s *Shard) goOnWith(tenant id.ID) {
	if s.awaits(tenant) {
		return
	}
	s.weighBatches(tenant)
	keys := slices.SortedFunc(maps.Keys(s.limits), func(a, b queueKey) int { return cmp.Compare(a.name, b.name) })
	for _, key := range keys {
		if key.tenant == tenant {
			s.limits[key].hasten()
		}
	}
}
