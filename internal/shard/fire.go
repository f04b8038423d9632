package shard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/cron"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

const (
	// fireReadMax is how many schedules are read by one statement.
	fireReadMax = 250

	// ticksMax is how many missed ticks are looked at one by one: of more than that
	// only the newest are counted.
	ticksMax = 1_000

	// lateMax is how late a tick may be and is not missed: a restart of the engine,
	// or a move of the shard, takes less.
	lateMaxMS = 30_000
)

// calendar says when a schedule ticks (cron.Schedule).
type calendar interface {
	Next(after time.Time) time.Time
	Newest(after, until time.Time, n int) []time.Time
}

// ripen answers what the core asks for when schedules are due. It does not give up: a
// schedule that is never answered would never fire again.
func (r *Runtime) ripen(ctx context.Context, ripe []core.Ripe) {
	for len(ripe) > 0 {
		n := min(len(ripe), fireReadMax)
		if !r.fire(ctx, ripe[:n]) {
			return
		}
		ripe = ripe[n:]
	}
}

// fire reads schedules and fires them. It tells whether the shard still serves.
func (r *Runtime) fire(ctx context.Context, ripe []core.Ripe) bool {
	ids := make([]id.ID, len(ripe))
	for i := range ripe {
		ids[i] = ripe[i].Schedule
	}
	schedules, err := r.config.Store.Schedules(ctx, ids)
	for err != nil {
		r.log.WarnContext(ctx, "could not read schedules, trying again", "error", err)
		if !r.pause(ctx) {
			return false
		}
		schedules, err = r.config.Store.Schedules(ctx, ids)
	}
	of := make(map[id.ID]*core.Schedule, len(schedules))
	for i := range schedules {
		of[schedules[i].ID] = &schedules[i]
	}
	for i := range ripe {
		if s := of[ripe[i].Schedule]; s != nil { // else it was dropped
			if r.fireOne(ctx, s, &ripe[i]) != nil {
				return false
			}
		}
	}
	return true
}

// fireOne fires s. It fails when the shard no longer serves.
func (r *Runtime) fireOne(ctx context.Context, s *core.Schedule, ripe *core.Ripe) error {
	c, err := r.calendarOf(s)
	v := r.catalog.workflow(s.Tenant, s.Workflow)
	if err == nil && v == nil {
		err = fmt.Errorf("no workflow %q", s.Workflow)
	}
	if err != nil { // it was read when it was stored: a zone may have gone since
		r.log.ErrorContext(ctx, "schedule cannot be read and will not fire again", "schedule", s.ID, "error", err)
		return r.send(message{input: &core.Fire{Schedule: s.ID, Revision: ripe.Revision, Last: ripe.Last}})
	}
	fire, ticks := plan(s, c, ripe, max(r.now(), ripe.Now))
	if err := v.takes(s); err != nil { // the workflow has changed since it was put
		r.log.ErrorContext(ctx, "schedule has no input for its workflow and started no run", "schedule", s.ID, "error", err)
		ticks = nil
	}
	return r.sendFire(ctx, s, fire, ticks)
}

// tick is a time for which a run is to start.
type tick struct {
	at     core.Time
	queued bool
}

// plan says which ticks fire now, and when the next one is due.
func plan(s *core.Schedule, c calendar, ripe *core.Ripe, now core.Time) (*core.Fire, []tick) {
	fire := &core.Fire{Schedule: s.ID, Revision: ripe.Revision, Last: ripe.Last}
	var ticks []tick
	if ripe.Queued != 0 {
		ticks = append(ticks, tick{ripe.Queued, true})
	}
	if s.Once() {
		return fire, append(ticks, tick{at: s.At})
	}
	if ripe.Due == 0 {
		return fire, ticks
	}
	missed := due(s, c, ripe.Last, now)
	if len(missed) > 0 {
		fire.Last = missed[len(missed)-1]
	}
	fire.Next = firstDue(s, c, fire.Last)
	kept := missed[len(missed)-catchUp(s, missed, now):]
	fire.Skipped = int64(len(missed) - len(kept))
	for _, at := range kept {
		ticks = append(ticks, tick{at: at})
	}
	return fire, ticks
}

// due are the ticks after last that are due by now: all of them, or if there are
// very many, the newest.
func due(s *core.Schedule, c calendar, last, now core.Time) (ticks []core.Time) {
	for at := tickAfter(c, last); dueOf(s, at) <= now; at = tickAfter(c, at) {
		if len(ticks) == ticksMax {
			return newest(s, c, last, now)
		}
		ticks = append(ticks, at)
	}
	return ticks
}

