package core

// share is what a key has had of a queue. Its tag is the virtual time up to which it
// was served: each task adds its cost over the key's weight. The share with the
// lowest tag is served next. One that had nothing to give for a while goes behind those
// that wait, as if it had been served just now: nobody saves up, and however many keys
// come anew, the others have their turns. With costs all alike that is round robin, and
// otherwise no key that waits falls behind another by more than one task of each
// (start-time fair queueing).
type share struct {
	queue *queue
	key   string
	standing
	lanes []*lane
	usage
	ready int // of them, those that have something to give
	// Its turn came while all that it has was in Postgres: it is next when that is here.
	missed bool
}

// tagOfTask is what a task adds to a tag at the default weight, or a millisecond of
// one in a queue that goes by cost.
const tagOfTask = 1 << 10

// standing is how far a share, or a tenancy, was served: who is behind is served next.
type standing struct {
	tag  int64
	turn uint64 // of those with the same tag, lower first
}

func (s standing) before(other standing) bool {
	return s.tag < other.tag || s.tag == other.tag && s.turn < other.turn
}

// share finds the share of a key, or makes it.
func (q *queue) share(key string) *share {
	sh := q.shares[key]
	if sh == nil {
		sh = &share{queue: q, key: key}
		q.shares[key] = sh
	}
	return sh
}

// weight is how much a key gets beside others, in thousandths.
func (sh *share) weight() int64 {
	if own, ok := sh.queue.of(sh.key); ok && own.Weight > 0 {
		return int64(own.Weight)
	}
	return WeightDefault
}

// begin has sh take part again.
func (sh *share) begin() {
	if sh.ready++; sh.ready == 1 {
		q := sh.queue
		start := q.level()
		if !sh.missed {
			start += sh.stretch(q.estimate(sh))
		}
		sh.tag, sh.missed = max(sh.tag, start), false
		q.turns++
		sh.turn = q.turns // its turn comes after all others
		sh.fix()          // those of its lanes that wait for units
		q.waiting++
	}
}

// cease is the inverse of begin.
func (sh *share) cease() {
	if sh.ready--; sh.ready == 0 {
		sh.queue.waiting--
	}
}

// charge counts for a task of sh, with what it will probably cost. What it has waited for
// a worker while others were served is not made up for.
func (q *queue) charge(sh *share, t *task) {
	q.virtual = max(q.virtual, sh.tag)
	sh.tag, sh.missed = q.virtual, false
	q.turns++
	sh.turn = q.turns
	t.charged = q.estimate(sh)
	sh.move(t.charged)
	if q.all().ByCost {
		sh.use(t)
	}
	q.forgetIdle()
	q.out.add(q.shard.now)
}

// move adds to the tag of sh, and finds the new places of its lanes.
func (sh *share) move(cost int64) {
	sh.tag += sh.stretch(cost)
	sh.fix()
}

// fix finds the places of its lanes again, wherever they wait.
func (sh *share) fix() {
	for _, l := range sh.lanes {
		if l.among != nil {
			l.among.fix(l)
		}
	}
}

// stretch is how far a cost moves the tag.
func (sh *share) stretch(cost int64) int64 { return cost * tagOfTask * WeightDefault / sh.weight() }

// restart has all keys start anew from where the queue is: what they have had was counted
// in other units, or by other weights.
func (q *queue) restart() {
	q.tariff++
	lines := map[*fairLine]bool{} // of classes, and of those that wait for units
	for _, sh := range q.shares {
		sh.tag, sh.usage = q.virtual, usage{}
		for _, l := range sh.lanes {
			if l.among != nil {
				lines[l.among] = true
			}
		}
	}
	for line := range lines {
		line.sort()
	}
}

// drop takes a lane of sh away that was forgotten. What sh has had beyond its share is
// remembered until the others have caught up.
func (sh *share) drop(l *lane) {
	for i, other := range sh.lanes {
		if other == l {
			sh.lanes = append(sh.lanes[:i], sh.lanes[i+1:]...)
			break
		}
	}
	if len(sh.lanes) > 0 {
		return
	}
	if q := sh.queue; sh.tag > q.virtual {
		q.idle = append(q.idle, sh)
	} else {
		delete(q.shares, sh.key)
	}
}

// forgetIdle forgets shares without lanes that the others have caught up with.
func (q *queue) forgetIdle() {
	for len(q.idle) > 0 {
		sh := q.idle[0]
		if len(sh.lanes) == 0 && sh.tag > q.virtual {
			return
		}
		if len(sh.lanes) == 0 && q.shares[sh.key] == sh {
			delete(q.shares, sh.key)
		}
		q.idle[0] = nil
		q.idle = q.idle[1:]
	}
}
