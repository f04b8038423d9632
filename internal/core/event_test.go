package core

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnEventIsOneCommitWithTheRunsItStarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	event := NewEvent{ID: r.ids.Next(int64(r.now)), Tenant: tenant, Key: "k", Payload: Payload("1")}
	run := NewTask{ID: r.ids.Next(int64(r.now)), Tenant: tenant, Version: version, Event: event.ID}
	joined := EventRun{Event: event.ID, Run: run.ID}
	out := r.apply(&Push{Events: []NewEvent{event}, Submit: Submit{Tasks: []NewTask{run}}, Started: []EventRun{joined}})
	require.Equal(t, []NewEvent{event}, out.Events)
	require.Equal(t, []EventRun{joined}, out.EventRuns)
	require.Equal(t, []NewTask{run}, out.Tasks)
	require.Equal(t, 3, out.Rows())
	require.Equal(t, run.ID, r.join(worker1, 1).Assigned[0].Task)
}
