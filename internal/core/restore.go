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
	for i := range in.Running {
		s.resume(&in.Running[i])
	}
	for i := range in.Fresh {
		s.enter(&in.Fresh[i], 0)
	}
}

// resume has a task go on that runs at a worker who is expected back.
func (s *Shard) resume(row *OpenTask) {
	t := s.revive(row)
	t.token, t.assigned = row.Token, row.Assigned
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
