package crash_test

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/adzehq/adze"
)

// row is a task with all that is stored of its end, or a run of a graph.
type row struct {
	ID         adze.ID
	Input      []byte  // of a task of a graph: its run's
	Status     *string // nil: no result
	Error      string
	FinishedAt int64
	Place      int  // in the diamond, or alone
	Began      bool // it has a row of its own
	Attempt    int
	Output     []byte
	AssignedAt int64
	StartedAt  int64
	Attempts   int   // that ended without ending the task
	LastNumber int   // the highest of them
	FirstAt    int64 // the first of them was assigned
}

// run is the run of a task; its own if it is one.
func (r row) run() adze.ID { return r.ID - 1 - adze.ID(r.Place) }

// end is what a waiter should be told, without outputs; of zeros without a result.
func (r row) end() (how ended) {
	if r.Status != nil {
		how = ended{Status: adze.Status(*r.Status), Attempt: r.Attempt, Error: r.Error}
	}
	return how
}

// decidedAt is when the first attempt began, or the task ended without one.
func (r row) decidedAt() int64 {
	if !r.Began {
		return r.FinishedAt
	}
	return cmp.Or(r.FirstAt, r.AssignedAt)
}

// history is all that is stored.
type history struct {
	runs  map[adze.ID]row
	tasks map[adze.ID]row // also those of graphs that never began
}

func (h history) node(run adze.ID, place int) row { return h.tasks[run+1+adze.ID(place)] }

const tasksSQL = `
with asked as (
	select id, input, -1 as place from adze.task where node is null
	union all
	select g.id + 1 + place, g.input, place from adze.run as g cross join generate_series(0, $1 - 1) as place
)
select
	asked.id, asked.input, r.status, coalesce(r.error, ''), coalesce(r.finished_at, 0),
	asked.place, t.id is not null, coalesce(r.attempt, 0), r.output,
	coalesce(r.assigned_at, 0), coalesce(r.started_at, 0),
	coalesce(a.attempts, 0), coalesce(a.last_number, 0), coalesce(a.first_at, 0)
from asked
left join adze.task as t on t.id = asked.id
left join adze.task_result as r on r.id = asked.id
left join (
	select task_id, count(*) as attempts, max(number) as last_number, min(assigned_at) as first_at
	from adze.attempt
	group by task_id
) as a on a.task_id = asked.id`

const graphsSQL = `
select
	g.id, g.input, r.status, coalesce(r.error, ''), coalesce(r.finished_at, 0),
	-1, true, 1, null::bytea, 0::bigint, 0::bigint, 0, 0, 0::bigint
from adze.run as g
left join adze.run_result as r on r.id = g.id`

func (s *stack) history() history {
	all := history{runs: map[adze.ID]row{}, tasks: map[adze.ID]row{}}
	for _, r := range collect[row](s, tasksSQL, places) {
		all.tasks[r.ID] = r
		if r.Place == alone {
			all.runs[r.ID] = r
		}
	}
	for _, r := range collect[row](s, graphsSQL) {
		all.runs[r.ID] = r
	}
	return all
}

// given is what the task was to be given.
func (h history) given(r row) string {
	if r.Place == alone {
		return ""
	}
	var marks []string
	for _, parent := range parents[r.Place] {
		mark := stepOf(h.node(r.run(), parent)).Mark
		if mark == "" {
			mark = none
		}
		marks = append(marks, mark)
	}
	return strings.Join(marks, ",")
}

func stepOf(r row) (out step) {
	_ = json.Unmarshal(r.Output, &out) // a step of zeros has no mark
	return out
}

// outputs are what waiters for the run are told that its tasks gave, as text.
func (h history) outputs(run adze.ID) string {
	all := adze.Results{}
	for place, name := range names {
		if r := h.node(run, place); r.Output != nil {
			all[name] = r.Output
		}
	}
	return textOf(all)
}
