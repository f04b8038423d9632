package shard

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Repeat is a run to be replayed of which there is to be one replay, whoever else asks for
// one at the same moment.
type Repeat struct {
	Run id.ID
	// Tasks are of a run of a graph: these run again, and all that follow from them. Those of
	// the others that succeeded keep their outputs. None = all run again. Durable ones go on
	// from their logs. All that if the workflow is unchanged; else the whole run begins anew.
	Tasks []id.ID
	Log   bool         // of a run of a durable task: it goes on from its log, as with Fork
	More  []core.Entry // with Log, or of the one of Tasks: entries that follow, of which Kind, Name and Data count
}

// repeatsMax is how many replays a generation of repeats holds.
const repeatsMax = latestMax / 2

// repeats are the replays that this owner let pass, by the run that each repeats. It is the
// loop's, which decides by it who was first; others learn of a replay once it is committed,
// see latest.
type repeats struct {
	generations [2]map[id.ID]repeated // the newer first
	newest      id.ID                 // replay
	since       id.ID                 // of runs above it, all replays are in generations
	forgotten   atomic.Int64          // how often a generation was let go
}

// repeated is a replay: of the whole run, or of these tasks.
type repeated struct {
	by    id.ID
	whole bool
	tasks []id.ID
}

// note adds a replay.
func (s *repeats) note(run id.ID, replay repeated) {
	if s.generations[0] == nil || len(s.generations[0]) >= repeatsMax {
		if s.generations[1] != nil {
			s.since = max(s.since, s.newest) // a replay is younger than its run
			s.forgotten.Add(1)
		}
		s.generations[0], s.generations[1] = map[id.ID]repeated{}, s.generations[0]
	}
	s.generations[0][run] = replay
	s.newest = max(s.newest, replay.by)
}

func (s *repeats) find(run id.ID) repeated {
	if found, there := s.generations[0][run]; there {
		return found
	}
	return s.generations[1][run]
}

// earlier are the replays that Postgres knew of when that was asked.
type earlier struct {
	of        map[id.ID]id.ID
	forgotten int64 // as repeats.forgotten before that
}

func (r *Runtime) earlierReplays(ctx context.Context, runs []id.ID) (*earlier, error) {
	known := &earlier{forgotten: r.repeats.forgotten.Load()}
	var err error
	known.of, err = r.config.Store.Replayed(ctx, runs)
	return known, err
}

// taken is the replay that there is of a run, if there is one; stale tells that it has to be
// looked up again.
func (s *repeats) taken(run id.ID, known *earlier) (_ repeated, there, stale bool) {
	if found := s.find(run); found.by != 0 {
		return found, true, false
	}
	if run > s.since {
		return repeated{}, false, false
	}
	by := known.of[run]
	return repeated{by: by}, by != 0, by == 0 && known.forgotten != s.forgotten.Load()
}

// covers tells whether a replay does all that another one would do.
func (p *repeated) covers(wanted *Repeat) bool {
	switch {
	case len(wanted.More) > 0:
		return false
	case p.whole:
		return true
	case len(wanted.Tasks) == 0:
		return false
	}
	return !slices.ContainsFunc(wanted.Tasks, func(t id.ID) bool { return !slices.Contains(p.tasks, t) })
}

