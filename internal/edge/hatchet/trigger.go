package hatchet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// TriggerWorkflow implements the WorkflowService.
func (s *Server) TriggerWorkflow(ctx context.Context, req *wire.TriggerWorkflowRequest) (*wire.TriggerWorkflowResponse, error) {
	run, err := s.triggerOne(ctx, req)
	if err != nil {
		return nil, err
	}
	return &wire.TriggerWorkflowResponse{WorkflowRunId: run}, nil
}

// triggerOne starts a run and returns the id that it goes by, or a status of this wire.
func (s *Server) triggerOne(ctx context.Context, req *wire.TriggerWorkflowRequest) (string, error) {
	answers, err := s.Trigger(ctx, []*wire.TriggerWorkflowRequest{req})
	if err != nil {
		return "", s.Status(err)
	}
	if answers[0].Err != nil {
		return "", collided(answers[0].Err)
	}
	return answers[0].External(), nil
}

// BulkTriggerWorkflow implements the WorkflowService.
func (s *Server) BulkTriggerWorkflow(ctx context.Context, req *wire.BulkTriggerWorkflowRequest) (*wire.BulkTriggerWorkflowResponse, error) {
	if err := admit.Count("workflows", len(req.Workflows), admit.RunsMax); err != nil {
		return nil, s.Status(err)
	}
	answers, err := s.Trigger(ctx, req.Workflows)
	if err != nil {
		return nil, s.Status(err)
	}
	if slices.ContainsFunc(answers, func(a Triggered) bool { return a.Err != nil }) {
		return nil, bulkCollided(answers)
	}
	response := &wire.BulkTriggerWorkflowResponse{WorkflowRunIds: make([]string, len(answers))}
	for i := range answers {
		response.WorkflowRunIds[i] = answers[i].External()
	}
	return response, nil
}

// TriggerWorkflowRun implements the AdminService.
func (s *Server) TriggerWorkflowRun(ctx context.Context, req *wire.TriggerWorkflowRunRequest) (*wire.TriggerWorkflowRunResponse, error) {
	metadata := string(req.AdditionalMetadata)
	run, err := s.triggerOne(ctx, &wire.TriggerWorkflowRequest{
		Name: req.WorkflowName, Input: string(req.Input), AdditionalMetadata: &metadata,
		Priority: req.Priority, DesiredWorkerLabels: req.DesiredWorkerLabels,
	})
	if err != nil {
		return nil, err
	}
	return &wire.TriggerWorkflowRunResponse{ExternalId: run}, nil
}

// Triggered is what came of a run that was asked for. It has an error if another run holds
// its idempotency key.
type Triggered struct {
	admit.Submitted
	LeftOut bool // its idempotency key cannot be worked out: on this wire it is not started, and nobody is told
}

// External is the id that the run goes by: one that nothing has, if it was left out.
func (t *Triggered) External() string {
	if t.LeftOut {
		return uuid.NewString()
	}
	return t.ID.String()
}

// Trigger starts runs of the caller's tenant and answers in order; those with a parent
// are its children, and its tenant's. An error says that nothing was started, but for the children of other
// parents.
func (s *Server) Trigger(ctx context.Context, requests []*wire.TriggerWorkflowRequest) ([]Triggered, error) {
	runs := make([]shard.NewRun, len(requests))
	for i, req := range requests {
		var err error
		if runs[i], err = newRun(req); err != nil {
			return nil, fault.At(place(i, len(requests)), err)
		}
	}
	children := map[string][]int{} // by parent, as it is named
	var parents []string
	for i, req := range requests {
		parent := req.GetParentTaskRunExternalId()
		if children[parent] == nil {
			parents = append(parents, parent)
		}
		children[parent] = append(children[parent], i)
	}
	answers := make([]Triggered, len(requests))
	for _, parent := range parents {
		places := children[parent]
		list := make([]shard.NewRun, len(places))
		for at, i := range places {
			list[at] = runs[i]
		}
		of, err := s.bearerOf(ctx, "parent_task_run_external_id", parent)
		if err != nil {
			return nil, err
		}
		started, err := s.start(ctx, of, parent, list)
		if err != nil {
			return nil, asHere(moved(err, places), runs)
		}
		for at, i := range places {
			answers[i] = started[at]
		}
	}
	return answers, nil
}

// start starts runs that have one parent, or none.
func (s *Server) start(ctx context.Context, tenant id.ID, parent string, runs []shard.NewRun) ([]Triggered, error) {
	if parent != "" {
		return s.spawn(ctx, tenant, parent, runs)
	}
	return s.startKeyed(ctx, tenant, runs, func(kept []shard.NewRun) ([]admit.Submitted, error) {
		return s.Limits.Submit(ctx, s.Shards, tenant, kept, true, shard.WaitForRoom)
	})
}

