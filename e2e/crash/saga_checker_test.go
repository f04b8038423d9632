package crash_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

// check runs the checkers of sagas, which need a quiet system.
func (g *stage) check() {
	s := g.stack
	s.t.Helper()
	sagas, bosses := collect[staged](s, stagedSQL, "saga"), collect[staged](s, stagedSQL, "boss")
	g.checkAcceptedAreThere(slices.Concat(sagas, bosses))
	g.checkSums(sagas, saga.sum)
	g.checkSums(bosses, saga.portions)
	g.checkPublished(sagas)
	g.checkLogs(sagas)
	g.checkLedger()
	g.checkChildren(sagas, bosses)
	s.checkNothingWaits()
	s.checkResultsStand()
	s.checkLowWaterIsSound()
}

// checkAcceptedAreThere: nothing accepted is lost, nothing refused is stored.
func (g *stage) checkAcceptedAreThere(all []staged) {
	g.stack.t.Helper()
	v := violations{checker: "what was accepted is stored, what was refused is not"}
	there := map[adze.ID]bool{}
	for _, r := range all {
		there[r.ID] = true
		if why, refused := g.refused[r.saga().N]; refused {
			v.add("run %s is stored, its submit was refused: %s", r.ID, why)
		}
	}
	for run := range g.accepted {
		if !there[run] {
			v.add("run %s was accepted and has no row", run)
		}
	}
	v.report(g.stack)
}

// checkSums: each run ends with what its deeds are worth.
func (g *stage) checkSums(all []staged, sum func(saga) int64) {
	s := g.stack
	s.t.Helper()
	v := violations{checker: "each run ends with its sum, and waiters are told"}
	for _, r := range all {
		want := sum(r.saga())
		if r.Status == nil || *r.Status != string(adze.Succeeded) || string(r.Output) != strconv.FormatInt(want, 10) {
			v.add("run %s should give %d: %s", r.ID, want, r)
		}
		if out, err := s.troupe.saga.Lookup(s.client, r.ID).Result(s.ctx); err != nil || out != want {
			v.add("who waits for run %s is told %d, %v, should be %d", r.ID, out, err, want)
		}
	}
	v.report(s)
}

// checkPublished: each run has published its sum.
func (g *stage) checkPublished(all []staged) {
	s := g.stack
	s.t.Helper()
	v := violations{checker: "each run has published its sum"}
	for _, r := range all {
		if sum, err := adze.GetValue[int64](s.ctx, s.client, r.ID, valueName); err != nil || sum != r.saga().sum() {
			v.add("run %s has published %d, %v, should be %d", r.ID, sum, err, r.saga().sum())
		}
	}
	v.report(s)
}

// logged is an entry of a log.
type logged struct {
	Run   adze.ID
	Index int
	Kind  string
	Name  string
	Data  []byte
}

const logsSQL = `select task_id, index, kind, name, data from adze.durable_entry order by task_id, index`

func (s *stack) logs() map[adze.ID][]logged {
	s.t.Helper()
	logs := map[adze.ID][]logged{}
	for _, e := range collect[logged](s, logsSQL) {
		logs[e.Run] = append(logs[e.Run], e)
	}
	return logs
}

// checkLogs: the log of each saga is its deeds, each once, in their order.
func (g *stage) checkLogs(sagas []staged) {
	s := g.stack
	s.t.Helper()
	v := violations{checker: "logs are what was done"}
	logs := s.logs()
	for _, r := range sagas {
		var kinds []string
		for i, e := range logs[r.ID] {
			if e.Index != i+1 {
				v.add("run %s: entry %d is at place %d of its log", r.ID, e.Index, i+1)
			}
			kinds = append(kinds, e.Kind)
		}
		if want := r.saga().log(); !slices.Equal(kinds, want) {
			v.add("run %s has the log %v, should be %v", r.ID, kinds, want)
		}
	}
	v.report(s)
}

// line is what a saga wrote down.
type line struct {
	what, call, place, mark string
	run                     adze.ID
}

// ledger is all lines, in the order they were written.
func (s *stack) ledger() (all []line) {
	s.t.Helper()
	file, err := os.Open(s.ledgerFile())
	require.NoError(s.t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var l line
		var run int64
		if _, err := fmt.Sscan(lines.Text(), &l.what, &run, &l.call, &l.place, &l.mark); err == nil {
			l.run = adze.ID(run)
			all = append(all, l)
		}
	}
	require.NoError(s.t, lines.Err())
	return all
}