func newest(s *core.Schedule, c calendar, last, now core.Time) (ticks []core.Time) {
	for _, t := range c.Newest(wall(last), wall(now), ticksMax) {
		at := core.Time(t.UnixMilli())
		if dueOf(s, at) > now {
			break
		}
		ticks = append(ticks, at)
	}
	return ticks
}

// catchUp is how many of the ticks that are due fire, the newest.
func catchUp(s *core.Schedule, ticks []core.Time, now core.Time) int {
	n := len(ticks)
	switch {
	case n == 0:
		return 0
	case s.CatchUp == core.CatchUpAll:
		return min(n, int(s.CatchUpMax))
	case s.CatchUp == core.CatchUpNone && now-dueOf(s, ticks[n-1]) > lateMaxMS:
		return 0
	}
	return 1
}

// firstDue is when the first tick after an instant is due.
func firstDue(s *core.Schedule, c calendar, after core.Time) core.Time {
	if s.Once() {
		return s.At
	}
	return dueOf(s, tickAfter(c, after))
}

func tickAfter(c calendar, after core.Time) core.Time {
	return core.Time(c.Next(wall(after)).UnixMilli())
}

func dueOf(s *core.Schedule, tick core.Time) core.Time {
	jitter := cron.Jitter(s.ID, wall(tick), time.Duration(s.JitterMS)*time.Millisecond)
	return tick + core.Time(jitter.Milliseconds())
}

func wall(t core.Time) time.Time { return time.UnixMilli(int64(t)) }

// sendFire brings fire to the core with a run of the workflow's current version for
// each tick, once there is room for them.
func (r *Runtime) sendFire(ctx context.Context, s *core.Schedule, fire *core.Fire, ticks []tick) error {
	v := r.catalog.workflow(s.Tenant, s.Workflow)
	if v == nil {
		return fault.New(fault.NotFound, "workflow", "no workflow %q", s.Workflow)
	}
	row, err := v.scheduled(s)
	if err != nil && len(ticks) > 0 {
		return err
	}
	once, err := v.onceOfTick(s)
	if err != nil && len(ticks) > 0 {
		return err
	}
	m := message{input: fire, gate: r.config.Submits, holder: s.Tenant}
	if once != nil {
		m.wanted = &wanted{s.Tenant, []string{once.Key}}
	}
	for _, tick := range ticks {
		row.RunAt = tick.at
		fire.Runs = append(fire.Runs, core.Fired{Graph: v.graph != nil, Queued: tick.queued, Once: once, Run: core.NewRun{Task: row}})
	}
	m.bytes = int64(len(ticks)) * (rowBytes + int64(len(s.Input)+len(s.Metadata)))
	m.prepare = func(now core.Time) { r.enumerateFired(fire, v, now) }
	if fire.Ref == 0 { // who triggers one by hand means it
		m.do = func(mind *core.Shard) { drop(mind, s, fire) }
	}
	if err := r.config.Submits.Reserve(ctx, s.Tenant, m.bytes, true); err != nil {
		return err
	}
	return r.send(m)
}

// drop leaves the runs of a schedule out whose workflow is paused and says so.
func drop(mind *core.Shard, s *core.Schedule, fire *core.Fire) {
	setting, _ := mind.Setting(core.SettingKey{Tenant: s.Tenant, Kind: core.SettingWorkflow, Name: s.Workflow})
	if q := &setting.Queue; q.Paused && (s.Once() && q.DropOnce || !s.Once() && q.DropCrons) {
		n := len(fire.Runs)
		fire.Runs = slices.DeleteFunc(fire.Runs, func(f core.Fired) bool { return !f.Queued }) // one that waited is a run already
		fire.Skipped += int64(n - len(fire.Runs))
	}
}

// takes tells why no run of v can start with the input of a schedule; nil if one can.
func (v *version) takes(s *core.Schedule) error {
	_, err := v.scheduled(s)
	if err == nil {
		_, err = v.onceOfTick(s)
	}
	return err
}

// scheduled is a run of v as s starts it, but for its time.
func (v *version) scheduled(s *core.Schedule) (row core.NewTask, err error) {
	row = core.NewTask{
		Tenant: s.Tenant, Version: v.Version, Schedule: s.ID,
		Priority: s.Priority, Input: s.Input, Metadata: s.Metadata,
	}
	err = v.complete(&row)
	return row, err
}

// enumerateFired gives runs their ids, in the order in which the core starts them.
func (r *Runtime) enumerateFired(fire *core.Fire, v *version, now core.Time) {
	for i := range fire.Runs {
		fire.Runs[i].Run.Task.ID = r.take(v, now)
	}
}
