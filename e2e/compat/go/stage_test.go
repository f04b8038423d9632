package compat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hatchet-dev/hatchet/pkg/client"
	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

const (
	// patience bounds each wait; none needs a tenth of it on a quiet machine.
	patience = time.Minute
	// pollEvery is the pause between looks.
	pollEvery = 50 * time.Millisecond
	// beginWait is how long a worker is left to begin: the SDK panics if one is stopped
	// before it listens, which happens to scenarios that need none to run anything.
	beginWait = 5 * time.Second
)

// shared is the engine of all scenarios that do not kill theirs.
var shared *engine

func TestMain(m *testing.M) {
	if program := os.Getenv(programKey); program != "" {
		fmt.Fprintln(os.Stderr, play(program))
		os.Exit(1)
	}
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	for name, value := range map[string]string{"TLS_STRATEGY": "none", "LOG_LEVEL": "error"} {
		if err := os.Setenv("HATCHET_CLIENT_"+name, value); err != nil {
			panic(err)
		}
	}
	engine, err := newEngine()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared = engine
	code = m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the engine's log ends with:\n%s\n", engine.tail())
	}
	if err := engine.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// scene is one scenario: a client on the SDK, and names that are its own.
type scene struct {
	*testing.T
	sdk    *hatchet.Client
	ctx    context.Context
	engine *engine
	prefix string
}

// begin is a scenario on the shared engine.
func begin(t *testing.T) *scene {
	t.Helper()
	t.Parallel()
	return on(t, shared)
}

// alone is a scenario with an engine of its own, which may die.
func alone(t *testing.T) *scene {
	t.Helper()
	t.Parallel()
	engine, err := newEngine()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.close()) })
	return on(t, engine)
}

func on(t *testing.T, e *engine) *scene {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(done)
	s := &scene{T: t, ctx: ctx, engine: e, prefix: strings.ToLower(strings.TrimPrefix(t.Name(), "Test")) + "-"}
	s.sdk = s.client()
	return s
}

// client makes a client as a program does that is given a token and nothing else.
func (s *scene) client(options ...client.ClientOpt) *hatchet.Client {
	s.Helper()
	sdk, err := hatchet.NewClient(append(options, client.WithToken(s.engine.token))...)
	require.NoError(s, err)
	return sdk
}

// slow marks a scenario that must wait for time to pass.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long")
	}
}

// name makes a name that no other scenario has.
func (s *scene) name(n string) string { return s.prefix + n }

// work runs a worker of workflows until the scenario ends, or it is stopped.
func (s *scene) work(workflows ...hatchet.WorkflowBase) (stop func()) {
	s.Helper()
	return s.worker(hatchet.WithWorkflows(workflows...), hatchet.WithSlots(20), hatchet.WithDurableSlots(50))
}

func (s *scene) worker(options ...hatchet.WorkerOption) (stop func()) {
	s.Helper()
	worker, err := s.sdk.NewWorker(s.name("worker"), options...)
	require.NoError(s, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := worker.StartBlocking(ctx); err != nil && ctx.Err() == nil {
			s.Errorf("worker ended: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		for deadline := time.Now().Add(beginWait); !s.listens() && time.Now().Before(deadline); {
			time.Sleep(pollEvery)
		}
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			s.Error("the worker does not end")
		}
	})
	s.Cleanup(stop)
	return stop
}

// listens tells whether the scenario's worker has begun to listen.
func (s *scene) listens() bool {
	list, err := s.sdk.Workers().List(context.WithoutCancel(s.ctx))
	return err == nil && list.Rows != nil && slices.ContainsFunc(*list.Rows, func(w rest.Worker) bool {
		return w.Name == s.name("worker") && w.Status != nil && *w.Status != rest.INACTIVE
	})
}

// know makes workflows known without a worker that runs them.
func (s *scene) know(workflows ...hatchet.WorkflowBase) {
	s.Helper()
	_, err := s.sdk.NewWorker(s.name("knows"), hatchet.WithWorkflows(workflows...))
	require.NoError(s, err)
}

// start starts a run.
func (s *scene) start(workflow string, input any, options ...hatchet.RunOptFunc) *hatchet.WorkflowRunRef {
	s.Helper()
	ref, err := s.sdk.RunNoWait(s.ctx, workflow, input, options...)
	require.NoError(s, err)
	return ref
}

