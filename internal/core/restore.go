package core

import "github.com/adzehq/adze/internal/base/id"

// restore takes over from what the owner before had committed.
func (s *Shard) restore(in *Restore) {
	s.epoch = in.Epoch
	s.ledger.low = in.LowWater
	for i := range in.Settings {
		s.apply(&in.Settings[i])
	}
	s.lend()
	s.restoreRates(in.Rates)
	for _, w := range in.Workers {
		expected := s.expectedWorker(w.Worker, w.Tenant)
		expected.paused = w.Paused
		s.awaitWorker(expected)
	}
	for i := range in.Lanes {
		depth := &in.Lanes[i]
		if depth.Depth == 0 {
			continue
		}
		l := s.lane(depth.Tenant, depth.Queue, depth.Key)
		l.hold(depth.Depth)
		l.edge = LaneStart
		l.place.offer(l)
	}
	s.delayed.stored = in.Delayed
	s.delayed.due = in.NextDue
	waits := s.openWaits(in.Waits) // before their tasks: some of these go to Postgres at once, with a row that counts them
	logs := make(map[id.ID]int32, len(in.Logs))
	for _, log := range in.Logs {
		logs[log.Task] = log.Entries
	}
	s.restoreSchedules(in.Schedules) // as the keys: before their runs, some of which end at once
	s.restoreOnce(in)
	s.resumeInOrder(in, logs)
	for _, r := range in.Runs {
		if run := s.runs[r.ID]; run != nil {
			s.holds(run.id, run.graph.Tenant, run.graph.Limits, run.flow, run.passed)
		}
	}
	for i := range in.Holding {
		s.holdsRow(&in.Holding[i])
	}
	for i := range in.Running {
		s.resume(&in.Running[i], logs)
	}
	s.resumeWaits(waits)
	for _, c := range in.Closing {
		s.closing[c.Task] = c
		s.requestChildren(c)
	}
	for i := range in.Runs {
		if r := s.runs[in.Runs[i].ID]; r != nil && r.cancelled != "" {
			s.cancelOpen(r)
		}
		s.resting = append(s.resting, in.Runs[i].ID)
	}
}

// resumeInOrder goes on with runs and fresh tasks by ascending id: a run comes before
// its tasks, and the ledger keeps its order.
func (s *Shard) resumeInOrder(in *Restore, logs map[id.ID]int32) {
	runs, fresh := in.Runs, in.Fresh
	begun := begunRuns(in)
	for len(runs)+len(fresh) > 0 {
		if len(fresh) == 0 || len(runs) > 0 && runs[0].ID < fresh[0].ID {
			if r := runs[0]; s.hasBegun(&r, begun) {
				if !r.Saved && !r.Flow.doomed() { // one that is doomed begins without
					r.Passed = int32(len(s.graphs[r.Version].Limits))
				}
				s.resumeRun(&r)
			} else {
				s.reissue(&r)
			}
			runs = runs[1:]
			continue
		}
		s.enter(&fresh[0], 0, logs[fresh[0].ID])
		fresh = fresh[1:]
	}
}

// begunRuns are those of which there is a task: they had their places.
func begunRuns(in *Restore) map[id.ID]bool {
	begun := map[id.ID]bool{}
	for i := range in.Fresh {
		begun[in.Fresh[i].Run] = true
	}
	for i := range in.Running {
		begun[in.Running[i].Run] = true
	}
	return begun
}

// holdsRow gives what is in Postgres the places again that it had.
func (s *Shard) holdsRow(row *OpenTask) {
	def := s.definition(row.Version, row.Run, row.Node)
	s.holds(row.ID, def.Tenant, def.Limits, row.Flow, row.Passed)
}

// resume has a task go on that runs at a worker who is expected back.
func (s *Shard) resume(row *OpenTask, logs map[id.ID]int32) {
	t := s.revive(row)
	t.entries = logs[t.id]
	s.engage(t)
	t.token, t.assigned, t.told = row.Token, row.Assigned, toldUnknown
	if t.cancelled = row.Cancel; t.cancelled != "" {
		t.stop = StopCancelled
	}
	w := s.expectedWorker(row.Worker, t.def.Tenant)
	s.holdsRow(row)
	t.batch = w.batchOf(row.Batch)
	t.tenancy = w.tenancy(t.def.Tenant)
	w.push(t)
	w.hold(t.grip())
	t.joinBatch()
	s.startTimer(t)
}

// awaitWorker has limits wait until w is back, or given up.
func (s *Shard) awaitWorker(w *worker) {
	if !w.awaited {
		w.awaited = true
		s.expected[w.tenant]++
	}
}

func (s *Shard) expectedWorker(missing, tenant id.ID) *worker {
	w := s.workers[missing]
	if w == nil {
		w = &worker{id: missing, tenant: tenant, crew: s.crews[tenant]}
		s.workers[w.id] = w
		s.expect(w, s.now+RecoveryGraceMS)
	}
	return w
}

func (s *Shard) openWaits(rows []Wait) []*wait {
	opened := make([]*wait, len(rows))
	for i := range rows {
		opened[i] = s.openWait(&rows[i])
	}
	return opened
}

// resumeWaits goes on waiting. What happened meanwhile to runs, and to events before a
// wait was there, has to be looked up again.
func (s *Shard) resumeWaits(opened []*wait) {
	for _, w := range opened {
		switch t := s.tasks[w.Task]; {
		case t == nil: // it is in Postgres, its times with it
			s.rest(w.Task)
		case w.Index == 0 && t.state != OpenWaiting: // of a graph, and not begun
			s.unplace(t)
			s.park(t)
		}
	}
	s.lookBack(opened...)
}
