package core

// lane is the line of ready tasks of one key. The head of the line is in memory,
// the rest in Postgres, as checkpoint rows:
//
//   - every task in Postgres only comes after edge;
//   - a task in memory may be taken if it does not come after edge;
//   - a newcomer after edge goes to Postgres, any other one stays in memory;
//   - with more than two windows in memory the later part goes to Postgres;
//   - with less than half a window in memory the next window is loaded.
//
// So the order is exact whatever is where, and the memory is bounded.
type lane struct {
	line
	queue *queue
	key   string

	open   int   // tasks in memory that are, were or will be in this lane
	stored int64 // ready tasks that are in Postgres only
	edge   Order // with stored > 0
	// A load is on its way. Newcomers after edge are in arrived until it is here:
	// whether they fit is known only then.
	loading bool
	arrived []*task

	// Neighbours in the queue's ring; nil when it is not in it.
	prevInRing, nextInRing *lane
}

// beyond tells whether t comes after something that is in Postgres only.
func (l *lane) beyond(t *task) bool { return l.stored > 0 && l.edge.Before(l.order(t)) }

func (l *lane) empty() bool { return l.len() == 0 && l.stored == 0 }

// retire forgets the lane when nothing hangs on it, so that keys which come and go
// do not fill the memory. The lane of a queue without keys stays.
func (l *lane) retire() {
	if l.open == 0 && l.stored == 0 && !l.loading && l.key != "" {
		delete(l.queue.lanes, l.key)
	}
}

// take removes and returns the task that goes first; nil if that is in Postgres,
// or there is none.
func (l *lane) take() *task {
	t := l.first()
	if t == nil || l.beyond(t) {
		return nil
	}
	l.remove(t)
	return t
}

// admit places a ready task in its lane.
func (s *Shard) admit(t *task) {
	l := t.lane
	if l.beyond(t) {
		if l.loading {
			l.arrived = append(l.arrived, t)
			s.startTimer(t)
			return
		}
		s.storeReady(t)
		return
	}
	l.add(t)
	s.startTimer(t)
	l.enterRing()
	l.queue.stir()
	if l.len() > 2*s.window && !l.loading {
		s.spill(l)
	}
}

// spill moves what is beyond a window to Postgres.
func (s *Shard) spill(l *lane) {
	for _, t := range l.cut(s.window) {
		s.storeReady(t)
	}
}

// storeReady leaves t to its checkpoint row.
func (s *Shard) storeReady(t *task) {
	l, order := t.lane, t.lane.order(t)
	just := Order{Rank: order.Rank, ID: order.ID - 1}
	if l.stored == 0 || just.Before(l.edge) {
		l.edge = just
	}
	l.stored++
	l.enterRing()
	l.queue.stir()
	s.store(t)
}

// store saves t and forgets it; its place has been given up before.
func (s *Shard) store(t *task) {
	s.stopTimer(t)
	s.save(t)
	s.delayed.awaits(t.due, t.id)
	s.left(t.id, stored)
	s.rest(t.id)
	if t.run != nil {
		s.resting = append(s.resting, t.run.id)
	}
	s.forget(t)
}

// leave takes a task out of the lane that is not the first.
func (l *lane) leave(t *task) {
	if l.has(t) {
		l.remove(t)
		if l.empty() {
			l.leaveRing()
		}
		l.queue.shard.refill(l)
		return
	}
	for i, other := range l.arrived {
		if other == t {
			l.arrived = append(l.arrived[:i], l.arrived[i+1:]...)
			return
		}
	}
}

// refill has the next window loaded when this one runs low.
func (s *Shard) refill(l *lane) {
	if l.stored > 0 && l.len() <= s.window/2 {
		s.requestLane(l)
	}
}

func (s *Shard) requestLane(l *lane) {
	if l.loading || l.stored == 0 {
		return
	}
	l.loading = true
	s.request(Load{
		Kind: LoadLane, Tenant: l.queue.tenant, Queue: l.queue.name, Key: l.key,
		After: l.edge, Limit: s.window,
	})
}

// unstore takes a task that ended off the count of those in Postgres only. With
// none left there, who waits for the load to be judged may go in at once: a later
// newcomer does.
func (s *Shard) unstore(l *lane) {
	l.stored--
	if l.stored == 0 {
		arrived := l.arrived
		l.arrived = nil
		for _, t := range arrived {
			s.admit(t)
		}
	}
	if l.empty() {
		l.leaveRing()
	}
}

// loadedLane brings the next window in, then judges who came meanwhile.
func (s *Shard) loadedLane(in *Loaded) {
	l := s.queue(in.Load.Tenant, in.Load.Queue).lane(in.Load.Key)
	l.loading = false
	arrived := l.arrived
	l.arrived = nil
	for i := range in.Rows {
		row := &in.Rows[i]
		if !s.absent(in.Load, row.ID) {
			continue
		}
		if text := s.replacedRow(row); text != "" {
			s.recall(in, row.ID)
			s.endStored(row, text, false)
			continue
		}
		l.stored--
		t := s.revive(row)
		s.recall(in, t.id)
		l.add(t)
		s.startTimer(t)
	}
	if n := len(in.Rows); n == in.Load.Limit && l.stored > 0 {
		l.edge = Order{Rank: -int64(in.Rows[n-1].Priority), ID: in.Rows[n-1].ID}
	}
	for _, t := range arrived {
		s.admit(t)
	}
	if l.len() > 2*s.window { // what came before the edge during the load is in memory
		s.spill(l)
	}
	if !l.empty() {
		l.enterRing()
		l.queue.stir()
	}
	s.refill(l)
	l.retire()
}

func (l *lane) enterRing() {
	if l.nextInRing != nil {
		return
	}
	turn := l.queue.ring
	if turn == nil {
		l.prevInRing, l.nextInRing = l, l
		l.queue.ring = l
		return
	}
	last := turn.prevInRing // the newcomer's turn comes after all others
	l.prevInRing, l.nextInRing = last, turn
	last.nextInRing, turn.prevInRing = l, l
}

func (l *lane) leaveRing() {
	next := l.nextInRing
	switch {
	case next == nil:
		return
	case next == l:
		l.queue.ring = nil
	default:
		l.prevInRing.nextInRing, next.prevInRing = next, l.prevInRing
		if l.queue.ring == l {
			l.queue.ring = next
		}
	}
	l.prevInRing, l.nextInRing = nil, nil
}
