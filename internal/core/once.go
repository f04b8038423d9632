package core

import (
	"cmp"

	"github.com/adzehq/adze/internal/base/id"
)

// onceKeys are the once keys of a shard. Each that is held has a row from the commit of
// its run on; the newest are in memory, the others in Postgres only. While some are, a
// key that is not in memory may be held: it has to be loaded before a run that wants it
// comes (Missing, Recall).
type onceKeys struct {
	max    int // OnceKeysMax; smaller in simulations
	of     map[onceName]*onceKey
	byRun  map[id.ID]*onceKey
	first  *onceKey         // the oldest in memory, the next to leave it
	last   *onceKey         // the newest
	ending agenda[*onceKey] // those with Until

	// replaced are runs that were in Postgres only when they lost their key: they are being
	// cancelled, for this reason.
	replaced map[id.ID]string

	stored  int64 // keys in Postgres only
	due     Time  // none of these is free before; 0 = none ever
	loading bool  // a due load is on its way
	between Time  // the earliest that was left to Postgres meanwhile

	sweep   []id.ID // runs that ended and may have held one of these
	sweepAt Time    // when they are looked up; 0 = there are none

	// What a load brings was read some time ago. What has happened since is kept for as
	// long as any is in flight.
	flying int
	moved  map[onceName]uint64 // by the Apply
	news   map[id.ID]onceNews  // of runs
}

type onceName struct {
	tenant id.ID
	key    string
}

type onceNews struct{ begun, ended bool }

// onceKey is a key in memory: held, or with no Run known to be free.
type onceKey struct {
	OnceKey
	older, newer *onceKey
	seat         int // in onceKeys.ending; -1 = not there
}

func newOnceKeys() onceKeys {
	return onceKeys{
		max: OnceKeysMax,
		of:  map[onceName]*onceKey{}, byRun: map[id.ID]*onceKey{}, replaced: map[id.ID]string{},
	}
}

func (k *onceKey) name() onceName { return onceName{k.Tenant, k.Key} }

// Missing are those of a tenant's keys of which the shard does not know whether they are
// held: a run that wants one must wait for a Recall.
func (s *Shard) Missing(tenant id.ID, keys []string) (missing []string) {
	if s.once.stored == 0 {
		return nil
	}
	for _, key := range keys {
		if s.once.of[onceName{tenant, key}] == nil {
			missing = append(missing, key)
		}
	}
	return missing
}

// submitOnce is submit of runs some of which have keys. What came of each of these is
// told as it is decided: AnswerDone, or why it was not started with who holds the key.
func (s *Shard) submitOnce(in *Submit, told func(key *NewOnceKey, kind AnswerKind, run id.ID)) {
	tasks, runs, keys := in.Tasks, in.Runs, in.Once
	for len(tasks)+len(runs) > 0 {
		graph := len(tasks) == 0 || len(runs) > 0 && runs[0].Task.ID < tasks[0].ID
		var run NewRun
		if graph {
			run, runs = runs[0], runs[1:]
		} else {
			run.Task, tasks = tasks[0], tasks[1:]
		}
		if len(keys) > 0 && keys[0].Run == run.Task.ID {
			kind, holder := s.take(&keys[0], &run.Task)
			told(&keys[0], kind, holder)
			if keys = keys[1:]; kind != AnswerDone {
				continue
			}
		}
		s.startRun(&run, graph)
	}
}

func (s *Shard) answerOnce(ref uint64, key *NewOnceKey, kind AnswerKind, run id.ID) {
	if ref != 0 {
		s.out.Answers = append(s.out.Answers, Answer{Ref: ref, Task: run, Kind: kind, Item: key.Item})
	}
}

// startRun opens a new run, of a graph or of one task.
func (s *Shard) startRun(run *NewRun, graph bool) {
	if graph {
		s.start(run)
		return
	}
	s.out.Tasks = append(s.out.Tasks, run.Task)
	s.enter(&run.Task, s.seq, 0)
}

// take has a new run hold its key, if it may; else it tells who does.
func (s *Shard) take(want *NewOnceKey, row *NewTask) (AnswerKind, id.ID) {
	want = s.ruled(want, row.Tenant)
	k := s.once.of[onceName{row.Tenant, want.Key}]
	if k != nil && (k.Run == 0 || k.Until != 0 && k.Until <= s.now) {
		s.freeOnce(k)
		k = nil
	}
	fresh := OnceKey{Run: row.ID, Tenant: row.Tenant, Key: want.Key, Hold: want.Hold, First: s.now}
	switch {
	case k == nil:
	case want.Hold == OnceQuiet && k.Hold == OnceQuiet:
		fresh.First = k.First
		s.replace(k, row.ID)
	case want.Taken == OnceReplace && !k.Begun && !k.Ended:
		s.replace(k, row.ID)
	case want.Taken == OnceExisting:
		return AnswerExists, k.Run
	default:
		return AnswerHeld, k.Run
	}
	fresh.Until = fresh.until(want, s.now)
	if fresh.Hold == OnceQuiet {
		row.RunAt = fresh.Until
	} else {
		fresh.First = 0
	}
	s.out.OnceKeys = append(s.out.OnceKeys, fresh)
	s.rememberOnce(&fresh)
	return AnswerDone, row.ID
}

