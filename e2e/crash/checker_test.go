package crash_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

// A checker reads what is left and fails the test at what must not be.

const (
	// violationsMax of a kind are shown; the first ones tell enough.
	violationsMax = 5
	// askers ask for results at once.
	askers = 16
)

// row is a task with all that is stored of its end.
type row struct {
	ID         adze.ID
	Input      []byte
	Status     *string // nil: no result
	Attempt    int
	Error      string
	Output     []byte
	Digest     string // of the whole result
	AssignedAt int64
	StartedAt  int64
	FinishedAt int64
	Attempts   int // that ended without ending the task
	LastNumber int // the highest of them
}

const rowsSQL = `
select
	t.id, t.input, r.status, coalesce(r.attempt, 0), coalesce(r.error, ''), r.output,
	coalesce(md5(r::text), ''),
	coalesce(r.assigned_at, 0), coalesce(r.started_at, 0), coalesce(r.finished_at, 0),
	coalesce(a.attempts, 0), coalesce(a.last_number, 0)
from adze.task as t
left join adze.task_result as r on r.id = t.id
left join (
	select task_id, count(*) as attempts, max(number) as last_number
	from adze.attempt
	group by task_id
) as a on a.task_id = t.id
order by t.id`

// history is all rows, by id.
func (s *stack) history() map[adze.ID]row {
	all := map[adze.ID]row{}
	for _, r := range collect[row](s, rowsSQL) {
		all[r.ID] = r
	}
	return all
}

// violations collects what must not be.
type violations struct {
	checker string
	found   []string
	more    int
}

func (v *violations) add(format string, args ...any) {
	if len(v.found) == violationsMax {
		v.more++
		return
	}
	v.found = append(v.found, fmt.Sprintf(format, args...))
}

func (v *violations) report(s *stack) {
	s.t.Helper()
	if len(v.found) > 0 {
		s.t.Errorf("%s:\n\t%s\n\tand %d more", v.checker, strings.Join(v.found, "\n\t"), v.more)
	}
}

// check runs the checkers that need a quiet system.
func (s *stack) check() {
	s.t.Helper()
	all := s.history()
	s.checkNothingAcceptedIsLost(all)
	s.checkNothingRefusedIsStored(all)
	s.checkEachRunEndsAsItsJobSays(all)
	s.checkAttemptsAreConsistent(all)
	s.checkEffectsHaveResults(all)
	s.checkResultsStand()
	s.checkOneResult()
	s.checkWaitersAreToldWhatIsStored(all)
	s.checkLowWaterIsSound()
}

func (s *stack) checkNothingAcceptedIsLost(all map[adze.ID]row) {
	s.t.Helper()
	v := violations{checker: "nothing accepted is lost, everything accepted has ended"}
	for _, run := range s.book.runs() {
		switch r, stored := all[run]; {
		case !stored:
			v.add("run %s was accepted and has no row", run)
		case r.Status == nil:
			v.add("run %s was accepted and has no result", run)
		}
	}
	v.report(s)
}

// checkNothingRefusedIsStored holds for what was told to be refused, and not for
// what was told to be unknown.
func (s *stack) checkNothingRefusedIsStored(all map[adze.ID]row) {
	s.t.Helper()
	v := violations{checker: "nothing refused is stored"}
	for id, r := range all {
		if why, refused := s.book.refused[jobOf(r).N]; refused {
			v.add("run %s is stored, its submit was refused: %s", id, why)
		}
	}
	v.report(s)
}

func jobOf(r row) (j job) {
	_ = json.Unmarshal(r.Input, &j) // a job of zeros is nobody's
	return j
}

func (s *stack) checkEachRunEndsAsItsJobSays(all map[adze.ID]row) {
	s.t.Helper()
	v := violations{checker: "each run ends as its job says"}
	for id, r := range all {
		if r.Status == nil {
			v.add("run %s has no result", id)
			continue
		}
		j, out := jobOf(r), done{}
		_ = json.Unmarshal(r.Output, &out) // seen below
		want := adze.Succeeded
		if j.Fault == failsForGood {
			want = adze.Failed
		}
		switch {
		case adze.Status(*r.Status) != want:
			v.add("run %s %s after %d attempts with %q, should be %s", id, *r.Status, r.Attempt, r.Error, want)
		case want == adze.Succeeded && (out.N != j.N || out.Attempt != r.Attempt):
			v.add("run %s: attempt %d of job %d has output %s", id, r.Attempt, j.N, r.Output)
		}
	}
	v.report(s)
}