// startKeyed has runs be started, but for those whose idempotency key cannot be worked
// out. What else is wrong with these is told.
func (s *Server) startKeyed(
	ctx context.Context, tenant id.ID, runs []shard.NewRun, start func([]shard.NewRun) ([]admit.Submitted, error),
) ([]Triggered, error) {
	keyless, err := s.Shards.Keyless(ctx, tenant, runs)
	if err != nil {
		return nil, err
	}
	answers := make([]Triggered, len(runs))
	kept, places := make([]shard.NewRun, 0, len(runs)), make([]int, 0, len(runs))
	for i := range runs {
		if answers[i].LeftOut = keyless[i]; !keyless[i] {
			kept, places = append(kept, runs[i]), append(places, i)
		} else if err := s.Limits.Run(&runs[i]); err != nil {
			return nil, fault.At(fmt.Sprintf("runs[%d]", i), err)
		}
	}
	if len(kept) == 0 {
		return answers, nil
	}
	started, err := start(kept)
	if err != nil {
		return nil, moved(err, places)
	}
	for at, i := range places {
		answers[i].Submitted = started[at]
	}
	return answers, nil
}

// place names a request among n.
func place(i, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("workflows[%d]", i)
}

// newRun is what a request asks for, before it is admitted.
func newRun(req *wire.TriggerWorkflowRequest) (run shard.NewRun, err error) {
	if req == nil {
		return run, fault.New(fault.Invalid, "", "is empty")
	}
	run = shard.NewRun{Workflow: req.Name, Priority: req.GetPriority(), Key: childKey(req), Given: birthOf(req)}
	if req.Priority != nil {
		if err := define.Priority("", run.Priority); err != nil {
			return run, err
		}
	}
	if run.Input, err = object("input", req.Input); err != nil {
		return run, err
	}
	if run.Input == nil {
		run.Input = emptyObject
	}
	if run.Metadata, err = object("additional_metadata", req.GetAdditionalMetadata()); err != nil {
		return run, err
	}
	if worker := req.GetDesiredWorkerId(); worker != "" {
		if run.Worker, err = view.ParseID("desired_worker_id", worker); err != nil {
			return run, err
		}
	}
	run.Labels, err = define.Labels(req.DesiredWorkerLabels)
	return run, fault.At("desired_worker_labels", err)
}

// What the key of a child begins with says what it is made of.
const (
	keyPrefix   = "k:" // a key of the program's
	indexPrefix = "i:" // the child's index in its parent
	loosePrefix = "u:" // nothing: it is found by no other
)

// childKey is what a child is found by again when its parent is tried again. One of which
// nothing is said is never found.
func childKey(req *wire.TriggerWorkflowRequest) string {
	switch {
	case req.ChildKey != nil:
		return keyPrefix + *req.ChildKey
	case req.ChildIndex != nil:
		return indexPrefix + strconv.Itoa(int(*req.ChildIndex))
	}
	return loosePrefix + uuid.NewString()
}

// object is the text of a JSON object, nil if it is empty. That it is JSON is admitted later.
func object(field, text string) ([]byte, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	b := []byte(text)
	if trimmed := bytes.TrimLeft(b, " \t\r\n"); trimmed[0] != '{' {
		return nil, fault.New(fault.Invalid, field, "is not a JSON object; write it as {\"key\": …}")
	}
	return b, nil
}

// moved is an error about one of some runs as one about all of them, by the place that each
// of the some has there.
func moved(err error, places []int) error {
	e, at, field := aboutRun(err, len(places))
	if e == nil {
		return err
	}
	own := *e
	own.Field = fmt.Sprintf("runs[%d]%s", places[at], field)
	return &own
}

// aboutRun takes apart an error about one of n runs: which one, and what follows it in the
// field. Of another error it is nil.
func aboutRun(err error, n int) (e *fault.Error, at int, field string) {
	if !errors.As(err, &e) {
		return nil, 0, ""
	}
	if _, scanErr := fmt.Sscanf(e.Field, "runs[%d]", &at); scanErr != nil || at >= n {
		return nil, 0, ""
	}
	_, field, _ = strings.Cut(e.Field, "]")
	return e, at, field
}

// asHere is err as this wire says it: a workflow that there is not makes the request
// invalid, and fields go by the names that they have here.
func asHere(err error, runs []shard.NewRun) error {
	e, at, field := aboutRun(err, len(runs))
	if e == nil {
		return err
	}
	field = strings.TrimPrefix(field, ".")
	if e.Kind == fault.NotFound && field == "workflow" {
		return fault.New(fault.Invalid, "", "workflow names not found: %s; a worker registers them when it starts", runs[at].Workflow)
	}
	own := *e
	own.Field = fieldHere(field)
	if len(runs) > 1 {
		own.Field = place(at, len(runs)) + "." + own.Field
	}
	return &own
}

// fieldHere is what a field of a run is called on this wire.
func fieldHere(field string) string {
	switch field {
	case "workflow":
		return "name"
	case "metadata":
		return "additional_metadata"
	case "key":
		return "child_key"
	case "labels":
		return "desired_worker_labels"
	}
	return field
}