// until is when a key is free that is taken now.
func (k *OnceKey) until(want *NewOnceKey, now Time) Time {
	if want.TTLMS == 0 {
		return 0
	}
	until := now + Time(want.TTLMS)
	if want.Hold == OnceQuiet && want.MaxDelayMS > 0 {
		until = min(until, k.First+Time(want.MaxDelayMS))
	}
	return until
}

// replace cancels the run that holds k, which another one takes over. One that is in
// Postgres only is cancelled a moment later: a row says so until it is.
func (s *Shard) replace(k *onceKey, by id.ID) {
	s.forgetOnce(k)
	text := replacedText(k.Hold, by)
	if s.cancelHere(k.Tenant, k.Run, 0, text, false) {
		s.out.ClosedOnceKeys = append(s.out.ClosedOnceKeys, k.Run)
		return
	}
	s.once.replaced[k.Run] = text
	s.out.OnceKeys = append(s.out.OnceKeys, OnceKey{Run: k.Run, Tenant: k.Tenant, Hold: k.Hold, By: by})
	s.request(Load{Kind: LoadTasks, Tenant: k.Tenant, Tasks: []id.ID{k.Run}, Text: text})
}

// replacedText is why a run is cancelled that another one has taken the place of.
func replacedText(hold OnceHold, by id.ID) string {
	if hold == OnceQuiet {
		return "superseded by " + by.String()
	}
	return "replaced by " + by.String()
}

// replacedRow is why a task that was read must end here and not go on; empty if it may.
func (s *Shard) replacedRow(row *OpenTask) string {
	return s.once.replaced[cmp.Or(row.Run, row.ID)]
}

// cancelReplacedRuns has runs of graphs that were read end, and not go on.
func (s *Shard) cancelReplacedRuns(rows []OpenRun) {
	for i := range rows {
		r, text := s.runs[rows[i].ID], s.once.replaced[rows[i].ID]
		if r != nil && text != "" {
			s.cancelRun(r, 0, text)
		}
	}
}

// onceBegan notes that a worker is given a task of a run: it is not replaced any more.
func (s *Shard) onceBegan(t *task) {
	if len(s.once.byRun)+s.once.flying == 0 {
		return
	}
	run := cmp.Or(t.runID(), t.id)
	if k := s.once.byRun[run]; k != nil {
		k.Begun = true
	}
	if s.once.flying > 0 {
		s.once.news[run] = onceNews{begun: true}
	}
}

// onceEnded frees what a run that ended was holding until then.
func (s *Shard) onceEnded(run id.ID) {
	o := &s.once
	if len(o.byRun)+len(o.replaced)+o.flying == 0 && o.stored == 0 {
		return
	}
	if k := o.byRun[run]; k != nil {
		if k.Ended = true; k.Hold != OnceTTL {
			s.freeOnce(k)
		}
	} else if o.stored > 0 && len(o.sweep) < onceSweepMax {
		o.sweep = append(o.sweep, run)
		o.sweepAt = cmp.Or(o.sweepAt, s.now+onceSweepMS)
	}
	if _, ending := s.once.replaced[run]; ending {
		delete(s.once.replaced, run)
		s.out.ClosedOnceKeys = append(s.out.ClosedOnceKeys, run)
	}
	if s.once.flying > 0 {
		s.once.news[run] = onceNews{begun: true, ended: true}
	}
}

// freeOnce has k held by nobody.
func (s *Shard) freeOnce(k *onceKey) {
	s.forgetOnce(k)
	if k.Run != 0 {
		s.out.ClosedOnceKeys = append(s.out.ClosedOnceKeys, k.Run)
	}
}

func (t *task) begun() bool { return t.state == OpenRunning || t.attempt > 1 || t.entries > 0 }

// HeldWarning is what an event says of a run that it did not start.
func HeldWarning(key string, by id.ID) string { return "a run was not started: " + heldText(key, by) }

// heldText is why a run was refused, for people.
func heldText(key string, run id.ID) string {
	return "run " + run.String() + " holds the key " + key
}

// KeepOnce has the shard keep so few once keys in memory, so that a simulation reaches its
// bound with few runs. An input that wants more keys than that is never free of Missing.
func (s *Shard) KeepOnce(keys int) { s.once.max = keys }
