// Package define translates workflows as the Hatchet SDKs register them to those of Adze.
//
// It owns what that wire means by a field: its defaults, its durations, its dialect of
// CEL and its groups of conditions. It promises that each field has its effect or is
// refused with its name, and that equal requests give equal definitions.
package define

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Priorities of this wire: a run without one has the lowest.
const (
	PriorityMin = 1
	PriorityMax = 3
)

// Priority checks one that is given. The text is what the SDKs know.
func Priority(field string, p int32) error {
	if p < PriorityMin || p > PriorityMax {
		return invalid(field, "priority must be between %d and %d, got %d", PriorityMin, PriorityMax, p)
	}
	return nil
}

// stickies are the strategies by number.
var stickies = []string{wire.StickyStrategy_STICKY_STRATEGY_SOFT: "prefer", wire.StickyStrategy_STICKY_STRATEGY_HARD: "only"}

// Workflow is the definition that a request asks for. What can be checked of a native one
// is left to edge/admit.
func Workflow(req *wire.CreateWorkflowVersionRequest) (shard.Workflow, error) {
	// A worker must not die of a long comment.
	w := shard.Workflow{Name: req.GetName(), Description: Cut(req.GetDescription(), admit.DescriptionBytesMax), Priority: PriorityMin, FailInvalid: true}
	if err := name("name", w.Name); err != nil {
		return w, err
	}
	for _, step := range []func(*shard.Workflow, *wire.CreateWorkflowVersionRequest) error{
		tasks, triggers, filters, crons, flow, idempotency, extras,
	} {
		if err := step(&w, req); err != nil {
			return w, err
		}
	}
	return w, nil
}

// Cut makes any text storable: of bytesMax at most, cut between two characters, without
// NUL and broken UTF-8.
func Cut(text string, bytesMax int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "")
	if len(text) <= bytesMax {
		return text
	}
	for !utf8.RuneStart(text[bytesMax]) {
		bytesMax--
	}
	return text[:bytesMax]
}

// name checks one of a workflow or a task: this wire takes fewer characters than Adze.
func name(field, s string) error {
	if s == "" {
		return invalid(field, "is empty; give it a name")
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '.' && c != '-' && c != '_' {
			return invalid(field, "%q has a character that is not allowed; use letters, digits and . _ -", s)
		}
	}
	return nil
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func tasks(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) error {
	for i, from := range req.GetTasks() {
		t, err := task(from)
		if err != nil {
			return fault.At(fmt.Sprintf("tasks[%d]", i), err)
		}
		w.Tasks = append(w.Tasks, t)
	}
	if len(w.Tasks) == 0 {
		return invalid("tasks", "is empty; a workflow has one task at least")
	}
	if from := req.GetOnFailureTask(); from != nil {
		t, err := task(from)
		if err != nil {
			return fault.At("on_failure_task", err)
		}
		t.Role = shard.RoleOnFailure
		w.Tasks = append(w.Tasks, t)
	}
	return nil
}

func triggers(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) error {
	for _, event := range req.GetEventTriggers() {
		w.Triggers = append(w.Triggers, shard.Trigger{Event: event})
	}
	return nil
}

// crons are those of the request, each with the same input.
func crons(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) error {
	for _, expression := range req.GetCronTriggers() {
		w.Crons = append(w.Crons, shard.Cron{
			Expression: expression, Input: cronInput(req.GetCronInput()),
			Metadata: json.RawMessage(`{"hatchet__cron_expression":` + strconv.Quote(expression) + `}`),
		})
	}
	return nil
}

// cronInput is an object: runs of this wire have no other input.
func cronInput(text string) json.RawMessage {
	if strings.TrimSpace(text) == "" || strings.TrimSpace(text) == "null" {
		text = "{}"
	}
	return json.RawMessage(text)
}

func flow(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) (err error) {
	if req.DefaultPriority != nil {
		if err = Priority("default_priority", *req.DefaultPriority); err != nil {
			return err
		}
		w.Priority = *req.DefaultPriority
	}
	if req.Sticky != nil {
		number := int(req.GetSticky())
		if number < 0 || number >= len(stickies) {
			return invalid("sticky", "is %d, and there are SOFT (0) and HARD (1)", number)
		}
		w.Sticky = stickies[number]
	}
	asked := req.GetConcurrencyArr()
	if one := req.GetConcurrency(); one != nil {
		asked = append([]*wire.Concurrency{one}, asked...)
	}
	if w.Limits, err = limits("concurrency", asked); err != nil {
		return err
	}
	w.Key = rotation(w, asked)
	return nil
}

func idempotency(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) error {
	from := req.GetIdempotency()
	if from == nil {
		return nil
	}
	key, err := onceExpression(from.GetExpression())
	if err != nil {
		return fault.At("idempotency.expression", err)
	}
	to := &shard.Idempotency{Key: key, TTLMS: from.GetTtlMs(), OnCollision: "reject"}
	switch from.GetMethod() {
	case wire.IdempotencyMethod_IDEMPOTENCY_METHOD_TTL:
		to.Hold = "ttl"
	case wire.IdempotencyMethod_IDEMPOTENCY_METHOD_STATUS:
		to.Hold = "run"
	default:
		return invalid("idempotency.method", "is %d, and there are TTL (0) and STATUS (1)", from.GetMethod())
	}
	w.Idempotency = to
	return nil
}

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, field, format, args...)
}
