package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// worker is a worker of a tenant, its home, connected or expected back.
type worker struct {
	id      id.ID
	tenant  id.ID
	offers  []*offer
	served  []*action // of its tenant, that it runs
	crew    *crew     // of its tenant; nil = that shares no workers
	shifts  []*shift  // with crew: where it runs what
	awaited bool      // by the owner, from the one before
	turn    int       // which offer is asked first when a slot is free

	slots  int32
	used   int32  // of them, by attempts outstanding at it: those in its list, and the abandoned
	types  []room // slots of other types than the default one
	until  Time   // when it is away: until when it is expected back; else 0
	paused bool   // from outside: it is given nothing new
	spared bool   // likewise, while it cannot be reached
	labels map[string]string

	wide     int    // of its offers, those whose tasks take up several slots
	reserved *class // which its free slots are kept for

	running int // how many are in the list

	first, last *task // running, in the order of assignment
	// abandoned are attempts that the core has settled without the worker's word.
	// They hold their slots until the worker reports or loses them.
	abandoned map[Token]grip
	batches   map[Token]*batch // that it has, or has some of
}

// takes tells whether w is given anything new.
func (w *worker) takes() bool { return w.until == 0 && !w.paused && !w.spared }

// fits tells whether w may be given a task of c now.
func (w *worker) fits(c *class) bool {
	return w.takes() && w.has(c.need.Slots) &&
		(w.reserved == nil || w.reserved == c || !w.reserved.need.shares(&c.need))
}

// consider has w offer to run tasks of c, if it may; else it returns nil.
func (w *worker) consider(c *class) *offer {
	score, may := w.score(c.need.Labels)
	if !may || c.need.Worker != 0 && c.need.Worker != w.id || !c.mayTake(w) {
		return nil
	}
	o := &offer{worker: w, class: c, score: w.preference(c, score), place: len(w.offers)}
	w.offers = append(w.offers, o)
	if c.need.wide() {
		w.wide++
	}
	return o
}

// preference is how well w suits c, by how well it meets its labels: of equal ones a tenant
// has its own worker first.
func (w *worker) preference(c *class, score int64) int64 {
	if score *= 2; c.key.tenant == w.tenant {
		score++
	}
	return score
}

// unconsider takes the offer back.
func (w *worker) unconsider(c *class) {
	o := w.offerOf(c)
	if o == nil {
		return
	}
	c.free.remove(o)
	if c.need.wide() {
		w.wide--
	}
	if c.reserved == w {
		c.unreserve()
	}
	w.offers = slices.Delete(w.offers, o.place, o.place+1)
	for i, later := range w.offers[o.place:] {
		later.place = o.place + i
	}
}

// mayHave tells whether w offers to run tasks of c.
func (w *worker) mayHave(c *class) bool {
	if w.crew != nil {
		return w.shift(c) != nil && c.mayTake(w)
	}
	return w.offerOf(c) != nil
}

func (w *worker) offerOf(c *class) *offer {
	if w.crew != nil {
		if !w.mayHave(c) {
			return nil
		}
		return w.shift(c).offer(c)
	}
	for _, o := range w.offers {
		if o.class == c {
			return o
		}
	}
	return nil
}

func (w *worker) push(t *task) {
	t.worker = w
	t.prev, t.next = w.last, nil
	if w.last == nil {
		w.first = t
	} else {
		w.last.next = t
	}
	w.last = t
	w.running++
}

