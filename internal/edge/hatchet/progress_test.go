package hatchet_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// follower reads the events of a run in words.
type follower struct {
	t      *testing.T
	stream wire.Dispatcher_SubscribeToWorkflowEventsClient
	names  map[string]string // of tasks, by their ids
}

func follow(t *testing.T, s *hatchettest.Stage, run string, names map[string]string) *follower {
	t.Helper()
	stream, err := s.Dispatcher.SubscribeToWorkflowEvents(s.Ctx, &wire.SubscribeToWorkflowEventsRequest{WorkflowRunId: &run})
	require.NoError(t, err)
	return &follower{t, stream, names}
}

func (f *follower) next() string {
	f.t.Helper()
	e, err := f.stream.Recv()
	require.NoError(f.t, err)
	kind := e.EventType.String()[len("RESOURCE_EVENT_TYPE_"):]
	if e.Hangup {
		return "run " + kind
	}
	name, known := f.names[e.ResourceId]
	if !known {
		name = fmt.Sprintf("task %d", len(f.names)+1)
		f.names[e.ResourceId] = name
	}
	return fmt.Sprintf("%s %s %s", name, kind, e.EventPayload)
}

func TestEachTaskOfAGraphIsToldToBeginAndToEndWhenItDoes(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	goOn := make(chan struct{})
	s.Work(t, func(a *native.Assignment) (string, error) {
		<-goOn
		if a.Action == "graph:second" {
			return "", errors.New("no")
		}
		return `{"n":1}`, nil
	}, hatchettest.Two("graph"))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "graph"})
	f := follow(t, s, run, map[string]string{})
	require.Equal(t, "task 1 STARTED ", f.next())
	goOn <- struct{}{}
	require.Equal(t, `task 1 COMPLETED {"n":1}`, f.next(), "the run goes on")
	require.Equal(t, "task 2 STARTED ", f.next())

	late := follow(t, s, run, f.names)
	require.Equal(t, "task 1 STARTED ", late.next())
	require.Equal(t, `task 1 COMPLETED {"n":1}`, late.next())
	require.Equal(t, "task 2 STARTED ", late.next())
	goOn <- struct{}{}
	for _, one := range []*follower{f, late} {
		require.Equal(t, "task 2 FAILED no", one.next())
		require.Equal(t, "run FAILED", one.next())
	}
}

// What a run streams comes after its begin and before its end, however fast it is.
func TestStepsAndStreamsComeInOrder(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "w", nil)
	p := work(t, s, "w:step")
	for range 20 {
		run := start(t, s, "w", `{}`)
		a := p.next()
		f := follow(t, s, run, map[string]string{run: "w"})
		require.Equal(t, "w STARTED ", f.next())
		for i := range int64(3) {
			_, err := s.Events.PutStreamEvent(s.Ctx, &wire.PutStreamEventRequest{TaskRunExternalId: run, Message: fmt.Append(nil, i), EventIndex: &i})
			require.NoError(t, err)
		}
		p.completed(a, `{}`)
		for i := range 3 {
			require.Equal(t, fmt.Sprintf("w STREAM %d", i), f.next())
		}
		require.Equal(t, "w COMPLETED {}", f.next())
		require.Equal(t, "run COMPLETED", f.next())
	}
}
