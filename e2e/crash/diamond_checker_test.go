package crash_test

import (
	"slices"

	"github.com/stretchr/testify/require"
)

// edges are the parents of the diamond's tasks as two columns.
func edges() (children, olders []int) {
	for child, those := range parents {
		for _, parent := range those {
			children, olders = append(children, child), append(olders, parent)
		}
	}
	return children, olders
}

// checkGraphsAreWhole holds at any moment, whoever was killed just before: what
// follows from the end of a task is stored with it.
func (s *stack) checkGraphsAreWhole() {
	s.t.Helper()
	children, olders := edges()
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.task as t
		join unnest($1::integer[], $2::integer[]) as e (child, parent) on e.child = t.node
		where not exists (select from adze.task_result as r where r.id = t.id - e.child + e.parent)`,
		children, olders), "tasks that began before their parents had ended")
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.run as g
		cross join generate_series(0, $3 - 1) as node
		where
			not exists (select from adze.task as t where t.id = g.id + 1 + node)
			and not exists (select from adze.task_result as r where r.id = g.id + 1 + node)
			and not exists (
				select from unnest($1::integer[], $2::integer[]) as e (child, parent)
				where e.child = node and not exists (select from adze.task_result as r where r.id = g.id + 1 + e.parent)
			)`,
		children, olders, places), "tasks that nothing waits for and that have not begun")
	require.Zero(s.t, s.count(`
		select count(*)
		from adze.run as g
		left join adze.run_result as r on r.id = g.id
		where (r.id is not null) <> (
			select count(*) = $1 from adze.task_result as t where t.id > g.id and t.id <= g.id + $1
		)`, places), "runs that have a result before their tasks have, or not with them")
}

// checkTasksFollowTheirParents: whatever became of a task was decided once its
// parents had ended, and of its run once all had.
func (s *stack) checkTasksFollowTheirParents(all history) {
	s.t.Helper()
	v := violations{checker: "tasks follow their parents"}
	for id, r := range all.tasks {
		if r.Place == alone {
			continue
		}
		for _, parent := range parents[r.Place] {
			if ended := all.node(r.run(), parent).FinishedAt; r.decidedAt() < ended {
				v.add("task %s, %s: decided at %d, and %s ended at %d", id, names[r.Place], r.decidedAt(), names[parent], ended)
			}
		}
		if ended := all.runs[r.run()].FinishedAt; ended < r.FinishedAt {
			v.add("run %s ended at %d, its task %s at %d", r.run(), ended, names[r.Place], r.FinishedAt)
		}
	}
	v.report(s)
}

// checkTasksAreGivenWhatIsStored holds what each attempt saw of its parents, also one
// that was lost, against what is stored of them.
func (s *stack) checkTasksAreGivenWhatIsStored(all history) {
	s.t.Helper()
	v := violations{checker: "tasks are given what is stored"}
	for e, givens := range s.effects() {
		r := all.tasks[e.task]
		if want := all.given(r); slices.ContainsFunc(givens, func(given string) bool { return given != want }) {
			v.add("attempt %d of task %s, place %d, was given %q, stored is %q", e.attempt, e.task, r.Place, givens, want)
		}
	}
	for id, r := range all.tasks {
		if out := stepOf(r); out.Given != "" && out.Given != all.given(r) {
			v.add("task %s, place %d, is stored as given %q, stored is %q", id, r.Place, out.Given, all.given(r))
		}
	}
	v.report(s)
}