func (w *worker) drop(t *task) {
	if t.prev == nil {
		w.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		w.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
	w.running--
}

// abandon notes an attempt that w may run without being known to.
func (w *worker) abandon(token Token, g grip) {
	if w.abandoned == nil {
		w.abandoned = map[Token]grip{}
	}
	w.abandoned[token] = g
	w.hold(g)
}

// epochShift leaves a token 40 bits for its number: 31 years at 1,000 a second.
const epochShift = 40

func (s *Shard) token() Token {
	s.dispatched++
	return Token(s.epoch<<epochShift | s.dispatched)
}

func (t Token) epoch() int64 { return int64(t) >> epochShift }

// assign gives a ready task that left its lane to w.
func (s *Shard) assign(t *task, w *worker) {
	s.stopTimer(t)
	s.run(t, w, s.token())
	if t.tenancy != nil { // a worker learns nothing by a grant that may be lost in a crash
		t.seq = max(t.seq, t.tenancy.granted)
	}
	s.out.Assigned = append(s.out.Assigned, Assignment{
		Worker: w.id, Task: t.id, Version: t.def.Version, Token: t.token,
		Attempt: t.attempt, Deadline: t.due, Seq: t.seq, Run: t.runID(), Node: t.node, Entries: t.entries, Suspensions: t.rests,
	})
}

// run has t run at w from now on.
func (s *Shard) run(t *task, w *worker, token Token) {
	s.engage(t)
	t.state, t.token, t.assigned, t.due = OpenRunning, token, s.now, 0
	if ms := t.def.ExecutionTimeoutMS; ms > 0 {
		s.setDue(t, s.now+Time(ms))
	}
	w.push(t)
	t.tenancy = w.tenancy(t.def.Tenant)
	w.hold(t.grip())
	t.joinBatch()
	s.onceBegan(t)
	s.changed(t)
}

// release takes a running task from its worker and frees the slot.
func (s *Shard) release(t *task) {
	w := t.worker
	s.refuseKin(t)
	s.settleShare(t)
	if t.tenancy != nil && t.advance > 0 {
		t.tenancy.settle(t, s.now-t.assigned)
	}
	w.drop(t)
	t.leaveBatch()
	if !t.released {
		s.freeSlots(w, t.grip())
	}
	t.tenancy = nil
}

// abandon takes a running task from its worker, which has not answered a stop: its
// slots stay in use, unless it has given them back.
func (s *Shard) abandon(t *task) {
	if !t.released {
		t.worker.abandon(t.token, t.grip()) // release gives back what it held before
	}
}

// freeSlots has w let go of an attempt.
func (s *Shard) freeSlots(w *worker, g grip) {
	if w.letGo(g) {
		s.welcome(w)
	}
}

// welcome lists w's offers if it has a free slot, and stirs their queues; the one
// whose turn it is comes first. Where it is shared its posts do so.
func (s *Shard) welcome(w *worker) {
	if !w.takes() {
		return
	}
	if w.crew != nil {
		w.hail()
		return
	}
	n := len(w.offers)
	for i := range n {
		o := w.offers[(w.turn+i)%n]
		if !w.fits(o.class) {
			continue
		}
		o.class.free.add(o)
		o.class.enliven()
		if o.class.live {
			o.class.queue.stir()
		}
	}
}

func (s *Shard) join(in *Join) {
	w := s.workers[in.Worker]
	if w == nil {
		w = &worker{id: in.Worker, paused: in.Paused}
		s.workers[w.id] = w
	}
	s.present(w)
	w.tenant = in.Tenant // of one that only a task spoke of, the task's was taken for it
	w.labels, w.spared = in.Labels, in.Spared
	w.setTypes(in.Slots, in.Types)
	s.setOffers(w, in.Actions)
	s.reconcile(w, in.Running)
	s.welcome(w)
}

func (s *Shard) setOffers(w *worker, actions []string) {
	s.unserve(w)
	w.crew = s.crews[w.tenant]
	for _, name := range slices.Compact(slices.Sorted(slices.Values(actions))) {
		a := s.action(w.tenant, name)
		a.workers = append(a.workers, w)
		w.served = append(w.served, a)
		if w.crew != nil {
			for _, p := range w.crew.postsOf[name] {
				w.enlist(p)
			}
			continue
		}
		for _, c := range a.classes {
			w.consider(c)
		}
	}
	w.turn = 0
	w.redeal()
}

// redeal deals the hands again that w is or was in; where it is shared when they are looked
// at next.
func (w *worker) redeal() {
	if w.crew != nil {
		w.crew.musters++
		return
	}
	for _, a := range w.served {
		for _, c := range a.classes {
			c.redeal(a)
		}
	}
}

// relabel changes what w says of itself.
func (s *Shard) relabel(in *Relabel) {
	w := s.workers[in.Worker]
	if w == nil {
		return
	}
	w.labels = in.Labels
	s.setOffers(w, w.actions())
	s.welcome(w)
}

// actions are the names of what w runs.
func (w *worker) actions() (names []string) {
	for _, a := range w.served {
		names = append(names, a.name)
	}
	return names
}

// unserve takes all offers of w back.
func (s *Shard) unserve(w *worker) {
	if w.reserved != nil {
		w.reserved.unreserve()
	}
	for _, o := range w.offers {
		o.class.free.remove(o)
		o.class.enliven()
	}
	for len(w.shifts) > 0 {
		w.shifts[len(w.shifts)-1].end()
	}
	for _, a := range w.served {
		a.workers = slices.DeleteFunc(a.workers, func(other *worker) bool { return other == w })
	}
	w.offers, w.wide = w.offers[:0], 0
	w.redeal()
	w.served = w.served[:0]
}

// reconcile compares what w says it runs with what it should run.
func (s *Shard) reconcile(w *worker, claims []Claim) {
	claimed := make(map[Token]bool, len(claims))
	for _, c := range claims {
		claimed[c.Token] = true
	}
	for t := w.first; t != nil; {
		next := t.next
		if !claimed[t.token] {
			s.lose(t)
		}
		t = next
	}
	for _, g := range w.abandoned { // in any order: it is a sum
		w.letGo(g)
	}
	w.abandoned = nil
	for _, c := range claims {
		if claimed[c.Token] { // one that is named twice holds one slot
			delete(claimed, c.Token)
			s.claim(w, c)
		}
	}
}

// claim judges one attempt that w says it runs.
func (s *Shard) claim(w *worker, c Claim) {
	t := s.tasks[c.Task]
	switch {
	case t != nil && t.state == OpenRunning && t.token == c.Token && t.worker == w:
		if c.Released {
			s.releaseSlots(t)
		}
		if t.stop != 0 { // the first word may have been lost with the stream
			s.tellStop(t)
		}
	case t != nil && s.adoptable(w, t, c.Attempt, c.Token) && s.mayJoin(w, t, c.Batch):
		s.adopt(w, t, c.Token, c.Batch)
		if c.Released {
			s.releaseSlots(t)
		}
	default:
		if !c.Released {
			w.abandon(c.Token, grip{batch: w.batchOf(c.Batch), uses: s.slotsOf(t)})
		}
		s.out.Stopped = append(s.out.Stopped, Stop{Worker: w.id, Task: c.Task, Token: c.Token, Reason: StopForeign})
	}
}

// slotsOf is what an attempt of t takes up that is not the current one; nil t is unknown.
func (s *Shard) slotsOf(t *task) []SlotUse {
	if t == nil {
		return nil
	}
	return t.def.Slots
}

// adoptable tells whether an attempt that was assigned by an owner before, and not
// written down before it ended, may go on: nobody else was given it since. Of a durable
// task that cannot be told, for one that was suspended goes on as the same attempt; it
// has its log to go on from. It is asked when a worker joins, and never later: what the
// attempt wrote in between was refused.
func (s *Shard) adoptable(w *worker, t *task, attempt int32, token Token) bool {
	return !t.def.Durable && s.mayHave(w.tenant, t.def.Tenant) && t.state != OpenRunning && t.attempt == attempt && token.epoch() < s.epoch &&
		!t.isTicket() && s.mayHold(t)
}

// mayHold tells whether there is a place left for t in each of its limits that it has
// none in. While workers of before are expected back they are kept for these.
func (s *Shard) mayHold(t *task) bool {
	for i := t.passed; int(i) < len(t.def.Limits); i++ {
		g := s.groupOf(t.def.Tenant, t.def.Limits, t.flow, i)
		full := len(g.held) >= g.bound()
		if g.lane.retire(); full { // it may have been made to be looked at
			return false
		}
	}
	return true
}

func (s *Shard) adopt(w *worker, t *task, token, number Token) {
	s.unplace(t)
	s.holds(t.id, t.def.Tenant, t.def.Limits, t.flow, int32(len(t.def.Limits)))
	t.passed = int32(len(t.def.Limits))
	s.moveTo(t, s.laneOf(t)) // a pause holds back what does not run
	s.engage(t)
	if t.def.Batch != nil {
		t.batch = w.batch(cmp.Or(number, token))
	}
	s.run(t, w, token)
	t.told = toldUnknown
}

func (s *Shard) resize(in *Resize) {
	if w := s.workers[in.Worker]; w != nil {
		w.slots = in.Slots
		w.keepReserve()
		s.welcome(w)
	}
}

// spare has a worker be given nothing new, or something again.
func (s *Shard) spare(in *Spare) {
	if w := s.workers[in.Worker]; w != nil && w.tenant == in.Tenant {
		w.spared = in.Spared
		w.keepReserve()
		s.welcome(w)
	}
}

// keepReserve ends what w is kept for if it can no longer have room for it.
func (w *worker) keepReserve() {
	if c := w.reserved; c != nil && (w.paused || w.spared || !w.couldHave(c.need.Slots)) {
		c.unreserve()
	}
}

// pauseWorkers has workers be given nothing new, or something again.
func (s *Shard) pauseWorkers(in *PauseWorkers) {
	for _, target := range in.Workers {
		kind := AnswerUnknown
		if w := s.workers[target]; w != nil && w.tenant == in.Tenant {
			kind = AnswerDone
			w.paused = in.Paused
			s.out.Paused = append(s.out.Paused, PausedWorker{Worker: w.id, Paused: in.Paused})
			w.keepReserve()
			s.welcome(w)
		}
		s.out.Answers = append(s.out.Answers, Answer{Ref: in.Ref, Task: target, Kind: kind})
	}
}

func (s *Shard) leave(in *Leave) {
	w := s.workers[in.Worker]
	if w == nil {
		return
	}
	if in.Reason == LeaveClosed {
		s.expect(w, s.now+GraceMS)
		return
	}
	s.bury(w)
}

// expect waits for w until then.
func (s *Shard) expect(w *worker, until Time) {
	if w.until == 0 {
		s.away = append(s.away, w)
	}
	w.until = until
}

// present ends the wait for w.
func (s *Shard) present(w *worker) {
	w.until = 0
	if at := slices.Index(s.away, w); at >= 0 {
		s.away = slices.Delete(s.away, at, at+1)
	}
	if w.awaited {
		w.awaited = false
		s.arrived(w.tenant)
	}
}

// bury forgets w; its tasks run elsewhere.
func (s *Shard) bury(w *worker) {
	s.present(w)
	w.setTypes(0, nil)
	s.unserve(w)
	for w.first != nil {
		s.lose(w.first)
	}
	delete(s.workers, w.id)
	s.out.Absent = append(s.out.Absent, Absence{w.id, s.now})
}

// buryOverdue forgets the workers that did not come back in time.
func (s *Shard) buryOverdue() {
	overdue := slices.DeleteFunc(slices.Clone(s.away), func(w *worker) bool { return w.until > s.now })
	slices.SortFunc(overdue, func(a, b *worker) int { return cmp.Compare(a.id, b.id) })
	for _, w := range overdue {
		s.bury(w)
	}
}
