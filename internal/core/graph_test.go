package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

const graphVersion = id.ID(3)

// graphRig is a shard with one graph and a worker with slots for all of it.
func graphRig(t *testing.T, nodes ...Node) *rig {
	r := newRig(t, Definition{})
	for i := range nodes {
		nodes[i].Definition = Definition{Version: graphVersion, Tenant: tenant, Action: "act"}
		nodes[i].Name = string(rune('a' + i))
	}
	r.apply(&DefineGraph{Graph: Graph{Version: graphVersion, Tenant: tenant, Nodes: nodes}})
	r.join(worker1, 100)
	return r
}

func (r *rig) start(run id.ID, kept ...KeptNode) *Effects {
	return r.apply(&Submit{Runs: []NewRun{newRun(run, kept...)}})
}

func newRun(run id.ID, kept ...KeptNode) NewRun {
	return NewRun{Task: NewTask{ID: run, Tenant: tenant, Version: graphVersion}, Kept: kept}
}

// end reports how the task of an assignment ended.
func (r *rig) end(a Assignment, failed bool, verdicts ...Verdict) *Effects {
	item := ReportItem{Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: ReportCompleted, Verdicts: verdicts}
	if failed {
		item.Kind, item.Error = ReportFailed, "it broke"
	}
	return r.apply(&Report{Worker: a.Worker, Items: []ReportItem{item}})
}

func statuses(out *Effects) map[id.ID]Status {
	all := map[id.ID]Status{}
	for _, result := range out.Results {
		all[result.Task] = result.Status
	}
	return all
}

func TestGraphRunsFromItsRootsToItsResult(t *testing.T) {
	t.Parallel()
	r := graphRig(t, Node{}, Node{Parents: []int32{0}}, Node{Parents: []int32{0}}, Node{Parents: []int32{1, 2}}, Node{Role: NodeOnFailure})
	out := r.start(100)
	require.Len(t, out.Assigned, 1)
	out = r.end(out.Assigned[0], false)
	require.Len(t, out.Assigned, 2, "both children begin in the commit of their parent's result")
	left := out.Assigned[1]
	require.Empty(t, r.end(out.Assigned[0], false).Assigned)
	out = r.end(left, false)
	require.Equal(t, id.ID(104), out.Assigned[0].Task)
	out = r.end(out.Assigned[0], false)
	require.Equal(t, map[id.ID]Status{104: Succeeded, 105: Skipped}, statuses(out))
	require.Equal(t, Succeeded, out.RunResults[0].Status)
	require.Zero(t, r.Stats().Runs)
}

func TestNodeIsJudgedWhenAllItsParentsEndedInWhateverOrderTheyStand(t *testing.T) {
	t.Parallel()
	for _, parents := range [][]int32{{0, 1}, {1, 0}} {
		r := graphRig(t, Node{}, Node{}, Node{Parents: parents})
		begun := r.start(100).Assigned
		require.Equal(t, map[id.ID]Status{101: Failed}, statuses(r.end(begun[0], true)))
		out := r.end(begun[1], false)
		require.Equal(t, map[id.ID]Status{102: Succeeded, 103: Cancelled}, statuses(out))
		require.Equal(t, Failed, out.RunResults[0].Status)
	}
}

func TestReplayKeepsWhatConditionsSaid(t *testing.T) {
	t.Parallel()
	r := graphRig(t, Node{}, Node{Parents: []int32{0}})
	verdicts := []Verdict{{Node: 1, Skip: true}}
	out := r.start(100, KeptNode{Node: 0, Output: Payload("1"), Verdicts: verdicts})
	require.Equal(t, map[id.ID]Status{101: Succeeded, 102: Skipped}, statuses(out))
	require.Equal(t, Payload("1"), out.Results[0].Output)
	require.Equal(t, verdicts, out.Results[0].Verdicts)
	require.Empty(t, out.Tasks)
}

func TestReplayJudgesHandlersAnew(t *testing.T) {
	t.Parallel()
	r := graphRig(t, Node{}, Node{Role: NodeOnFailure})
	begun := r.start(100, KeptNode{Node: 1}).Assigned
	require.Len(t, begun, 1)
	require.Equal(t, id.ID(102), r.end(begun[0], true).Assigned[0].Task)
}

func TestLowWaterMarkStaysBelowARunAmongTasks(t *testing.T) {
	t.Parallel()
	r := graphRig(t, Node{})
	ids, out := r.submit(1, nil) // has the checkpoint come before the others are old enough for it
	r.done(out.Assigned[0])
	r.now += CheckpointAgeMS / 2
	run := ids[0] + 2
	out = r.apply(&Submit{
		Tasks: []NewTask{{ID: run - 1, Tenant: tenant, Version: version}, {ID: run + 2, Tenant: tenant, Version: version}},
		Runs:  []NewRun{newRun(run)},
	})
	r.done(out.Assigned[0])
	r.now += CheckpointAgeMS / 2
	require.Equal(t, run, r.apply(&Tick{}).LowWater)
}

func TestCancelOfARunEndsItsTasksInPostgresWithNobodyToAnswer(t *testing.T) {
	t.Parallel()
	r := graphRig(t, make([]Node, 20)...)
	r.apply(&Resize{Worker: worker1, Slots: 0})
	stored := map[id.ID]OpenTask{}
	for _, row := range r.start(100).Open {
		stored[row.ID] = row
	}
	require.NotEmpty(t, stored)
	out := r.apply(&Cancel{Ref: 7, Tenant: tenant, Tasks: []id.ID{100}})
	require.Equal(t, []Answer{{Ref: 7, Task: 100, Kind: AnswerStarted}}, out.Answers)
	loaded := &Loaded{Load: out.Loads[len(out.Loads)-1]}
	for _, task := range loaded.Load.Tasks {
		loaded.Rows = append(loaded.Rows, stored[task])
	}
	row := OpenRun{ID: 100, Tenant: tenant, Version: graphVersion, Cancel: "cancelled"}
	for _, result := range out.Results {
		row.Ended = append(row.Ended, EndedNode{Node: result.Node, Status: result.Status})
	}
	loaded.Runs = []OpenRun{row}
	out = r.apply(loaded)
	require.Empty(t, out.Answers)
	require.Equal(t, Cancelled, out.RunResults[0].Status)
	require.Zero(t, r.Stats().Stored)
}

func TestCancelFindsARunThatCameWhileItWasLookedFor(t *testing.T) {
	t.Parallel()
	r := graphRig(t, Node{})
	load := r.apply(&Cancel{Ref: 7, Tenant: tenant, Tasks: []id.ID{100}}).Loads[0]
	r.start(100)
	out := r.apply(&Loaded{Load: load})
	require.Equal(t, []Answer{{Ref: 7, Task: 100, Kind: AnswerStarted}}, out.Answers)
	require.Len(t, out.Stopped, 1)
}
