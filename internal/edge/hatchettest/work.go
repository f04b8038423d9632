package hatchettest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	native "github.com/adzehq/adze/internal/wire/adzev1"
)

// Attempt answers an assignment: with JSON, or an error.
type Attempt func(*native.Assignment) (output string, err error)

// ErrHeld says that an attempt goes on until it is stopped.
var ErrHeld = errors.New("held")

// Work runs the tasks of workflows until the test ends.
func (s *Stage) Work(t *testing.T, run Attempt, workflows ...*native.Workflow) {
	t.Helper()
	_, err := s.Native.PutWorkflows(s.Ctx, &native.PutWorkflowsRequest{Workflows: workflows})
	require.NoError(t, err)
	hello := &native.Hello{Slots: 100}
	for _, w := range workflows {
		for _, task := range w.Tasks {
			hello.Actions = append(hello.Actions, task.Action)
		}
	}
	ctx, cancel := context.WithCancel(s.Ctx)
	work, err := s.Native.Work(ctx)
	require.NoError(t, err)
	require.NoError(t, work.Send(&native.WorkerMessage{Hello: hello}))
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		serve(work, run)
	}()
}

func serve(work grpc.BidiStreamingClient[native.WorkerMessage, native.EngineMessage], run Attempt) {
	for {
		message, err := work.Recv()
		if err != nil {
			return
		}
		up := &native.WorkerMessage{}
		for _, a := range message.Assignments {
			report := &native.Report{TaskId: a.TaskId, Token: a.Token, Attempt: a.Attempt, Kind: native.Report_KIND_COMPLETED}
			output, err := run(a)
			if errors.Is(err, ErrHeld) {
				report.Kind = native.Report_KIND_STARTED
			} else if err != nil {
				report.Kind, report.Error = native.Report_KIND_FAILED, err.Error()
			}
			report.Output = []byte(output)
			up.Reports = append(up.Reports, report)
		}
		for _, stop := range message.Stops {
			up.Reports = append(up.Reports, &native.Report{TaskId: stop.TaskId, Token: stop.Token, Kind: native.Report_KIND_FAILED, Error: "stopped"})
		}
		if work.Send(up) != nil {
			return
		}
	}
}

// One is a workflow of one task, which tries again as often.
func One(name string, retries int32) *native.Workflow {
	return &native.Workflow{Name: name, Tasks: []*native.Task{{
		Name: "step", Action: name + ":step", Retries: retries, Backoff: &native.Backoff{InitialMs: 1, MaxMs: 1},
	}}}
}

// Two is a workflow of a task and another one after it.
func Two(name string) *native.Workflow {
	return &native.Workflow{Name: name, Tasks: []*native.Task{
		{Name: "first", Action: name + ":first"}, {Name: "second", Action: name + ":second", Parents: []string{"first"}},
	}}
}

// Echo gives each task its input back.
func Echo(a *native.Assignment) (string, error) { return string(a.Input), nil }
