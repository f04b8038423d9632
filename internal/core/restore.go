package core

import "github.com/adzehq/adze/internal/base/id"

// restore takes over from what the owner before had committed.
func (s *Shard) restore(in *Restore) {
	s.epoch = in.Epoch
	s.ledger.low = in.LowWater
	for i := range in.Lanes {
		depth := &in.Lanes[i]
		if depth.Depth == 0 {
			continue
		}
		l := s.queue(depth.Tenant, depth.Queue).lane(depth.Key)
		l.stored, l.edge = depth.Depth, LaneStart
		l.enterRing()
	}
	s.delayed.stored = in.Delayed
	s.delayed.due = in.NextDue
	s.resumeInOrder(in.Runs, in.Fresh)
	s.restoreSchedules(in.Schedules)
	for i := range in.Running {
		s.resume(&in.Running[i])
	}
	for _, log := range in.Logs {
		if t := s.tasks[log.Task]; t != nil {
			t.entries = log.Entries
		}
	}
	s.resumeWaits(in.Waits)
	for _, c := range in.Closing {
		s.closing[c.Task] = c
		s.requestChildren(c)
	}
	for i := range in.Runs {
		if r := s.runs[in.Runs[i].ID]; r != nil && r.cancelled != "" {
			s.cancelOpen(r)
		}
	}
}

// resumeInOrder goes on with runs and fresh tasks by ascending id: a run comes before
// its tasks, and the ledger keeps its order.
func (s *Shard) resumeInOrder(runs []OpenRun, fresh []NewTask) {
	for len(runs)+len(fresh) > 0 {
		if len(fresh) == 0 || len(runs) > 0 && runs[0].ID < fresh[0].ID {
			s.resumeRun(&runs[0])
			runs = runs[1:]
			continue
		}
		s.enter(&fresh[0], 0)
		fresh = fresh[1:]
	}
}

// resume has a task go on that runs at a worker who is expected back.
func (s *Shard) resume(row *OpenTask) {
	t := s.revive(row)
	t.token, t.assigned, t.told = row.Token, row.Assigned, toldUnknown
	if t.cancelled = row.Cancel; t.cancelled != "" {
		t.stop = StopCancelled
	}
	w := s.expectedWorker(row.Worker, t.def.Tenant)
	w.push(t)
	w.used++
	s.startTimer(t)
}

func (s *Shard) expectedWorker(missing, tenant id.ID) *worker {
	w := s.workers[missing]
	if w == nil {
		w = &worker{id: missing, tenant: tenant}
		s.workers[w.id] = w
		s.expect(w, s.now+RecoveryGraceMS)
	}
	return w
}

// resumeWaits goes on waiting. What happened meanwhile to runs, and to events before a
// wait was there, has to be looked up again.
func (s *Shard) resumeWaits(rows []Wait) {
	opened := make([]*wait, len(rows))
	for i := range rows {
		opened[i] = s.openWait(&rows[i])
		if t := s.tasks[rows[i].Task]; t != nil && rows[i].Index == 0 && t.state != OpenWaiting {
			s.unplace(t) // of a graph, and not begun
			s.park(t)
		}
	}
	s.lookBack(opened...)
}