// Repeat implements Client.
func (r *Runtime) Repeat(ctx context.Context, tenant id.ID, wanted []Repeat) ([]id.ID, error) {
	answers := make([]id.ID, len(wanted))
	runs := make([]id.ID, len(wanted))
	for i := range wanted {
		runs[i] = wanted[i].Run
	}
	for again := true; again; {
		known, err := r.earlierReplays(ctx, runs)
		if err != nil {
			return nil, err
		}
		if again, err = r.repeat(ctx, tenant, wanted, known, answers); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// repeat answers for what is wanted and has no answer yet; stale tells that it could not for
// all.
func (r *Runtime) repeat(ctx context.Context, tenant id.ID, wanted []Repeat, known *earlier, answers []id.ID) (stale bool, err error) {
	var plain []int
	for i := range wanted {
		switch {
		case answers[i] != 0:
		case !wanted[i].Log:
			plain = append(plain, i)
		default:
			again, err := r.repeatLog(ctx, tenant, &wanted[i], known, &answers[i])
			if err != nil {
				return false, err
			}
			stale = stale || again
		}
	}
	if len(plain) == 0 {
		return stale, nil
	}
	again, err := r.repeatPlain(ctx, tenant, wanted, plain, known, answers)
	return stale || again, err
}

// repeatPlain is repeat of those without a log, in one transaction.
func (r *Runtime) repeatPlain(
	ctx context.Context, tenant id.ID, wanted []Repeat, plain []int, known *earlier, answers []id.ID,
) (stale bool, err error) {
	rows, err := r.repeatRows(ctx, tenant, wanted, plain)
	if err != nil {
		return false, err
	}
	input, turn := &core.Submit{}, &turn{found: make([]id.ID, len(rows))}
	m := message{input: input, bytes: bytesOf(rows), prepare: func(now core.Time) {
		var first []submission
		var places []int
		for at, i := range plain {
			if r.mayRepeat(&wanted[i], known, turn, at) {
				first, places = append(first, rows[at]), append(places, at)
			}
		}
		ids := make([]id.ID, len(first))
		r.enumerate(input, first, ids, now)
		for i, at := range places {
			turn.found[at] = ids[i]
		}
	}}
	if err := r.commit(ctx, tenant, m, WaitForRoom); err != nil {
		return false, err
	}
	for at, i := range plain {
		answers[i] = turn.found[at]
		r.noteRepeat(wanted[i].Run, answers[i])
	}
	return turn.stale, nil
}

// turn is what the loop found of some repeats. It is its own until they are committed.
type turn struct {
	found []id.ID // the replays; 0 = there is none that does what is wanted
	stale bool    // of some it was not known
}

// mayRepeat tells whether what is wanted is to be submitted, or takes down what is there
// instead. It is the loop's.
func (r *Runtime) mayRepeat(wanted *Repeat, known *earlier, turn *turn, at int) bool {
	there, taken, stale := r.repeats.taken(wanted.Run, known)
	turn.stale = turn.stale || stale
	if taken && there.covers(wanted) {
		turn.found[at] = there.by
	}
	return !taken && !stale
}

// noteRepeat notes a replay that is committed: who asked for it and was not first may know
// of it before who was.
func (r *Runtime) noteRepeat(run, replay id.ID) {
	if replay != 0 {
		r.latest.note(run, replay)
	}
}

// repeatRows are the new runs, in the order of plain.
func (r *Runtime) repeatRows(ctx context.Context, tenant id.ID, wanted []Repeat, plain []int) ([]submission, error) {
	runs := make([]id.ID, len(plain))
	for at, i := range plain {
		runs[at] = wanted[i].Run
	}
	stored, err := r.endedRuns(ctx, tenant, runs)
	if err != nil {
		return nil, err
	}
	rows := make([]submission, len(plain))
	for at, i := range plain {
		keep := keepNone
		if len(wanted[i].Tasks) > 0 {
			keep = keepBut(wanted[i].Run, wanted[i].Tasks)
		}
		if rows[at], err = r.again(ctx, stored[runs[at]], keep); err != nil {
			return nil, fault.At(fmt.Sprintf("runs[%d]", i), err)
		}
		rows[at].tasks = wanted[i].Tasks
		if rows[at].logs, err = r.nodeLogs(ctx, stored[runs[at]], &rows[at], &wanted[i]); err != nil {
			return nil, fault.At(fmt.Sprintf("runs[%d]", i), err)
		}
	}
	return rows, nil
}

// repeatLog is repeat of one with a log.
func (r *Runtime) repeatLog(ctx context.Context, tenant id.ID, wanted *Repeat, known *earlier, answer *id.ID) (stale bool, err error) {
	fork, added, err := r.newFork(ctx, tenant, wanted.Run, 0, nil, wanted.More)
	if err != nil {
		return false, err
	}
	turn := &turn{found: make([]id.ID, 1)}
	fresh, err := r.sendFork(ctx, fork, added, func() bool { return r.mayRepeat(wanted, known, turn, 0) })
	if err != nil {
		return false, err
	}
	if *answer = fresh; fresh == 0 {
		*answer = turn.found[0]
		r.noteRepeat(wanted.Run, *answer)
	}
	return turn.stale, nil
}
