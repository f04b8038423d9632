package compat_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	hatchetotel "github.com/hatchet-dev/hatchet/sdks/go/opentelemetry"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// What tells a process of this binary which program it is, and what the workflow is called
// that it works for. Without it, it passes the scenarios.
const (
	programKey  = "COMPAT_PROGRAM"
	workflowKey = "COMPAT_WORKFLOW"
)

// programs are workers that are processes of their own: to be killed, or to have what is
// one of a process for themselves.
var programs = map[string]func(*hatchet.Client, string) error{
	"hold":   holdFor,
	"traced": traced,
}

// holdTime is how long a held task takes that nobody kills.
const holdTime = 10 * time.Minute

// holdFor takes a task and does not end it.
func holdFor(sdk *hatchet.Client, workflow string) error {
	task := sdk.NewStandaloneTask(workflow, func(ctx hatchet.Context, _ object) (object, error) {
		select {
		case <-time.After(holdTime):
		case <-ctx.Done():
		}
		return object{"held": true}, ctx.Err()
	})
	worker, err := sdk.NewWorker(workflow+"-held", hatchet.WithWorkflows(task))
	if err != nil {
		return err
	}
	return worker.StartBlocking(context.Background())
}

// traced is instrumented, and measures something of its own in its task.
func traced(sdk *hatchet.Client, workflow string) error {
	instrumentor, err := hatchetotel.NewInstrumentor()
	if err != nil {
		return err
	}
	task := sdk.NewStandaloneTask(workflow, func(ctx hatchet.Context, _ object) (object, error) {
		_, span := otel.Tracer("scenario").Start(ctx, "inner work", trace.WithAttributes(attribute.String("colour", "green")))
		span.End()
		return object{"traced": true}, nil
	})
	worker, err := sdk.NewWorker(workflow+"-traced", hatchet.WithWorkflows(task))
	if err != nil {
		return err
	}
	worker.Use(instrumentor.Middleware())
	return worker.StartBlocking(context.Background())
}

// play is a program, until somebody ends it.
func play(program string) error {
	run, known := programs[program]
	if !known {
		return fmt.Errorf("there is no program %q", program)
	}
	sdk, err := hatchet.NewClient(client.WithToken(os.Getenv("HATCHET_CLIENT_TOKEN")))
	if err != nil {
		return err
	}
	return run(sdk, os.Getenv(workflowKey))
}

// process begins a program for a workflow. kill ends it as a lost machine would, and so
// does the end of the scenario.
func (s *scene) process(program, workflow string) (kill func()) {
	s.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(),
		programKey+"="+program, workflowKey+"="+workflow, "HATCHET_CLIENT_TOKEN="+s.engine.token)
	var said strings.Builder
	command.Stdout, command.Stderr = &said, &said
	require.NoError(s, command.Start())
	killed := make(chan struct{})
	kill = func() {
		select {
		case <-killed:
			return
		default:
		}
		close(killed)
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
		if s.Failed() {
			s.Logf("%s said:\n%s", program, said.String())
		}
	}
	s.Cleanup(kill)
	return kill
}
