package admit

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/cron"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Bounds of schedules.
const (
	SchedulesMax      = 1_000    // of one call
	CronsMax          = 100      // that a workflow declares
	CronInputBytesMax = 64 << 10 // of one that a workflow declares: it is part of the definition
	CatchUpMax        = 1_000    // ticks
	CatchUpDefault    = 100      // ticks, with CatchUpAll

	previewDefault = 10
)

// Schedules checks schedules and fills in what was left out, all or none.
func (l Limits) Schedules(list []core.Schedule) error {
	if err := Count("schedules", len(list), SchedulesMax); err != nil {
		return err
	}
	names := make(map[string]bool, len(list))
	for i := range list {
		place := fmt.Sprintf("schedules[%d]", i)
		if err := l.schedule(&list[i]); err != nil {
			return fault.At(place, err)
		}
		if n := list[i].Name; n != "" {
			if names[n] {
				return fault.New(fault.Conflict, place+".name", "%q comes twice in this call", n)
			}
			names[n] = true
		}
	}
	return nil
}

func (l Limits) schedule(s *core.Schedule) (err error) {
	if err = name("workflow", s.Workflow); err != nil {
		return err
	}
	if s.Input, err = payload("input", s.Input, l.inputBytesMax()); err != nil {
		return err
	}
	if s.Metadata, err = metadata("metadata", s.Metadata); err != nil {
		return err
	}
	if err = between("priority", int64(s.Priority), core.PriorityMin, core.PriorityMax); err != nil {
		return err
	}
	if s.At != 0 {
		return oneOff(s)
	}
	if s.Expression == "" {
		return invalid("at_ms", "is not given, and expression neither; give one of them")
	}
	if err = name("name", s.Name); err != nil {
		return err
	}
	return times(s)
}

// oneOff checks when a one-off fires. What a cron has makes no sense for it.
func oneOff(s *core.Schedule) error {
	if err := ScheduleAt(s.At); err != nil {
		return err
	}
	for field, given := range map[string]bool{
		"name": s.Name != "", "expression": s.Expression != "", "zone": s.Zone != "", "jitter_ms": s.JitterMS != 0,
		"overlap": s.Overlap != 0, "catch_up": s.CatchUp != 0, "catch_up_max": s.CatchUpMax != 0,
	} {
		if given {
			return invalid(field, "stands beside at_ms; it is for crons")
		}
	}
	return nil
}

// ScheduleAt checks when a one-off fires.
func ScheduleAt(at core.Time) error { return between("at_ms", int64(at), 1, RunAtMSMax) }

// times checks when a cron fires, and fills in what was left out.
func times(s *core.Schedule) error {
	if _, err := cron.Parse(s.Expression, s.Zone); err != nil {
		return err
	}
	if err := between("jitter_ms", s.JitterMS, 0, cron.JitterMax.Milliseconds()); err != nil {
		return err
	}
	switch {
	case s.Overlap > core.OverlapCancelOld:
		return invalid("overlap", "is no policy; there are allow, skip, queue and cancel_old")
	case s.CatchUp > core.CatchUpAll:
		return invalid("catch_up", "is no policy; there are last, none and all")
	case s.CatchUp != core.CatchUpAll && s.CatchUpMax != 0:
		return invalid("catch_up_max", "is for catch_up all")
	case s.CatchUp == core.CatchUpAll:
		s.CatchUpMax = orDefault(s.CatchUpMax, CatchUpDefault)
		return between("catch_up_max", int64(s.CatchUpMax), 1, CatchUpMax)
	}
	return nil
}

// crons checks those of a workflow, and gives them with what was left out.
func crons(workflow string, list []shard.Cron) ([]shard.Cron, error) {
	if len(list) > CronsMax {
		return nil, invalid("crons", "has %d entries, at most %d are allowed; make schedules at run time", len(list), CronsMax)
	}
	list = slices.Clone(list)
	for i := range list {
		place := fmt.Sprintf("crons[%d]", i)
		if err := cronOf(workflow, i, &list[i]); err != nil {
			return nil, fault.At(place, err)
		}
		if slices.ContainsFunc(list[:i], func(c shard.Cron) bool { return c.Name == list[i].Name }) {
			return nil, invalid(place+".name", "%q is the name of another one of this workflow", list[i].Name)
		}
	}
	return list, nil
}

// cronOf checks the cron at a place of its workflow, and fills in what was left out.
func cronOf(workflow string, place int, c *shard.Cron) error {
	own := workflow
	if place > 0 {
		own = fmt.Sprintf("%s:%d", workflow, place+1)
	}
	c.Name = orDefault(c.Name, own)
	c.Overlap = orDefault(c.Overlap, core.OverlapAllow.String())
	c.CatchUp = orDefault(c.CatchUp, core.CatchUpLast.String())
	if _, known := core.ParseOverlap(c.Overlap); !known {
		return invalid("overlap", "%q is no policy; there are allow, skip, queue and cancel_old", c.Overlap)
	}
	if _, known := core.ParseCatchUp(c.CatchUp); !known {
		return invalid("catch_up", "%q is no policy; there are last, none and all", c.CatchUp)
	}
	s := c.Schedule(workflow)
	for _, check := range []error{
		name("name", s.Name),
		times(&s),
		between("priority", int64(s.Priority), core.PriorityMin, core.PriorityMax),
	} {
		if check != nil {
			return check
		}
	}
	c.CatchUpMax = s.CatchUpMax
	input, err := payload("input", c.Input, CronInputBytesMax)
	if err != nil {
		return err
	}
	c.Input = compact(input)
	given, err := metadata("metadata", c.Metadata)
	c.Metadata = compact(given)
	return err
}

// compact is JSON as encoding/json writes it within a definition: equal ones are equal
// there and here.
func compact(b []byte) json.RawMessage {
	if b == nil {
		return nil
	}
	compacted, err := json.Marshal(json.RawMessage(b))
	if err != nil {
		return b // it was checked
	}
	return compacted
}

// PreviewCount checks how many ticks a preview is to give; 0 is ten.
func PreviewCount(n int32) (int, error) {
	n = orDefault(n, previewDefault)
	return int(n), between("count", int64(n), 1, cron.PreviewMax)
}