// checkAttemptsAreConsistent: an attempt has a row if another one followed it, and
// the times of the last are in order.
func (s *stack) checkAttemptsAreConsistent(all map[adze.ID]row) {
	s.t.Helper()
	v := violations{checker: "attempts are consistent"}
	for id, r := range all {
		if r.Attempts != r.LastNumber || r.Status != nil && r.Attempt != r.Attempts+1 {
			v.add("run %s ended in attempt %d, there are %d before it, the last is %d", id, r.Attempt, r.Attempts, r.LastNumber)
		}
		if r.AssignedAt == 0 || r.AssignedAt > r.FinishedAt || r.StartedAt != 0 && (r.StartedAt < r.AssignedAt || r.StartedAt > r.FinishedAt) {
			v.add("run %s was assigned at %d, started at %d, finished at %d", id, r.AssignedAt, r.StartedAt, r.FinishedAt)
		}
	}
	v.report(s)
}

// checkEffectsHaveResults: what a worker did belongs to a run that has a result, and
// what succeeded was done by the attempt that the result names.
func (s *stack) checkEffectsHaveResults(all map[adze.ID]row) {
	s.t.Helper()
	v := violations{checker: "effects have results, results have effects"}
	effects := s.effects()
	for e := range effects {
		if r, stored := all[e.run]; !stored || r.Status == nil {
			v.add("run %s took effect in attempt %d and has no result", e.run, e.attempt)
		}
	}
	for id, r := range all {
		if r.Status != nil && adze.Status(*r.Status) == adze.Succeeded && effects[effect{id, r.Attempt}] == 0 {
			v.add("run %s succeeded in attempt %d, which took no effect", id, r.Attempt)
		}
	}
	v.report(s)
}

// effect is what a worker wrote down.
type effect struct {
	run     adze.ID
	attempt int
}

func (s *stack) effects() map[effect]int {
	s.t.Helper()
	file, err := os.Open(s.effectsFile())
	require.NoError(s.t, err)
	defer file.Close()
	all := map[effect]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var run int64
		var e effect
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &run, &e.attempt); err == nil {
			e.run = adze.ID(run)
			all[e]++
		}
	}
	require.NoError(s.t, lines.Err())
	return all
}

// stored is a result as it is on disk.
type stored struct {
	ID     adze.ID
	Digest string
}

// checkResultsStand compares all results with what earlier calls have seen. It may
// run at any time that Postgres answers.
func (s *stack) checkResultsStand() {
	s.t.Helper()
	v := violations{checker: "results stand"}
	now := map[adze.ID]bool{}
	for _, r := range collect[stored](s, "select id, md5(r::text) from adze.task_result as r") {
		now[r.ID] = true
		if !s.book.note(r.ID, r.Digest) {
			v.add("the result of run %s has changed", r.ID)
		}
	}
	for run := range s.book.stored {
		if !now[run] {
			v.add("the result of run %s is gone", run)
		}
	}
	v.report(s)
}

// checkOneResult counts what the primary keys forbid, in case they do not.
func (s *stack) checkOneResult() {
	s.t.Helper()
	require.Zero(s.t, s.count(`select count(*) - count(distinct id) from adze.task_result`), "one result each")
	require.Zero(s.t, s.count(`select count(*) - count(distinct id) from adze.task`), "one row each")
	require.Zero(s.t, s.count(`
		select count(*) from adze.task_result as r
		where not exists (select from adze.task as t where t.id = r.id)`), "no result without a task")
}

// checkLowWaterIsSound holds at any moment, whoever was killed just before: below
// the mark, what is open has a checkpoint row, and what has a row is open.
func (s *stack) checkLowWaterIsSound() {
	s.t.Helper()
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.task as t
		join adze.low_water as l on l.shard = t.id >> 12 & 1023
		where
			t.id < l.id
			and not exists (select from adze.task_result as r where r.id = t.id)
			and not exists (select from adze.open_task as o where o.id = t.id)`), "open tasks below the low-water mark without a row")
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.open_task as o
		where
			exists (select from adze.task_result as r where r.id = o.id)
			or not exists (select from adze.task as t where t.id = o.id)`), "checkpoint rows of tasks that are not open")
}

// checkWaitersAreToldWhatIsStored asks for the end of each accepted run, and holds
// it against its row and against what was told before.
func (s *stack) checkWaitersAreToldWhatIsStored(all map[adze.ID]row) {
	s.t.Helper()
	runs := make(chan adze.ID)
	var parts sync.WaitGroup
	for range askers {
		parts.Go(func() {
			for run := range runs {
				s.wait(s.job.Lookup(s.client, run))
			}
		})
	}
	for _, run := range s.book.runs() {
		runs <- run
	}
	close(runs)
	parts.Wait()
	v := violations{checker: "waiters are told what is stored"}
	for run, told := range s.book.outcomes {
		r := all[run]
		if r.Status == nil || adze.Status(*r.Status) != told.Status || r.Attempt != told.Attempt || r.Error != told.Error {
			v.add("run %s: told %+v, stored %+v", run, told, r)
		}
	}
	v.report(s)
}
