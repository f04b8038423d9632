package core

import (
	"strings"

	"github.com/adzehq/adze/internal/base/id"
)

// lane is the line of ready tasks of one key of a place. The head of the line is in memory,
// the rest in Postgres, as checkpoint rows:
//
//   - every task in Postgres only comes after edge;
//   - a task in memory may be taken if it does not come after edge;
//   - a newcomer after edge goes to Postgres, any other one stays in memory;
//   - with more than two windows in memory, or an eighth of the room that is left, the later
//     part goes to Postgres;
//   - with its lead or less in memory the next window is loaded.
//
// So the order is exact whatever is where, and the memory is bounded.
type lane struct {
	line
	shard  *Shard
	place  place
	tenant id.ID
	queue  string // where the place is, as OpenTask.Queue
	key    string

	open   int   // tasks in memory that are, were or will be in this lane
	stored int64 // ready tasks that are in Postgres only
	edge   Order // with stored > 0
	// A load is on its way. Newcomers after edge are in arrived until it is here:
	// whether they fit is known only then.
	loading bool
	arrived []*task
	hurry   uint8 // up to hurryMax, see lead

	// Of a class.
	class   *class
	share   *share
	among   *fairLine // class.lanes, or where it waits for units; nil = neither
	seat    int       // in among; -1 = in none
	draws   []string  // names and keys of the rate limits that its tasks draw from
	blocked *rateLine // that it waits in for units
	claim   id.ID     // with blocked: the task that needs them
	gathered
}

// place is where lanes are: a class, where tasks wait for workers, or a limit, where they
// wait for a place in it.
type place interface {
	// offer says that the lane has something to give, here or in Postgres.
	offer(l *lane)
	// withdraw says that it has not.
	withdraw(l *lane)
	// rank is where a task that comes now belongs, see Order.
	rank(t *task) int64
	// explain says why a task waits in the lane.
	explain(r *Reason, l *lane)
	// forget says that nothing hangs on the lane any more.
	forget(l *lane)
}

// newLane is the lane of a key of a place, which rows name so.
func (s *Shard) newLane(at place, tenant id.ID, queue, key string) *lane {
	return &lane{shard: s, place: at, tenant: tenant, queue: queue, key: key, seat: -1}
}

// lane finds a lane by what checkpoint rows say of it.
func (s *Shard) lane(tenant id.ID, queue, key string) *lane {
	if name, ok := strings.CutPrefix(queue, limitPlace); ok {
		return s.limit(tenant, name).group(key).lane
	}
	if text, ok := strings.CutPrefix(queue, pausePlace); ok {
		return s.pauseLane(tenant, text)
	}
	return s.classAt(tenant, queue, key).lane(key)
}

// beyond tells whether t comes after something that is in Postgres only.
func (l *lane) beyond(t *task) bool { return l.stored > 0 && l.edge.Before(l.order(t)) }

func (l *lane) empty() bool { return l.len() == 0 && l.stored == 0 }

// retire forgets the lane when nothing hangs on it, so that keys which come and go
// do not fill the memory.
func (l *lane) retire() {
	if l.open == 0 && l.stored == 0 && !l.loading {
		l.place.forget(l)
	}
}

func (l *lane) has(t *task) bool { return t.lined && t.lane == l }

// head is the task that goes first; nil if that is in Postgres, or there is none.
func (l *lane) head() *task {
	t := l.first()
	if t == nil || l.beyond(t) {
		return nil
	}
	return t
}

// take removes and returns the head.
func (l *lane) take() *task {
	t := l.head()
	if t != nil {
		l.remove(t)
	}
	return t
}

// enterLane has a ready task wait in a lane.
func (s *Shard) enterLane(t *task, l *lane) {
	s.moveTo(t, l)
	if l.share != nil && l.share.key == t.share {
		t.share = l.share.key // one text for all
	}
	t.rank = l.place.rank(t)
	s.admit(t)
}

// moveTo has t belong to l; nil = to none.
func (s *Shard) moveTo(t *task, l *lane) {
	if from := t.lane; from != l {
		if t.lane = l; l != nil {
			l.open++
		}
		if from != nil {
			from.open--
			from.retire()
		}
	}
}

// admit places a ready task in its lane.
func (s *Shard) admit(t *task) {
	l := t.lane
	if l.beyond(t) {
		if l.loading {
			l.arrived = append(l.arrived, t)
			l.note(t)
			s.startTimer(t)
			return
		}
		s.storeReady(t)
		return
	}
	l.add(t)
	s.startTimer(t)
	l.place.offer(l)
	if l.len() > s.laneMax(l) && !l.loading {
		s.spill(l)
	}
}

// windowNow is how many tasks of a lane are read at once: a share of the room that is left
// for all lanes of which something is in Postgres.
func (s *Shard) windowNow() int {
	return min(s.window, max(s.windowMin(), s.room()/max(s.hollow, 1)))
}

