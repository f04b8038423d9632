package core

// rememberOnce keeps a key in memory.
func (s *Shard) rememberOnce(row *OnceKey) {
	o := &s.once
	k := &onceKey{OnceKey: *row, seat: -1, older: o.last}
	if o.last == nil {
		o.first = k
	} else {
		o.last.newer = k
	}
	o.last = k
	o.of[k.name()] = k
	if k.Run != 0 {
		o.byRun[k.Run] = k
	}
	if k.Until != 0 {
		o.ending.add(k)
	}
	o.touch(k.name(), s.seq)
}

// trimOnce leaves the oldest keys to their rows that are beyond what is kept in memory. It
// ends an Apply: within one, what was not Missing stays.
func (s *Shard) trimOnce() {
	for o := &s.once; len(o.of) > o.max; {
		s.storeOnce(o.first)
	}
}

// storeOnce leaves k to its row, if it has one.
func (s *Shard) storeOnce(k *onceKey) {
	s.forgetOnce(k)
	if k.Run != 0 {
		s.once.stored++
		s.once.awaits(k.Until)
	}
}

// awaits notes when a key that is in Postgres only is free.
func (o *onceKeys) awaits(until Time) {
	if until == 0 {
		return
	}
	if o.due == 0 || until < o.due {
		o.due = until
	}
	if o.loading && (o.between == 0 || until < o.between) {
		o.between = until
	}
}

// forgetOnce takes k out of memory.
func (s *Shard) forgetOnce(k *onceKey) {
	o := &s.once
	if k.older == nil {
		o.first = k.newer
	} else {
		k.older.newer = k.newer
	}
	if k.newer == nil {
		o.last = k.older
	} else {
		k.newer.older = k.older
	}
	delete(o.of, k.name())
	delete(o.byRun, k.Run)
	if k.seat >= 0 {
		o.ending.remove(k)
		k.seat = -1
	}
	o.touch(k.name(), s.seq)
}

// touch notes that what was read of a key before is too old.
func (o *onceKeys) touch(name onceName, seq uint64) {
	if o.flying > 0 {
		o.moved[name] = seq
	}
}

// expireOnce frees the keys whose time is over, and has those looked for in Postgres.
func (s *Shard) expireOnce() {
	o := &s.once
	for range onceExpireMax {
		k := o.ending.first()
		if k == nil || k.Until > s.now {
			break
		}
		s.freeOnce(k)
	}
	if o.stored > 0 && !o.loading && o.due > 0 && o.due <= s.now {
		o.loading, o.between = true, 0
		s.requestOnce(Load{Kind: LoadOnceDue, Until: s.now, Limit: s.window})
	}
	if o.sweepAt > 0 && o.sweepAt <= s.now {
		s.requestOnce(Load{Kind: LoadOnceEnded, Tasks: o.sweep})
		o.sweep, o.sweepAt = nil, 0
	}
}

// next is when the next key is free, or looked up; 0 = none by time.
func (o *onceKeys) next() Time {
	var next Time
	if k := o.ending.first(); k != nil {
		next = k.Until
	}
	if o.stored > 0 && !o.loading && o.due > 0 && (next == 0 || o.due < next) {
		next = o.due
	}
	if o.sweepAt > 0 && (next == 0 || o.sweepAt < next) {
		next = o.sweepAt
	}
	return next
}

// before implements due.
func (k *onceKey) before(other *onceKey) bool {
	return k.Until < other.Until || k.Until == other.Until && (k.Run < other.Run || k.Run == other.Run && k.Key < other.Key)
}

// place implements due.
func (k *onceKey) place() *int { return &k.seat }
