package define

import (
	"maps"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// The slot types that a task takes one of if it says nothing. The first is Adze's own
// default, which has no name.
const (
	SlotDefault = "default"
	SlotDurable = "durable"
)

// task is one of a workflow.
func task(from *wire.CreateTaskOpts) (t shard.Task, err error) {
	t = shard.Task{
		Name: from.GetReadableId(), Retries: from.GetRetries(), Parents: from.GetParents(), Durable: from.GetIsDurable(),
		ExecutionTimeoutMS: timeout(from.GetTimeout(), TimeoutDefault),
		ScheduleTimeoutMS:  timeout(from.GetScheduleTimeout(), ScheduleTimeoutDefault),
	}
	if err = name("readable_id", t.Name); err != nil {
		return t, err
	}
	if t.Action, err = Action(from.GetAction()); err != nil {
		return t, fault.At("action", err)
	}
	if t.Backoff, err = backoff(from); err != nil {
		return t, err
	}
	t.Slots = slots(from)
	if t.Labels, err = Labels(from.GetWorkerLabels()); err != nil {
		return t, fault.At("worker_labels", err)
	}
	if t.Limits, err = limits("concurrency", from.GetConcurrency()); err != nil {
		return t, err
	}
	if t.Rates, err = rates(from.GetRateLimits()); err != nil {
		return t, err
	}
	if t.Batch, err = batch(from.GetBatch()); err != nil {
		return t, fault.At("batch", err)
	}
	return t, fault.At("conditions", conditions(&t, from.GetConditions()))
}

// Action is what a worker offers, and a task asks for: service:verb, compared without
// regard to upper and lower case.
func Action(text string) (string, error) {
	service, verb, ok := strings.Cut(text, ":")
	if !ok || service == "" || verb == "" {
		return "", invalid("", "%q is not of the form service:verb", text)
	}
	return strings.ToLower(text), nil
}

// Bounds of back-off on this wire.
const (
	backoffFactorMax  = 1_000
	backoffSecondsMax = 86_400
)

// backoff is none unless there is a factor. The first pause is the factor in seconds.
func backoff(from *wire.CreateTaskOpts) (shard.Backoff, error) {
	if from.BackoffFactor == nil {
		if from.BackoffMaxSeconds != nil && from.GetBackoffMaxSeconds() < 1 {
			return shard.Backoff{}, invalid("backoff_max_seconds", "is %d, allowed is 1 to %d", from.GetBackoffMaxSeconds(), backoffSecondsMax)
		}
		return shard.Backoff{InitialMS: 1, Factor: 1, MaxMS: 1}, nil // no pause; 0 would be the usual one
	}
	factor, most := float64(from.GetBackoffFactor()), int64(backoffSecondsMax)
	if from.BackoffMaxSeconds != nil {
		most = int64(from.GetBackoffMaxSeconds())
	}
	switch {
	case !(factor >= 1 && factor <= backoffFactorMax):
		return shard.Backoff{}, invalid("backoff_factor", "is %g, allowed is 1 to %d", factor, backoffFactorMax)
	case most < 1 || most > backoffSecondsMax:
		return shard.Backoff{}, invalid("backoff_max_seconds", "is %d, allowed is 1 to %d", most, backoffSecondsMax)
	}
	most *= 1_000
	return shard.Backoff{InitialMS: min(int64(factor*1_000), most), Factor: factor, MaxMS: most, Exact: true}, nil
}

// slots are what a task takes up of its worker, by type.
func slots(from *wire.CreateTaskOpts) (list []shard.SlotUse) {
	asked := from.GetSlotRequests()
	if len(asked) == 0 && from.GetIsDurable() {
		asked = map[string]int32{SlotDurable: 1}
	}
	for _, kind := range slices.Sorted(maps.Keys(asked)) {
		list = append(list, shard.SlotUse{Type: SlotType(kind), Units: asked[kind]})
	}
	if len(list) == 1 && list[0] == (shard.SlotUse{Units: 1}) {
		return nil // as every task does that says nothing
	}
	return list
}

// SlotType is a type of slots as Adze names it.
func SlotType(kind string) string {
	if kind == SlotDefault {
		return ""
	}
	return kind
}
