package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

func TestARunOfWhichNothingCanBeWorkedOutFailsWhenItWouldBegin(t *testing.T) {
	t.Parallel()
	r := newLimited(t, LimitQueue)
	r.join(worker1, 10)
	ids, out := r.submit(2, func(i int, row *NewTask) {
		row.Flow = &Flow{Failed: "no key"}
		if i == 1 {
			row.RunAt = r.now + 1_000
		}
	})
	require.Empty(t, out.Assigned)
	require.Len(t, out.Results, 1)
	require.Equal(t, ids[0], out.Results[0].Task)
	require.Equal(t, Failed, out.Results[0].Status)
	require.Equal(t, "no key", out.Results[0].Error)
	require.Zero(t, out.Results[0].Attempt)
	require.Empty(t, r.holders(""))
	r.now += 1_000
	out = r.apply(&Tick{})
	require.Equal(t, ids[1:], ended(out))
}

func TestAGraphOfWhichNothingCanBeWorkedOutFailsWithItsRoots(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.join(worker1, 10)
	d := Definition{Version: version + 1, Tenant: tenant, Action: "act"}
	r.apply(&DefineGraph{Graph: Graph{Version: version + 1, Tenant: tenant, Workflow: "g", Limits: []string{"oven"}, Nodes: []Node{
		{Definition: d, Name: "a"}, {Definition: d, Name: "b", Parents: []int32{0}}, {Definition: d, Name: "h", Role: NodeOnFailure},
	}}})
	run := r.ids.Block(int64(r.now), 4)
	out := r.apply(&Submit{Runs: []NewRun{{Task: NewTask{ID: run, Tenant: tenant, Version: version + 1, Flow: &Flow{Failed: "no key"}}}}})
	require.Len(t, out.Results, 2)
	require.Equal(t, []Status{Failed, Cancelled}, []Status{out.Results[0].Status, out.Results[1].Status})
	require.Len(t, out.Assigned, 1, "the handler of the failure runs")
	out = r.done(out.Assigned[0])
	require.Equal(t, Failed, out.RunResults[0].Status)
}

func TestADoomedRunOfALimitedGraphHasNoPlaceAfterARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.Shard = newSmall()
	d := Definition{Version: version, Tenant: tenant, Action: "act"}
	r.apply(&DefineGraph{Graph: Graph{Version: version, Tenant: tenant, Workflow: "g", Limits: []string{"oven"}, Nodes: []Node{{Definition: d, Name: "a"}}}})
	run := r.ids.Block(int64(r.now), 2)
	flow := &Flow{Failed: "no key"}
	r.apply(&Restore{
		Epoch: 2,
		Runs:  []OpenRun{{ID: run, Tenant: tenant, Version: version, RunAt: r.now + 1_000, Flow: flow}},
		Fresh: []NewTask{{ID: run + 1, Tenant: tenant, Version: version, Run: run, RunAt: r.now + 1_000}},
	})
	require.Empty(t, r.Holdings(tenant, "oven"))
	r.now += 1_000
	out := r.apply(&Tick{})
	require.Equal(t, Failed, out.RunResults[0].Status)
}

func TestADoomedRunThatEndsWithARestartFreesItsKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.Shard = newSmall()
	r.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act"}})
	run := r.ids.Next(int64(r.now))
	out := r.apply(&Restore{
		Epoch: 2,
		Fresh: []NewTask{{ID: run, Tenant: tenant, Version: version, Flow: &Flow{Failed: "no key"}}},
		Once:  []OnceKey{{Run: run, Tenant: tenant, Key: "k", Hold: OnceRun}},
	})
	require.Equal(t, Failed, out.Results[0].Status)
	require.Equal(t, []id.ID{run}, out.ClosedOnceKeys)
}