// deedOf names a step of a run.
type deedOf struct {
	run   adze.ID
	place string
}

// checkLedger: what is recorded of a step is what one try of it gave, what a function was
// told is what is recorded, and no call that began after that ran the step again.
func (g *stage) checkLedger() {
	s := g.stack
	s.t.Helper()
	v := violations{checker: "steps run to their record once"}
	recorded := s.recorded()
	called := map[string]int{}         // the line of a call
	told := map[deedOf]int{}           // the first line that says so
	ran := map[deedOf]map[string]int{} // how often, by mark
	tries := 0
	for n, l := range s.ledger() {
		of := deedOf{l.run, l.place}
		switch l.what {
		case noteCall:
			called[l.call] = n
		case noteBegan:
			tries++
			if at, is := told[of]; is && called[l.call] > at {
				v.add("run %s: %s began again in a call that came after it was recorded", l.run, l.place)
			}
		case noteRan:
			if ran[of] == nil {
				ran[of] = map[string]int{}
			}
			ran[of][l.mark]++
		case noteTold:
			if _, is := told[of]; !is {
				told[of] = n
			}
			if l.mark != recorded[of] {
				v.add("run %s: %s gave its function %s, recorded is %s", l.run, l.place, l.mark, recorded[of])
			}
		}
	}
	for of, mark := range recorded {
		if ran[of][mark] != 1 {
			v.add("run %s: what is recorded of %s was given %d times", of.run, of.place, ran[of][mark])
		}
	}
	s.logf("%d steps recorded in %d tries, %d calls", len(recorded), tries, len(called))
	v.report(s)
}

// recorded is the mark that is recorded of each step.
func (s *stack) recorded() map[deedOf]string {
	s.t.Helper()
	marks := map[deedOf]string{}
	for run, log := range s.logs() {
		for _, e := range log {
			if e.Kind == "step" {
				var r record
				_ = json.Unmarshal(e.Data, &r) // one without a mark is nobody's
				marks[deedOf{run, e.Name}] = r.Mark
			}
		}
	}
	return marks
}

// children is how many runs a saga has spawned, by what became of them.
type children struct {
	Parent  adze.ID
	Runs    int64
	Linked  int64 // have a row that links them to their parent
	Leaves  int64 // gave what they should
	Lodgers int64 // were cancelled with their parent
}

const childrenSQL = `
select
	t.parent_id,
	count(*),
	count(c.run_id),
	count(*) filter (where w.name = 'leaf' and r.status = 'succeeded'),
	count(*) filter (where w.name = 'lodger' and r.status = 'cancelled')
from adze.task as t
join adze.workflow_version as v on v.id = t.version_id
join adze.workflow as w on w.id = v.workflow_id
left join adze.child as c on c.parent_id = t.parent_id and c.run_id = t.id
left join adze.task_result as r on r.id = t.id
where t.parent_id is not null
group by t.parent_id`

// checkChildren: each run has its children, each once, and they ended as they should.
func (g *stage) checkChildren(sagas, bosses []staged) {
	s := g.stack
	s.t.Helper()
	v := violations{checker: "each child is there once"}
	of := map[adze.ID]children{}
	for _, c := range collect[children](s, childrenSQL) {
		of[c.Parent] = c
	}
	compare := func(all []staged, leaves func(saga) int64) {
		for _, r := range all {
			in := r.saga()
			want := children{Parent: r.ID, Leaves: leaves(in)}
			if in.Lodger {
				want.Lodgers = 1
			}
			want.Runs = want.Leaves + want.Lodgers
			want.Linked = want.Runs
			got := of[r.ID]
			got.Parent = r.ID // it may have none
			if got != want {
				v.add("run %s has %+v, should have %+v", r.ID, got, want)
			}
			delete(of, r.ID)
		}
	}
	compare(sagas, saga.leaves)
	compare(bosses, func(in saga) int64 { return int64(len(in.Deeds)) })
	for parent := range of {
		v.add("there are children of %s, which is no run", parent)
	}
	v.report(s)
	require.Zero(s.t, s.count(`
		select count(*) from adze.child as c
		where not exists (select from adze.task as t where t.id = c.run_id)`), "links to children that are not there")
}

// checkNothingWaits: what has ended waits for nothing, and nobody has children to be
// cancelled.
func (s *stack) checkNothingWaits() {
	s.t.Helper()
	for _, table := range []string{"wait", "closing", "open_task"} {
		require.Zero(s.t, s.count("select count(*) from adze."+table), "rows left in "+table)
	}
}
