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
	s.checkEndsHaveWhatWasWritten()
	s.checkResultsStand()
	s.checkOneResult(all)
	s.checkGraphsAreWhole()
	s.checkTasksFollowTheirParents(all)
	s.checkTasksAreGivenWhatIsStored(all)
	s.checkWaitersAreToldWhatIsStored(all)
	s.checkLowWaterIsSound()
}

func (s *stack) checkNothingAcceptedIsLost(all history) {
	s.t.Helper()
	v := violations{checker: "nothing accepted is lost, everything accepted has ended"}
	for _, run := range s.book.runs() {
		switch r, stored := all.runs[run]; {
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
func (s *stack) checkNothingRefusedIsStored(all history) {
	s.t.Helper()
	v := violations{checker: "nothing refused is stored"}
	for id, r := range all.runs {
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

func (s *stack) checkEachRunEndsAsItsJobSays(all history) {
	s.t.Helper()
	v := violations{checker: "each run ends as its job says"}
	for id, r := range all.runs {
		v.addUnless(endOfTask(alone, jobOf(r)), "run", id, r)
	}
	for id, r := range all.tasks {
		want := endOfTask(r.Place, jobOf(r))
		v.addUnless(want, "task", id, r)
		j, out := jobOf(r), done{}
		_ = json.Unmarshal(r.Output, &out) // seen below
		if want == adze.Succeeded && r.Place != sorry && (out.N != j.N || out.Attempt != r.Attempt) {
			v.add("task %s: attempt %d of job %d has output %s", id, r.Attempt, j.N, r.Output)
		}
	}
	v.report(s)
}

// addUnless adds a run or task that has another end than it should have.
func (v *violations) addUnless(want adze.Status, what string, id adze.ID, r row) {
	switch {
	case r.Status == nil:
		v.add("%s %s, place %d, has no result", what, id, r.Place)
	case adze.Status(*r.Status) != want:
		v.add("%s %s, place %d, %s after %d attempts with %q, should be %s", what, id, r.Place, *r.Status, r.Attempt, r.Error, want)
	}
}

// checkAttemptsAreConsistent: an attempt has a row if another one followed it, and
// the times of the last are in order. What never began has neither.
func (s *stack) checkAttemptsAreConsistent(all history) {
	s.t.Helper()
	v := violations{checker: "attempts are consistent"}
	for id, r := range all.tasks {
		if want := endOfTask(r.Place, jobOf(r)); r.Began != (want == adze.Succeeded || want == adze.Failed) {
			v.add("task %s, place %d, should be %s; has a row: %t", id, r.Place, want, r.Began)
		}
		if !r.Began {
			if r.Attempt != 0 || r.Attempts != 0 || r.AssignedAt != 0 || r.StartedAt != 0 {
				v.add("task %s, place %d, never began and has attempts: %+v", id, r.Place, r)
			}
			continue
		}
		if r.Attempts != r.LastNumber || r.Status != nil && r.Attempt != r.Attempts+1 {
			v.add("task %s ended in attempt %d, there are %d before it, the last is %d", id, r.Attempt, r.Attempts, r.LastNumber)
		}
		if r.AssignedAt == 0 || r.AssignedAt > r.FinishedAt || r.StartedAt != 0 && (r.StartedAt < r.AssignedAt || r.StartedAt > r.FinishedAt) {
			v.add("task %s was assigned at %d, started at %d, finished at %d", id, r.AssignedAt, r.StartedAt, r.FinishedAt)
		}
	}
	v.report(s)
}

// checkEffectsHaveResults: what a worker did belongs to a task that has a result, and
// what succeeded was done by the attempt that the result names.
func (s *stack) checkEffectsHaveResults(all history) {
	s.t.Helper()
	v := violations{checker: "effects have results, results have effects"}
	effects := s.effects()
	for e := range effects {
		if r, stored := all.tasks[e.task]; !stored || r.Status == nil {
			v.add("task %s took effect in attempt %d and has no result", e.task, e.attempt)
		}
	}
	for id, r := range all.tasks {
		if r.Status != nil && adze.Status(*r.Status) == adze.Succeeded && len(effects[effect{id, r.Attempt}]) == 0 {
			v.add("task %s succeeded in attempt %d, which took no effect", id, r.Attempt)
		}
	}
	v.report(s)
}

// effect is what a worker wrote down.
type effect struct {
	task    adze.ID
	attempt int
}

// effects are all, each with what it was given, as often as it was written down.
func (s *stack) effects() map[effect][]string {
	s.t.Helper()
	file, err := os.Open(s.effectsFile())
	require.NoError(s.t, err)
	defer file.Close()
	all := map[effect][]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var task int64
		var e effect
		var given string
		if _, err := fmt.Sscanf(lines.Text(), "%d %d %q", &task, &e.attempt, &given); err == nil {
			e.task = adze.ID(task)
			all[e] = append(all[e], given)
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

const resultsSQL = `
select id, md5(r::text) from adze.task_result as r
union all
select id, md5(r::text) from adze.run_result as r`

// checkResultsStand compares all results with what earlier calls have seen. It may
// run at any time that Postgres answers.
func (s *stack) checkResultsStand() {
	s.t.Helper()
	v := violations{checker: "results stand"}
	now := map[adze.ID]bool{}
	for _, r := range collect[stored](s, resultsSQL) {
		now[r.ID] = true
		if !s.book.note(r.ID, r.Digest) {
			v.add("the result of %s has changed", r.ID)
		}
	}
	for run := range s.book.stored {
		if !now[run] {
			v.add("the result of %s is gone", run)
		}
	}
	v.report(s)
}

// checkOneResult counts what the primary keys forbid, in case they do not, and what
// belongs to nothing.
func (s *stack) checkOneResult(all history) {
	s.t.Helper()
	for _, table := range []string{"task", "task_result", "run", "run_result"} {
		require.Zero(s.t, s.count("select count(*) - count(distinct id) from adze."+table), "one row each in "+table)
	}
	var rows, results int64
	for _, r := range all.tasks {
		if r.Began {
			rows++
		}
		if r.Status != nil {
			results++
		}
	}
	require.Equal(s.t, rows, s.count("select count(*) from adze.task"), "no task without a run")
	require.Equal(s.t, results, s.count("select count(*) from adze.task_result"), "no result without a task")
	require.Zero(s.t, s.count(`
		select count(*) from adze.run_result as r
		where not exists (select from adze.run as g where g.id = r.id)`), "no result without a run")
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
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.run as g
		join adze.low_water as l on l.shard = g.id >> 12 & 1023
		where
			g.id < l.id
			and not exists (select from adze.run_result as r where r.id = g.id)
			and not exists (select from adze.open_run as o where o.id = g.id)`), "open runs below the low-water mark without a row")
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.open_run as o
		where
			exists (select from adze.run_result as r where r.id = o.id)
			or not exists (select from adze.run as g where g.id = o.id)`), "checkpoint rows of runs that are not open")
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.open_run as o
		join adze.task as t on t.id > o.id and t.id <= o.id + $1
		where
			not exists (select from adze.task_result as r where r.id = t.id)
			and not exists (select from adze.open_task as k where k.id = t.id)`, places), "open tasks of runs in the checkpoint without a row")
}

// checkWaitersAreToldWhatIsStored asks for the end of each accepted run, and holds
// it against its row and against what was told before.
func (s *stack) checkWaitersAreToldWhatIsStored(all history) {
	s.t.Helper()
	runs := make(chan adze.ID)
	var parts sync.WaitGroup
	for range askers {
		parts.Go(func() {
			for run := range runs {
				s.ask(run)
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
		r := all.runs[run]
		if stored := r.end(); stored.Status != told.Status || stored.Attempt != told.Attempt || stored.Error != told.Error {
			v.add("run %s: told %+v, stored %+v", run, told, stored)
		}
		if outputs := all.outputs(run); jobOf(r).Graph && outputs != told.Outputs {
			v.add("run %s: told %s, stored %s", run, told.Outputs, outputs)
		}
	}
	v.report(s)
}

// ask waits for a run that was accepted.
func (s *stack) ask(run adze.ID) {
	if asked, _ := s.book.look(run); asked.Graph {
		wait(s, s.diamond.Lookup(s.client, run))
		return
	}
	wait(s, s.job.Lookup(s.client, run))
}