func (s *Shard) windowMin() int { return max(s.window/windowShrinkMax, 1) }

// room is for how many tasks there is room before lanes are held short.
func (s *Shard) room() int { return s.window*s.windows - len(s.tasks) }

// laneMax is how many tasks a lane may have in memory: two windows, or more where there is
// much room, so that few long lanes need not be read back; where none is left the half of
// what it has.
func (s *Shard) laneMax(l *lane) int {
	if s.room() < 0 {
		return max(2*s.windowMin(), l.len()/2)
	}
	if s.loan == 0 {
		return 2 * s.window
	}
	return max(2*s.window, s.room()/s.loan)
}

// hold counts tasks that are in Postgres only.
func (l *lane) hold(n int64) {
	had := l.stored > 0
	l.stored += n
	if has := l.stored > 0; has && !had {
		l.shard.hollow++
	} else if had && !has {
		l.shard.hollow--
	}
}

// spill moves what is beyond a window to Postgres.
func (s *Shard) spill(l *lane) {
	for _, t := range l.cut(max(s.laneMax(l)/2, 1)) {
		s.storeReady(t)
	}
}

// storeReady leaves t to its checkpoint row.
func (s *Shard) storeReady(t *task) {
	l, order := t.lane, t.lane.order(t)
	l.unnote(t)
	just := Order{Rank: order.Rank, ID: order.ID - 1}
	if l.stored == 0 || just.Before(l.edge) {
		l.edge = just
	}
	l.hold(1)
	l.place.offer(l)
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
		l.shard.refill(l)
		if !l.gives() {
			l.place.withdraw(l)
		} else if l.blocked != nil {
			l.place.offer(l)
		}
		return
	}
	for i, other := range l.arrived {
		if other == t {
			l.arrived = append(l.arrived[:i], l.arrived[i+1:]...)
			l.unnote(t)
			return
		}
	}
}

// refill has the next window loaded when this one runs low.
func (s *Shard) refill(l *lane) {
	if l.stored > 0 && l.len() <= s.lead(l) {
		s.requestLane(l)
	}
}

// lead is how many tasks of a lane are left when the next window is asked for: a quarter of
// one, half, or all of one.
func (s *Shard) lead(l *lane) int { return s.windowNow() >> (hurryMax - l.hurry) }

// pace finds the lead that l needs, when its window is here: a longer one if it ran dry
// meanwhile, a shorter one if it would have had half of that left.
func (s *Shard) pace(l *lane) {
	switch lead := s.lead(l); {
	case l.len() == 0 && l.hurry < hurryMax:
		l.hurry++
	case l.len() > lead*3/4 && l.hurry > 0:
		l.hurry--
	}
}

func (s *Shard) requestLane(l *lane) {
	if l.loading || l.stored == 0 {
		return
	}
	l.loading = true
	s.request(Load{
		Kind: LoadLane, Tenant: l.tenant, Queue: l.queue, Key: l.key,
		After: l.edge, ByID: l.byID, Limit: s.windowNow(),
	})
}

// reorder has the lane go by another order. Of what is in Postgres nothing is known by
// that one: it is read from its beginning, and until then all that is here comes after it.
func (l *lane) reorder(byID bool) {
	if l.byID == byID {
		return
	}
	l.line.reorder(byID)
	if l.stored > 0 {
		l.edge = LaneStart
	}
}

// unstore takes a task that ended off the count of those in Postgres only. With
// none left there, who waits for the load to be judged may go in at once: a later
// newcomer does.
func (s *Shard) unstore(l *lane) {
	l.hold(-1)
	if l.stored == 0 {
		arrived := l.arrived
		l.arrived = nil
		for _, t := range arrived {
			s.admit(t)
		}
	}
	if !l.gives() {
		l.place.withdraw(l)
	}
}

// loadedLane brings the next window in, then judges who came meanwhile.
func (s *Shard) loadedLane(in *Loaded) {
	l := s.lane(in.Load.Tenant, in.Load.Queue, in.Load.Key)
	l.loading = false
	s.pace(l)
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
		l.hold(-1)
		t := s.revive(row)
		s.recall(in, t.id)
		if _, usual := s.narrowed(t); usual && l.class != nil && t.def.class == nil {
			s.classOf(t) // that of its definition stays, and with it whose turn it is
		}
		l.add(t)
		s.startTimer(t)
	}
	ordered := in.Load.ByID == l.byID // else what is here is some of the lane, and not its beginning
	if n := len(in.Rows); n == in.Load.Limit && l.stored > 0 && ordered {
		l.edge = l.orderOf(in.Rows[n-1].Rank, in.Rows[n-1].ID)
	}
	for _, t := range arrived {
		s.admit(t)
	}
	for l.len() > s.laneMax(l) { // what came before the edge during the load is in memory
		s.spill(l)
	}
	if l.class != nil && len(s.pauses) > 0 {
		s.sweepLane(l)
	}
	s.refill(l)
	l.weigh()
	l.retire()
}
