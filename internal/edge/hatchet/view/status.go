package view

import (
	"strings"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// statusNames are the statuses as REST writes them, which knows no evicted ones.
var statusNames = [...]string{
	wire.RunStatus_RUN_STATUS_QUEUED:    "QUEUED",
	wire.RunStatus_RUN_STATUS_RUNNING:   "RUNNING",
	wire.RunStatus_RUN_STATUS_COMPLETED: "COMPLETED",
	wire.RunStatus_RUN_STATUS_FAILED:    "FAILED",
	wire.RunStatus_RUN_STATUS_CANCELLED: "CANCELLED",
}

// StatusName is how REST writes a status.
func StatusName(s wire.RunStatus) string { return statusNames[s] }

// Final tells whether a status is one that a run ends in.
func Final(s wire.RunStatus) bool { return s >= wire.RunStatus_RUN_STATUS_COMPLETED }

// endStatus is the status of what ended so. What was skipped is completed, and what waited
// too long for a worker is cancelled.
func endStatus(s core.Status, text string) wire.RunStatus {
	switch {
	case s == core.Succeeded || s == core.Skipped:
		return wire.RunStatus_RUN_STATUS_COMPLETED
	case s == core.Cancelled || strings.HasPrefix(text, core.ScheduleTimeoutPrefix):
		return wire.RunStatus_RUN_STATUS_CANCELLED
	}
	return wire.RunStatus_RUN_STATUS_FAILED
}

// ErrorText is what a failure is called on this wire.
func ErrorText(text string) string {
	if limit, timedOut := strings.CutPrefix(text, core.ExecutionTimeoutPrefix); timedOut {
		return "Task exceeded timeout of " + limit
	}
	if times, lost := strings.CutPrefix(text, core.LossesPrefix); lost && strings.HasSuffix(times, " times") {
		return "Task reached its maximum reassignment count"
	}
	if what, expression, why, is := shard.CutUnworkable(text); is {
		kind := "step"
		if what == shard.BatchKey {
			kind = "batch group key"
		}
		return "failed to parse " + kind + " expression (" + expression + "): " + why
	}
	return text
}

// openStatus is the status of what stands so.
func openStatus(live core.Live) (_ wire.RunStatus, evicted bool) {
	switch live.State {
	case core.OpenRunning:
		return wire.RunStatus_RUN_STATUS_RUNNING, false
	case core.OpenWaiting: // a durable task, which has given its worker back
		return wire.RunStatus_RUN_STATUS_RUNNING, true
	}
	return wire.RunStatus_RUN_STATUS_QUEUED, false
}

// runStatus is the status of a run with these tasks: the first of these rules that fits.
func runStatus(tasks []Task) wire.RunStatus {
	var seen [len(statusNames)]bool
	kinds := 0
	for i := range tasks {
		if s := tasks[i].Status; !seen[s] {
			seen[s] = true
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return wire.RunStatus_RUN_STATUS_QUEUED
	case kinds == 1:
		return tasks[0].Status
	case seen[wire.RunStatus_RUN_STATUS_FAILED]:
		return wire.RunStatus_RUN_STATUS_FAILED
	case seen[wire.RunStatus_RUN_STATUS_RUNNING] || seen[wire.RunStatus_RUN_STATUS_QUEUED]:
		return wire.RunStatus_RUN_STATUS_RUNNING
	}
	return wire.RunStatus_RUN_STATUS_CANCELLED // beside completed ones
}
