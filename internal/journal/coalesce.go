package journal

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// change is what a batch makes of a row that can be written more than once: the row, or
// nil for none.
type change[Key, Row any] struct {
	key Key
	row *Row
}

// changes are those of one table, in the order of the entries.
type changes[Key, Row any] []change[Key, Row]

func (c *changes[Key, Row]) put(key Key, row *Row) { *c = append(*c, change[Key, Row]{key, row}) }
func (c *changes[Key, Row]) drop(key Key)          { *c = append(*c, change[Key, Row]{key, nil}) }

// write hands over what the batch leaves of each row, keys ascending, and forgets it.
// A row that is dropped is dropped even if it was new: an earlier batch may have
// written it.
func (c *changes[Key, Row]) write(compare func(a, b Key) int, put func(*Row), drop func(Key)) {
	for _, last := range coalesce(*c, compare) {
		if last.row != nil {
			put(last.row)
		} else {
			drop(last.key)
		}
	}
	clear(*c) // lets go of the effects
	*c = (*c)[:0]
}

// coalesce keeps the last of each key, keys ascending, in the room of all.
func coalesce[Key, Row any](all []change[Key, Row], compare func(a, b Key) int) []change[Key, Row] {
	slices.SortStableFunc(all, func(a, b change[Key, Row]) int { return compare(a.key, b.key) })
	last := all[:0]
	for i, p := range all {
		if i+1 == len(all) || compare(all[i+1].key, p.key) != 0 {
			last = append(last, p)
		}
	}
	return last
}

// valueKey names a durable_value row; the name is as it is stored.
type valueKey struct {
	task id.ID
	name string
}

func compareValues(a, b valueKey) int {
	return cmp.Or(cmp.Compare(a.task, b.task), cmp.Compare(a.name, b.name))
}

// cleanRate is the name as it is stored.
func cleanRate(r core.RateName) core.RateName {
	return core.RateName{Tenant: r.Tenant, Name: bulk.Clean(r.Name), Key: bulk.Clean(r.Key)}
}

func compareWaits(a, b core.WaitKey) int {
	return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Index, b.Index))
}

// states are the changes of the tables whose rows come and go, or change.
type states struct {
	open     changes[id.ID, core.OpenTask]
	due      changes[id.ID, core.DueChange] // of rows that open does not write later
	openRuns changes[id.ID, core.OpenRun]
	waits    changes[core.WaitKey, core.Wait]
	closing  changes[id.ID, core.Closing]

	schedules      changes[id.ID, core.Schedule]
	scheduleStates changes[id.ID, core.ScheduleState]

	onceKeys changes[id.ID, core.OnceKey] // by run

	values changes[valueKey, core.Value]

	settings changes[core.SettingKey, shardSetting]
	absences changes[id.ID, core.Absence]
	paused   changes[id.ID, core.PausedWorker]
	rates    changes[core.RateName, shardRate] // by their names as they are stored
}

// shardSetting is a setting with the shard of its tenant.
type shardSetting struct {
	shard int32
	*core.Setting
}

// shardRate is the state of a rate limit with the shard of its tenant.
type shardRate struct {
	shard int32
	*core.RateState
}

// note lists what e makes of the rows.
func (s *states) note(shard int32, e *core.Effects) {
	for i := range e.Open {
		s.open.put(e.Open[i].ID, &e.Open[i])
		s.settleDue(e.Open[i].ID)
	}
	for _, closed := range e.Closed {
		s.open.drop(closed)
		s.settleDue(closed)
	}
	for i := range e.Due {
		s.due.put(e.Due[i].Task, &e.Due[i])
	}
	for i := range e.OpenRuns {
		s.openRuns.put(e.OpenRuns[i].ID, &e.OpenRuns[i])
	}
	for _, closed := range e.ClosedRuns {
		s.openRuns.drop(closed)
	}
	for i := range e.Waits {
		s.waits.put(core.WaitKey{Task: e.Waits[i].Task, Index: e.Waits[i].Index}, &e.Waits[i])
	}
	for _, closed := range e.ClosedWaits {
		s.waits.drop(closed)
	}
	for i := range e.Closing {
		s.closing.put(e.Closing[i].Task, &e.Closing[i])
	}
	for _, closed := range e.ClosedChildren {
		s.closing.drop(closed)
	}
	for i := range e.Values {
		s.values.put(valueKey{e.Values[i].Task, bulk.Clean(e.Values[i].Name)}, &e.Values[i])
	}
	s.noteSchedules(e)
	for i := range e.OnceKeys {
		s.onceKeys.put(e.OnceKeys[i].Run, &e.OnceKeys[i])
	}
	for _, closed := range e.ClosedOnceKeys {
		s.onceKeys.drop(closed)
	}
	for i := range e.Settings {
		s.settings.put(e.Settings[i].ID(), &shardSetting{shard, &e.Settings[i]})
	}
	for i := range e.Rates {
		s.rates.put(cleanRate(e.Rates[i].RateName), &shardRate{shard, &e.Rates[i]})
	}
	for _, closed := range e.ClosedRates {
		s.rates.drop(cleanRate(closed))
	}
	for i := range e.Paused {
		s.paused.put(e.Paused[i].Worker, &e.Paused[i])
	}
	for i := range e.Absent {
		s.absences.put(e.Absent[i].Worker, &e.Absent[i])
	}
}

func (s *states) noteSchedules(e *core.Effects) {
	for i := range e.Schedules {
		s.schedules.put(e.Schedules[i].ID, &e.Schedules[i])
	}
	for i := range e.ScheduleStates {
		s.scheduleStates.put(e.ScheduleStates[i].ID, &e.ScheduleStates[i])
	}
	for _, closed := range e.ClosedSchedules {
		s.schedules.drop(closed)
		s.scheduleStates.drop(closed)
	}
}

// settleDue forgets a due time that was moved before the whole row is written, or goes.
func (s *states) settleDue(task id.ID) {
	if len(s.due) > 0 {
		s.due.drop(task)
	}
}

// addStates encodes what the batch leaves of the rows.
func (c *columns) addStates() {
	s := &c.states
	s.open.write(cmp.Compare, c.open.Add, c.closed.Add)
	s.due.write(cmp.Compare, c.due.Add, func(id.ID) {})
	s.openRuns.write(cmp.Compare, c.openRuns.Add, c.closedRuns.Add)
	s.waits.write(compareWaits, c.waits.Add, c.closedWaits.Add)
	s.closing.write(cmp.Compare, c.closing.Add, c.closedChildren.Add)
	s.values.write(compareValues, c.values.Add, func(valueKey) {})
	s.schedules.write(cmp.Compare, c.schedules.Add, c.schedules.Close)
	s.scheduleStates.write(cmp.Compare, c.schedules.AddState, func(id.ID) {}) // Close deletes both rows
	s.onceKeys.write(cmp.Compare, c.onceKeys.Add, c.onceKeys.Close)
	s.settings.write(core.SettingKey.Compare, func(row *shardSetting) { c.settings.Add(row.shard, row.Setting) }, func(core.SettingKey) {})
	s.rates.write(core.RateName.Compare, func(row *shardRate) { c.rates.Add(row.shard, row.RateState) }, c.rates.Close)
	s.paused.write(cmp.Compare, c.paused.Add, func(id.ID) {})
	s.absences.write(cmp.Compare, func(row *core.Absence) { c.left.Add(row.Worker, row.Since) }, func(id.ID) {})
}
