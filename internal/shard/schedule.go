package shard

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/adzehq/adze/internal/base/cron"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// alarms is what the runtime keeps of schedules.
type alarms struct {
	changing chan struct{} // holds one while schedules are read in order to be changed, until that is committed

	mu     sync.Mutex
	parsed map[timing]*cron.Schedule
}

type timing struct{ expression, zone string }

// parsedMax is how many expressions are kept parsed; with more, all are let go.
const parsedMax = 4_096

func newAlarms() *alarms {
	return &alarms{changing: make(chan struct{}, 1), parsed: map[timing]*cron.Schedule{}}
}

// begin waits until nobody else changes schedules: names are unique because of it.
func (a *alarms) begin(ctx context.Context) error {
	select {
	case a.changing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *alarms) end() { <-a.changing }

func (a *alarms) parse(expression, zone string) (*cron.Schedule, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := timing{expression, zone}
	if parsed := a.parsed[key]; parsed != nil {
		return parsed, nil
	}
	parsed, err := cron.Parse(expression, zone)
	if err != nil {
		return nil, err
	}
	if len(a.parsed) >= parsedMax {
		clear(a.parsed)
	}
	a.parsed[key] = parsed
	return parsed, nil
}

// PutSchedules implements Client.
func (r *Runtime) PutSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule) ([]id.ID, error) {
	return r.putSchedules(ctx, tenant, schedules, false)
}

// AddSchedules implements Client.
func (r *Runtime) AddSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule) ([]id.ID, error) {
	return r.putSchedules(ctx, tenant, schedules, true)
}

func (r *Runtime) putSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule, fresh bool) ([]id.ID, error) {
	if err := r.alarms.begin(ctx); err != nil {
		return nil, err
	}
	puts, ids, err := r.planPuts(ctx, tenant, schedules, fresh)
	if err != nil || len(puts) == 0 {
		r.alarms.end()
		return ids, err
	}
	return ids, r.storeSchedules(ctx, tenant, puts, nil)
}

// planPuts is what the core is to put; with fresh, none may be there yet.
func (r *Runtime) planPuts(ctx context.Context, tenant id.ID, schedules []core.Schedule, fresh bool) (puts []core.PutSchedule, ids []id.ID, err error) {
	known, err := r.knownSchedules(ctx, tenant, schedules)
	if err != nil {
		return nil, nil, err
	}
	ids = make([]id.ID, len(schedules))
	for i, s := range schedules {
		s.Tenant, s.Declared = tenant, false
		field := fmt.Sprintf("schedules[%d]", i)
		v := r.catalog.workflow(tenant, s.Workflow)
		if v == nil {
			return nil, nil, fault.New(fault.NotFound, field+".workflow", "no workflow %q; register it first (a worker does when it starts)", s.Workflow)
		}
		if err := v.takes(&s); err != nil {
			return nil, nil, fault.At(field, err)
		}
		was, there := known.of(&s)
		switch {
		case there && fresh:
			return nil, nil, fault.New(fault.Conflict, field+".name", "the name %q is taken by another schedule", was.Name)
		case s.ID != 0 && !there:
			return nil, nil, fault.New(fault.NotFound, field+".schedule_id", "no schedule %s", s.ID)
		case there && was.Declared:
			return nil, nil, fault.New(fault.Conflict, field, "schedule %q is declared in the code of workflow %q; change it there, or pause it", was.Name, was.Workflow)
		case there && was.Name != s.Name:
			return nil, nil, fault.New(fault.Conflict, field+".name", "the schedule is called %q, which cannot be changed", was.Name)
		}
		s.ID = was.ID
		item, changed, err := r.armed(s, was, there)
		if err != nil {
			return nil, nil, fault.At(field, err)
		}
		if changed {
			puts = append(puts, item)
		}
		ids[i] = item.Schedule.ID
	}
	return puts, ids, nil
}

// scheduleBook is schedules by id and by name.
type scheduleBook struct {
	byID   map[id.ID]core.Schedule
	byName map[string]core.Schedule
}

func (b *scheduleBook) of(s *core.Schedule) (was core.Schedule, there bool) {
	if s.ID != 0 {
		was, there = b.byID[s.ID]
		return was, there
	}
	was, there = b.byName[s.Name]
	return was, there && s.Name != ""
}

// knownSchedules are those of the tenant that schedules refer to.
func (r *Runtime) knownSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule) (*scheduleBook, error) {
	var ids []id.ID
	var names []string
	for i := range schedules {
		switch s := &schedules[i]; {
		case s.ID != 0:
			ids = append(ids, s.ID)
		case s.Name != "":
			names = append(names, s.Name)
		}
	}
	book := &scheduleBook{byID: map[id.ID]core.Schedule{}, byName: map[string]core.Schedule{}}
	if len(ids) > 0 {
		found, err := r.config.Store.Schedules(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			if s.Tenant == tenant {
				book.byID[s.ID] = s
			}
		}
	}
	if len(names) > 0 {
		found, err := r.config.Store.SchedulesNamed(ctx, tenant, names)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			book.byName[s.Name] = s
		}
	}
	return book, nil
}

