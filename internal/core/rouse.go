package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// park has t wait for what its waits say, with a row in the same commit: what wakes
// it may do so when it is in Postgres only.
func (s *Shard) park(t *task) {
	t.state, t.due, t.counted = OpenWaiting, s.nextSleep(t), true
	s.moveTo(t, nil)
	s.changed(t)
	s.postpone(t)
}

// rouse looks at what t waits for, whose time has come. It has left the line of the
// delayed. One that was loaded may be due because a wait of it was fulfilled: a
// durable task goes on, and waits again if there is more.
func (s *Shard) rouse(t *task, wasLoaded bool) {
	task := t.id
	for _, w := range slices.Clone(s.waits.of[task]) {
		s.endSleeps(w)
	}
	switch {
	case s.tasks[task] != t || t.state != OpenWaiting:
	case len(s.waits.of[task]) == 0 || wasLoaded && s.waits.of[task][0].Index > 0:
		s.goOn(t)
	default:
		s.park(t)
	}
}

// rest lets go of the waits of a task that goes to Postgres, but for those that
// something in memory has to find.
func (s *Shard) rest(task id.ID) {
	for _, w := range slices.Clone(s.waits.of[task]) {
		if w.timed() {
			s.dropWait(w)
		}
	}
}

// recall brings the waits of a row that was loaded to memory, but for those that are
// there, or are over since they were read.
func (s *Shard) recall(in *Loaded, task id.ID) {
	rows := in.Waits
	at, _ := slices.BinarySearchFunc(rows, task, func(w Wait, task id.ID) int { return cmp.Compare(w.Task, task) })
	for ; at < len(rows) && rows[at].Task == task; at++ {
		key := WaitKey{task, rows[at].Index}
		if s.waits.find(key) == nil && s.loads.over[key] <= in.Load.Seq {
			s.openWait(&rows[at])
		}
	}
}
