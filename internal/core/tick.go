package core

// tick lets time pass.
func (s *Shard) tick() {
	s.buryOverdue()
	for t := s.timers.first(); t != nil && t.due <= s.now; t = s.timers.first() {
		s.expire(t)
	}
	s.wake()
	s.fill()
	s.ripenBatches()
	s.expirePauses()
	s.expireOnce()
	s.ripen() // behind all that ends runs: a schedule may have waited for one of them
	s.checkpoint()
}

// expire acts on a task whose due time has come.
func (s *Shard) expire(t *task) {
	switch {
	case t.state == OpenReady:
		s.finish(t, Cancelled, scheduleTimeoutText(t.def), nil)
	case t.stop == 0:
		s.stopRunning(t, StopTimedOut)
	case t.stop == StopCancelled:
		s.abandon(t)
		s.finish(t, Cancelled, t.cancelled, nil)
	default:
		s.abandon(t)
		s.timedOut(t)
	}
}

// NextDue is when the next Tick is needed; 0 = not before another input.
func (s *Shard) NextDue() Time {
	var next Time
	if len(s.eager) > 0 { // limits have more to cancel
		return s.now
	}
	sooner := func(at Time) {
		if at > 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if t := s.timers.first(); t != nil {
		sooner(t.due)
	}
	if t := s.delayed.first(); t != nil {
		sooner(t.due)
	}
	if !s.delayed.loading {
		sooner(s.delayed.due)
	}
	for _, w := range s.away {
		sooner(w.until)
	}
	for _, p := range s.pauses {
		sooner(p.next())
	}
	if c := s.schedules.first(); c != nil {
		sooner(c.at)
	}
	if len(s.filling) > 0 {
		sooner(s.filling[0].due)
	}
	sooner(s.once.next())
	sooner(s.ledger.next)
	sooner(s.ripens)
	return next
}