// armed is s ready for the core: with an id, and with its first tick if it is new or its
// times changed. It tells whether anything did.
func (r *Runtime) armed(s, was core.Schedule, known bool) (item core.PutSchedule, changed bool, err error) {
	now := r.now()
	item = core.PutSchedule{Schedule: s, Last: now}
	if !known {
		item.Schedule.ID = r.ids.Next(int64(now))
	}
	item.Rearm = !known || s.At != was.At || s.Expression != was.Expression || s.Zone != was.Zone ||
		s.JitterMS != was.JitterMS || s.Paused != was.Paused
	if !item.Rearm {
		return item, !equalSchedules(&s, &was), nil
	}
	c, err := r.calendarOf(&item.Schedule)
	if err == nil && !s.Paused {
		item.Due = firstDue(&item.Schedule, c, now)
	}
	return item, true, err
}

// equalSchedules compares all that the times do not hang on.
func equalSchedules(a, b *core.Schedule) bool {
	return a.Priority == b.Priority && a.Overlap == b.Overlap && a.CatchUp == b.CatchUp && a.CatchUpMax == b.CatchUpMax &&
		a.Workflow == b.Workflow && a.Declared == b.Declared &&
		slices.Equal(a.Input, b.Input) && slices.Equal(a.Metadata, b.Metadata)
}

// ChangeSchedules implements Client.
func (r *Runtime) ChangeSchedules(ctx context.Context, tenant id.ID, ids []id.ID, change ScheduleChange) error {
	if err := r.alarms.begin(ctx); err != nil {
		return err
	}
	puts, err := r.planChanges(ctx, tenant, ids, change)
	if err != nil || len(puts) == 0 {
		r.alarms.end()
		return err
	}
	return r.storeSchedules(ctx, tenant, puts, nil)
}

func (r *Runtime) planChanges(ctx context.Context, tenant id.ID, ids []id.ID, change ScheduleChange) (puts []core.PutSchedule, err error) {
	schedules, err := r.allSchedules(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	for i, was := range schedules {
		s := was
		if change.Paused != nil {
			s.Paused = *change.Paused
		}
		if change.At != nil {
			if !was.Once() {
				return nil, fault.New(fault.Conflict, fmt.Sprintf("schedule_ids[%d]", i), "schedule %s goes by an expression; put it anew with another one", was.ID)
			}
			s.At = *change.At
		}
		item, changed, err := r.armed(s, was, true)
		if err != nil {
			return nil, err
		}
		if changed {
			puts = append(puts, item)
		}
	}
	return puts, nil
}

// allSchedules are the tenant's with these ids, in order and each once; one that is not
// there refuses all.
func (r *Runtime) allSchedules(ctx context.Context, tenant id.ID, ids []id.ID) ([]core.Schedule, error) {
	found, err := r.config.Store.Schedules(ctx, ids)
	if err != nil {
		return nil, err
	}
	of := make(map[id.ID]*core.Schedule, len(found))
	for i := range found {
		of[found[i].ID] = &found[i]
	}
	schedules := make([]core.Schedule, 0, len(ids))
	for i, one := range ids {
		s := of[one]
		if s == nil || s.Tenant != tenant {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("schedule_ids[%d]", i), "no schedule %s", one)
		}
		if slices.Index(ids, one) == i {
			schedules = append(schedules, *s)
		}
	}
	return schedules, nil
}

// DropSchedules implements Client.
func (r *Runtime) DropSchedules(ctx context.Context, tenant id.ID, ids []id.ID) ([]bool, error) {
	if err := r.alarms.begin(ctx); err != nil {
		return nil, err
	}
	found, err := r.config.Store.Schedules(ctx, ids)
	if err != nil {
		r.alarms.end()
		return nil, err
	}
	there := map[id.ID]bool{}
	var drops []id.ID
	for _, s := range found {
		if s.Tenant == tenant {
			there[s.ID] = true
			drops = append(drops, s.ID)
		}
	}
	was := make([]bool, len(ids))
	for i, one := range ids {
		was[i] = there[one]
	}
	if len(drops) == 0 {
		r.alarms.end()
		return was, nil
	}
	return was, r.storeSchedules(ctx, tenant, nil, drops)
}

// TriggerSchedules implements Client.
func (r *Runtime) TriggerSchedules(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	schedules, err := r.allSchedules(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	runs := map[id.ID]id.ID{}
	for i := range schedules {
		run, err := r.runNow(ctx, &schedules[i])
		if err != nil {
			return nil, err
		}
		runs[schedules[i].ID] = run
	}
	started := make([]id.ID, len(ids))
	for i, one := range ids {
		started[i] = runs[one]
	}
	return started, nil
}

// runNow starts a run of s, and waits for its commit.
func (r *Runtime) runNow(ctx context.Context, s *core.Schedule) (id.ID, error) {
	ref, pending := r.answers.expect(1)
	defer r.answers.forget(ref)
	fire := &core.Fire{Ref: ref, Schedule: s.ID}
	if err := r.sendFire(ctx, s, fire, []tick{{at: r.now()}}); err != nil {
		return 0, err
	}
	select {
	case <-pending.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-r.failed:
		return 0, r.unavailable()
	}
	switch a := pending.got[0]; a.Kind {
	case core.AnswerDone:
	case core.AnswerHeld:
		return 0, held(fire.Runs[0].Once.Key, a.Task)
	default:
		return 0, fault.New(fault.NotFound, "schedule_ids", "no schedule %s", s.ID)
	}
	return fire.Runs[0].Run.Task.ID, nil
}
