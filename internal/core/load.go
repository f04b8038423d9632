package core

import "github.com/adzehq/adze/internal/base/id"

// loads watches over the loads in flight. What a load brings was read some time
// ago: meanwhile a task may have come to memory, have ended, or have been stored
// again. The first is seen in Shard.tasks, the others are remembered here for as
// long as any load is in flight.
type loads struct {
	flying int
	gone   map[id.ID]departure
}

type departure uint8

const (
	closed departure = iota + 1 // it ended
	stored                      // it is in Postgres only, in a newer state than may have been read
)

func (l *loads) left(task id.ID, how departure) {
	if l.flying > 0 {
		l.gone[task] = how
	}
}

func (s *Shard) request(load Load) {
	if s.loads.flying == 0 {
		s.loads.gone = map[id.ID]departure{}
	}
	s.loads.flying++
	s.out.Loads = append(s.out.Loads, load)
}

func (s *Shard) loaded(in *Loaded) {
	switch in.Load.Kind {
	case LoadLane:
		s.loadedLane(in)
	case LoadDue:
		s.loadedDue(in)
	case LoadTasks:
		s.loadedTasks(in)
	}
	s.loads.flying--
	if s.loads.flying == 0 {
		s.loads.gone = nil
	}
}

// absent tells whether a row that was read is still in Postgres only.
func (s *Shard) absent(task id.ID) bool {
	_, here := s.tasks[task]
	_, gone := s.loads.gone[task]
	return !here && !gone
}

// revive brings a checkpoint row to memory; its place is the caller's to give.
func (s *Shard) revive(row *OpenTask) *task {
	t := s.pool.get()
	t.id, t.def = row.ID, s.definitions[row.Version]
	t.priority, t.attempt, t.failures = row.Priority, row.Attempt, row.Failures
	t.state, t.due, t.saved = row.State, row.Due, true
	s.remember(t, row.Key)
	return t
}
