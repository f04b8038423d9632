package outline

import (
	"fmt"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// causes are what the causes are called.
var causes = map[core.Cause]string{
	core.CauseRunning: "running", core.CauseStopping: "stopping", core.CauseTime: "time", core.CauseWaits: "waits",
	core.CauseLimit: "limit", core.CauseReturning: "returning", core.CausePaused: "paused", core.CauseNoWorker: "no_worker",
	core.CauseNoMatch: "no_match", core.CauseBusy: "busy", core.CauseRate: "rate", core.CauseBatch: "batch",
}

// causeParents is of a task of a graph that has not begun.
const causeParents = "parents"

// WhyToWire is why a run is not done yet, as it is told.
func WhyToWire(e *shard.Explained) *wire.WhyResponse {
	response := &wire.WhyResponse{Workflow: e.Workflow, Ended: e.Ended}
	for i := range e.Reasons {
		response.Reasons = append(response.Reasons, reasonToWire(&e.Reasons[i]))
	}
	return response
}

func reasonToWire(r *shard.TaskReason) *wire.Reason {
	if !r.Begun {
		return &wire.Reason{Task: r.Task, Cause: causeParents, Parents: r.Parents, Text: parentsText(r.Parents)}
	}
	reason := &wire.Reason{
		Task: r.Task, TaskId: uint64(r.Reason.Task), Cause: causes[r.Cause], Text: sentence(&r.Reason),
		SinceMs: int64(r.Since), UntilMs: int64(r.Until), ExpiresMs: int64(r.Expires),
		Queue: r.Queue, Name: r.Name, Key: r.Key, Max: int32(r.Max), Held: int32(r.Held),
		Ahead: r.Ahead, Others: int32(r.Others), WorkerId: uint64(r.Worker),
		Workers: int32(r.Offered), Fitting: int32(r.Fitting), Slots: int32(r.Slots),
		EstimateMs: r.EstimateMS, Attempt: r.Attempt, Tenants: int32(r.Tenants), Theirs: int32(r.Theirs),
	}
	for _, holder := range r.Holders {
		reason.HolderIds = append(reason.HolderIds, uint64(holder))
	}
	return reason
}

func parentsText(parents []string) string {
	if len(parents) == 0 {
		return "It comes after all other tasks of the run."
	}
	return "It waits for " + list(parents) + " to end."
}

// sentence says for people why a task is not done yet.
func sentence(r *core.Reason) string {
	text := cause(r)
	if r.Expires > 0 && r.Cause == core.CausePaused && r.Paused == 0 {
		return text + fmt.Sprintf(" It is cancelled at %s, if that lasts.", clock(r.Expires))
	}
	if r.Expires > 0 {
		text += fmt.Sprintf(" It is given up at %s.", clock(r.Expires))
	}
	return text
}

func cause(r *core.Reason) string {
	switch r.Cause {
	case core.CauseRunning:
		return fmt.Sprintf("It runs at worker %s since %s.", r.Worker, clock(r.Since))
	case core.CauseStopping:
		return fmt.Sprintf("Worker %s was told to stop it, and has not answered yet.", r.Worker)
	case core.CauseTime:
		if r.Attempt > 1 {
			return fmt.Sprintf("Attempt %d begins at %s.", r.Attempt, clock(r.Until))
		}
		if r.Quiet {
			return fmt.Sprintf("It begins at %s, unless another run of its key comes before.", clock(r.Until))
		}
		return fmt.Sprintf("It begins at %s.", clock(r.Until))
	case core.CauseWaits:
		return "It waits for " + conditions(r.Waits) + "."
	case core.CauseLimit:
		return fmt.Sprintf("The limit %s has %s, taken by %s. %s", r.Name+ofKey(r.Key), count(r.Max, "place"), ids(r.Holders, r.Held), ahead(r))
	case core.CauseReturning:
		if r.Name == "" {
			return fmt.Sprintf("The engine was restarted, and workers of before may run batches of the key %q: they are awaited until %s.", r.Key, clock(r.Until))
		}
		return fmt.Sprintf("The engine was restarted, and workers of before may have the places of the limit %s: they are awaited until %s.", r.Name+ofKey(r.Key), clock(r.Until))
	default:
		return queueCause(r)
	}
}

// queueCause is cause of a task that waits for a worker.
func queueCause(r *core.Reason) string {
	switch r.Cause {
	case core.CausePaused:
		return paused(r)
	case core.CauseNoWorker:
		return fmt.Sprintf("No worker is connected that runs the action %s.", r.Need.Action)
	case core.CauseNoMatch:
		return mismatch(r)
	case core.CauseBusy:
		text := full(r) + " " + ahead(r)
		if r.Others > 0 {
			text += fmt.Sprintf(" Its key %q takes turns with %s.", r.Key, count(r.Others, "other key"))
		}
		if r.Tenants+r.Theirs > 0 {
			text += fmt.Sprintf(" Other tenants share these workers: %s at work there, %s waiting.", count(r.Theirs, "task"), count(r.Tenants, "tenant"))
		}
		return text
	case core.CauseRate:
		return rateCause(r)
	case core.CauseBatch:
		return batchCause(r)
	}
	return ""
}

func paused(r *core.Reason) string {
	switch r.Paused {
	case 0:
		return fmt.Sprintf("The %s is paused.", r.Name)
	case 1:
		return "The only worker that may have it is paused."
	default:
		return fmt.Sprintf("All %d workers that may have it are paused.", r.Paused)
	}
}

// full says that workers have no room. A task of several slots waits for them all, while
// some are free.
func full(r *core.Reason) string {
	workers := fmt.Sprintf("%s for the queue %s", count(r.Fitting, "worker"), r.Queue)
	if len(r.Need.Slots) == 0 {
		return fmt.Sprintf("All slots are in use: %s of %s.", count(r.Slots, "slot"), workers)
	}
	return fmt.Sprintf("Too few slots are free: it takes %s, of %s.", list(slots(r.Need.Slots)), workers)
}

func rateCause(r *core.Reason) string {
	name := r.Name + ofKey(r.Key)
	switch {
	case r.Until > 0:
		return fmt.Sprintf("The rate limit %s has no units left; there are more at %s. %s", name, clock(r.Until), ahead(r))
	case r.Max == 0:
		return fmt.Sprintf("From the rate limit %s nothing can be drawn until it is set otherwise. %s", name, ahead(r))
	default:
		return fmt.Sprintf("It is about to draw from the rate limit %s. %s", name, ahead(r))
	}
}

func batchCause(r *core.Reason) string {
	switch {
	case r.Max > 0 && r.Held >= r.Max:
		return fmt.Sprintf("Of the batches of its key %q so many run as may at a time, %d. %s", r.Key, r.Held, ahead(r))
	case r.Until > 0:
		return fmt.Sprintf("Its batch is not full, and goes at %s at the latest.", clock(r.Until))
	default:
		return "Its batch is not full."
	}
}

// ahead is its place in the line, and what that means.
func ahead(r *core.Reason) string {
	text := "It is the next."
	switch {
	case r.Ahead == 1:
		text = "1 goes before it."
	case r.Ahead > 1:
		text = fmt.Sprintf("%d go before it.", r.Ahead)
	}
	if r.EstimateMS > 0 {
		text += fmt.Sprintf(" By the last minute it begins in %s.", time.Duration(r.EstimateMS*int64(time.Millisecond)).Round(time.Second/10))
	}
	return text
}

// mismatch says what workers that run its action lack.
func mismatch(r *core.Reason) string {
	who := "The only worker that runs the action " + r.Need.Action + " may not have it"
	if r.Offered > 1 {
		who = fmt.Sprintf("%d workers run the action %s, and none of them may have it", r.Offered, r.Need.Action)
	}
	switch {
	case r.Away:
		return fmt.Sprintf("%s: it is for worker %s only, which is not connected.", who, r.Need.Worker)
	case r.Need.Worker != 0:
		return fmt.Sprintf("%s: it is for worker %s only.", who, r.Need.Worker)
	case len(r.Unmet)+len(r.Scarce) > 0:
		return fmt.Sprintf("%s: %s, which no worker has.", who, needs(r.Unmet, r.Scarce))
	default:
		return fmt.Sprintf("%s: %s.", who, needs(r.Need.Labels, r.Need.Slots))
	}
}

func needs(wanted []core.Label, uses []core.SlotUse) string {
	var required []core.Label
	for _, l := range wanted {
		if l.Required {
			required = append(required, l)
		}
	}
	var parts []string
	if len(required) > 0 {
		parts = append(parts, labels(required))
	}
	if len(uses) > 0 {
		parts = append(parts, "it takes "+list(slots(uses)))
	}
	if len(parts) == 0 {
		return "of what it needs, nobody has all"
	}
	return list(parts)
}

// slots says how many of each type.
func slots(uses []core.SlotUse) []string {
	parts := make([]string, len(uses))
	for i, use := range uses {
		parts[i] = count(int(use.Units), strings.TrimSpace(use.Type+" slot"))
	}
	return parts
}

// labels says what required labels have to be.
func labels(required []core.Label) string {
	parts := make([]string, len(required))
	for i, l := range required {
		parts[i] = fmt.Sprintf("%s %s %s", l.Key, shard.Comparators[l.Comparator], l.Value)
	}
	word := "label "
	if len(required) > 1 {
		word = "labels "
	}
	return "it requires the " + word + list(parts)
}

func conditions(all []core.Condition) string {
	var parts []string
	for i := range all {
		switch c := &all[i]; c.Kind {
		case core.OnSleep:
			parts = append(parts, "the time "+clock(c.Due))
		case core.OnEvent:
			text := "the event " + c.Key
			if c.Scope != "" {
				text += " of " + c.Scope
			}
			parts = append(parts, text)
		default:
			parts = append(parts, "runs to end")
		}
	}
	if len(parts) == 0 {
		return "what happens next"
	}
	return list(parts)
}

func ids(holders []id.ID, held int) string {
	parts := make([]string, 0, len(holders)+1)
	for _, h := range holders {
		parts = append(parts, h.String())
	}
	if more := held - len(holders); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	if len(parts) == 0 {
		return "nobody"
	}
	return list(parts)
}

func ofKey(key string) string {
	if key == "" {
		return ""
	}
	return fmt.Sprintf(" of %q", key)
}

func list(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func clock(at core.Time) string {
	return time.UnixMilli(int64(at)).UTC().Format("2006-01-02 15:04:05 UTC")
}

// OverviewToWire is where queues and limits stand, as it is told.
func OverviewToWire(o *shard.Overview) *wire.GetOverviewResponse {
	response := &wire.GetOverviewResponse{}
	for i := range o.Queues {
		q := &o.Queues[i]
		response.Queues = append(response.Queues, &wire.QueueStat{
			Name: q.Name, Ready: q.Ready, Keys: int32(q.Keys), OldestId: uint64(q.Oldest),
			InPerMinute: q.InPerMinute, OutPerMinute: q.OutPerMinute, DrainMs: q.DrainMS,
			Workers: int32(q.Workers), Slots: int32(q.Slots), SlotsUsed: int32(q.SlotsUsed),
			Paused: q.Setting.Paused, Top: keysToWire(q.Top),
		})
	}
	for i := range o.Limits {
		l := &o.Limits[i]
		response.Limits = append(response.Limits, &wire.LimitStat{
			Name: l.Name, Max: l.Setting.Max, Strategy: l.Setting.Strategy.String(), Keys: int32(l.Keys),
			Held: int64(l.Held), Waiting: l.Waiting, Top: keysToWire(l.Top), ByRun: l.Setting.ByRun,
		})
	}
	response.Rates = rateStatsToWire(o.Rates)
	return response
}

func keysToWire(top []core.KeyStat) []*wire.KeyStat {
	keys := make([]*wire.KeyStat, len(top))
	for i, k := range top {
		keys[i] = &wire.KeyStat{Key: k.Key, Waiting: k.Ready, Held: int32(k.Held), Max: int32(k.Max), Weight: k.Weight}
	}
	return keys
}