// ended waits for the end of a run and gives what the SDK says of it.
func (s *scene) ended(ref *hatchet.WorkflowRunRef) (*hatchet.WorkflowResult, error) {
	s.Helper()
	type outcome struct {
		result *hatchet.WorkflowResult
		err    error
	}
	came := make(chan outcome, 1)
	go func() {
		result, err := ref.Result()
		came <- outcome{result, err}
	}()
	o := took(s, came)
	return o.result, o.err
}

// output waits for the end of a run that goes well and decodes the output of a task.
func (s *scene) output(ref *hatchet.WorkflowRunRef, task string, into any) {
	s.Helper()
	result, err := s.ended(ref)
	require.NoError(s, err)
	require.NoError(s, result.TaskOutput(task).Into(into))
}

// fails waits for the end of a run that does not go well and gives what it is said to be.
func (s *scene) fails(ref *hatchet.WorkflowRunRef) string {
	s.Helper()
	_, err := s.ended(ref)
	require.Error(s, err)
	return err.Error()
}

// details is a run as REST shows it.
func (s *scene) details(run string) *rest.V1WorkflowRunDetails {
	s.Helper()
	details, err := s.sdk.Runs().Get(s.ctx, run)
	require.NoError(s, err)
	return details
}

// status is a run's status over REST.
func (s *scene) status(run string) string {
	s.Helper()
	status, err := s.sdk.Runs().GetStatus(s.ctx, run)
	require.NoError(s, err)
	require.NotNil(s, status)
	return string(*status)
}

// becomes waits until a run has a status.
func (s *scene) becomes(run, status string) {
	s.Helper()
	s.eventually(status, func() bool { return s.status(run) == status })
}

// count tells how often an event is in a run's story.
func count(details *rest.V1WorkflowRunDetails, kind rest.V1TaskEventType) (n int) {
	for _, event := range details.TaskEvents {
		if event.EventType == kind {
			n++
		}
	}
	return n
}

func (s *scene) cancel(run string) {
	s.Helper()
	_, err := s.sdk.Runs().Cancel(s.ctx, rest.V1CancelTaskRequest{ExternalIds: ids(s, run)})
	require.NoError(s, err)
}

func (s *scene) replay(run string) {
	s.Helper()
	replayed, err := s.sdk.Runs().Replay(s.ctx, rest.V1ReplayTaskRequest{ExternalIds: ids(s, run)})
	require.NoError(s, err)
	require.NotNil(s, replayed.Ids)
}

func ids(s *scene, runs ...string) *[]uuid.UUID {
	s.Helper()
	all := make([]uuid.UUID, len(runs))
	for i, run := range runs {
		parsed, err := uuid.Parse(run)
		require.NoError(s, err)
		all[i] = parsed
	}
	return &all
}

// eventually waits until holds does.
func (s *scene) eventually(what string, holds func() bool) {
	s.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		require.True(s, time.Now().Before(deadline), "not in time: %s", what)
	}
}

// took receives from a channel.
func took[T any](s *scene, from <-chan T) (v T) {
	s.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		require.Fail(s, "nothing came")
	}
	return v
}

// call calls the REST API where the SDK has no method for it.
func (s *scene) call(method, path string, body, out any) (code int) {
	s.Helper()
	text, err := json.Marshal(body)
	require.NoError(s, err)
	request, err := http.NewRequestWithContext(s.ctx, method, "http://"+s.engine.http+path, bytes.NewReader(text))
	require.NoError(s, err)
	request.Header.Set("Authorization", "Bearer "+s.engine.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(s, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(s, err)
	if out != nil {
		require.NoError(s, json.Unmarshal(answer, out), string(answer))
	}
	return response.StatusCode
}

// object is a JSON object.
type object = map[string]any

// number is what many tasks take and give.
type number struct {
	N int `json:"n"`
}

// echo gives its input back.
func echo(_ hatchet.Context, in object) (object, error) { return in, nil }

// holding is a task that says when it starts and runs until it is let go.
func holding(started chan<- string, letGo <-chan struct{}) func(hatchet.Context, object) (object, error) {
	return func(ctx hatchet.Context, _ object) (object, error) {
		started <- ctx.WorkerId()
		select {
		case <-letGo:
			return object{"held": true}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
