package outline

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/schedule"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// noPolicy is what a policy that does not exist becomes on the wire.
const noPolicy = -1

// overlapName is the number's own name if it is no policy: edge/admit refuses it.
func overlapName(number wire.Overlap) string {
	if o := core.Overlap(number); number >= 0 && number <= wire.Overlap_OVERLAP_CANCEL_OLD {
		return o.String()
	}
	return number.String()
}

func catchUpName(number wire.CatchUp) string {
	if c := core.CatchUp(number); number >= 0 && number <= wire.CatchUp_CATCH_UP_ALL {
		return c.String()
	}
	return number.String()
}

func overlapToWire(name string) wire.Overlap {
	if o, known := core.ParseOverlap(name); known || name == "" {
		return wire.Overlap(o)
	}
	return noPolicy
}

func catchUpToWire(name string) wire.CatchUp {
	if c, known := core.ParseCatchUp(name); known || name == "" {
		return wire.CatchUp(c)
	}
	return noPolicy
}

func cronFromWire(c *wire.Cron) shard.Cron {
	return shard.Cron{
		Name: c.GetName(), Expression: c.GetExpression(), Zone: c.GetZone(), JitterMS: c.GetJitterMs(),
		Overlap: overlapName(c.GetOverlap()), CatchUp: catchUpName(c.GetCatchUp()), CatchUpMax: c.GetCatchUpMax(),
		Priority: c.GetPriority(), Input: c.GetInput(), Metadata: c.GetMetadata(),
	}
}

func cronToWire(c *shard.Cron) *wire.Cron {
	return &wire.Cron{
		Name: c.Name, Expression: c.Expression, Zone: c.Zone, JitterMs: c.JitterMS,
		Overlap: overlapToWire(c.Overlap), CatchUp: catchUpToWire(c.CatchUp), CatchUpMax: c.CatchUpMax,
		Priority: c.Priority, Input: c.Input, Metadata: c.Metadata,
	}
}

// ScheduleFromWire gives a schedule as the shard takes it. A policy that is none has a
// number that edge/admit refuses.
func ScheduleFromWire(s *wire.Schedule) core.Schedule {
	return core.Schedule{
		ID: id.ID(s.GetScheduleId()), At: core.Time(s.GetAtMs()), Workflow: s.GetWorkflow(), Name: s.GetName(),
		Expression: s.GetExpression(), Zone: s.GetZone(), JitterMS: s.GetJitterMs(), CatchUpMax: s.GetCatchUpMax(),
		Overlap: core.Overlap(min(uint32(s.GetOverlap()), 255)), CatchUp: core.CatchUp(min(uint32(s.GetCatchUp()), 255)),
		Priority: s.GetPriority(), Input: s.GetInput(), Metadata: s.GetMetadata(), Paused: s.GetPaused(),
	}
}

// ScheduleToWire gives a schedule as it travels, without where it stands.
func ScheduleToWire(s *core.Schedule) *wire.Schedule {
	return &wire.Schedule{
		ScheduleId: uint64(s.ID), AtMs: int64(s.At), Workflow: s.Workflow, Name: s.Name,
		Expression: s.Expression, Zone: s.Zone, JitterMs: s.JitterMS, CatchUpMax: s.CatchUpMax,
		Overlap: wire.Overlap(s.Overlap), CatchUp: wire.CatchUp(s.CatchUp),
		Priority: s.Priority, Input: s.Input, Metadata: s.Metadata, Paused: s.Paused, Declared: s.Declared,
	}
}

// ListedToWire adds where it stands.
func ListedToWire(l *schedule.Listed) *wire.Schedule {
	to, state := ScheduleToWire(&l.Schedule), &l.State
	to.DueMs, to.LastRunId, to.RunningId = int64(state.Due), uint64(state.LastRun), uint64(state.Running)
	to.QueuedMs, to.Skipped = int64(state.Queued), state.Skipped
	return to
}
