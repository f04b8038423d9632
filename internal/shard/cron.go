package shard

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Cron is a schedule that is declared with a workflow.
type Cron struct {
	Name       string          `json:"name"`
	Expression string          `json:"expression"`
	Zone       string          `json:"zone,omitempty"`
	JitterMS   int64           `json:"jitter_ms,omitempty"`
	Overlap    string          `json:"overlap,omitempty"`
	CatchUp    string          `json:"catch_up,omitempty"`
	CatchUpMax int32           `json:"catch_up_max,omitempty"`
	Priority   int32           `json:"priority,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
}

// Schedule is c as the shard keeps it. Its policies are as edge/admit has checked.
func (c *Cron) Schedule(workflow string) core.Schedule {
	overlap, _ := core.ParseOverlap(c.Overlap)
	catchUp, _ := core.ParseCatchUp(c.CatchUp)
	return core.Schedule{
		Workflow: workflow, Name: c.Name, Expression: c.Expression, Zone: c.Zone, JitterMS: c.JitterMS,
		Overlap: overlap, CatchUp: catchUp, CatchUpMax: c.CatchUpMax,
		Priority: c.Priority, Input: core.Payload(c.Input), Metadata: core.Payload(c.Metadata), Declared: true,
	}
}

// cronPlan is what registering workflows does to the schedules that they declare. It
// keeps others from changing schedules until it ends.
type cronPlan struct {
	r      *Runtime
	tenant id.ID
	puts   []core.PutSchedule
	drops  []id.ID
	sent   bool
}

// planCrons holds what definitions declare against what was declared before. Those made
// at run time are not touched.
func (r *Runtime) planCrons(ctx context.Context, tenant id.ID, definitions []Definition) (*cronPlan, error) {
	if err := r.alarms.begin(ctx); err != nil {
		return nil, err
	}
	p := &cronPlan{r: r, tenant: tenant}
	if err := p.plan(ctx, definitions); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func (p *cronPlan) plan(ctx context.Context, definitions []Definition) error {
	var workflows, names []string
	for i := range definitions {
		workflows = append(workflows, definitions[i].Name)
		for j := range definitions[i].Crons {
			names = append(names, definitions[i].Crons[j].Name)
		}
	}
	declared, err := p.r.config.Store.SchedulesDeclared(ctx, p.tenant, workflows)
	if err != nil {
		return err
	}
	left := make(map[string]core.Schedule, len(declared))
	for _, s := range declared {
		left[s.Name] = s
	}
	if err := p.refuseTaken(ctx, names, left); err != nil {
		return err
	}
	for i := range definitions {
		for j := range definitions[i].Crons {
			s := definitions[i].Crons[j].Schedule(definitions[i].Name)
			s.Tenant = p.tenant
			was, known := left[s.Name]
			delete(left, s.Name)
			if err := p.add(s, was, known); err != nil {
				return err
			}
		}
	}
	for _, s := range left {
		p.drops = append(p.drops, s.ID)
	}
	slices.Sort(p.drops)
	return nil
}

// refuseTaken refuses names that another schedule has.
func (p *cronPlan) refuseTaken(ctx context.Context, names []string, ours map[string]core.Schedule) error {
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return fault.New(fault.Conflict, "crons.name", "two workflows of this call declare a cron %q; give one of them another name", names[i])
		}
	}
	named, err := p.r.config.Store.SchedulesNamed(ctx, p.tenant, names)
	if err != nil {
		return err
	}
	for _, s := range named {
		if _, ok := ours[s.Name]; !ok {
			return fault.New(fault.Conflict, "crons.name", "there is a schedule %q of workflow %q; give the cron another name, or delete that one", s.Name, s.Workflow)
		}
	}
	return nil
}

func (p *cronPlan) add(s, was core.Schedule, known bool) error {
	if known {
		s.ID, s.Paused = was.ID, was.Paused // who paused it did so at run time
	}
	item, changed, err := p.r.armed(s, was, known)
	if changed {
		p.puts = append(p.puts, item)
	}
	return err
}

// store stores what the plan came to.
func (p *cronPlan) store(ctx context.Context) error {
	if len(p.puts)+len(p.drops) == 0 {
		return nil
	}
	p.sent = true
	return p.r.storeSchedules(ctx, p.tenant, p.puts, p.drops)
}

// end lets others change schedules, unless store has taken that over.
func (p *cronPlan) end() {
	if !p.sent {
		p.r.alarms.end()
	}
}

// storeSchedules has schedules put and dropped, and waits for the commit. It ends what
// alarms.begin began, once that is known.
func (r *Runtime) storeSchedules(ctx context.Context, tenant id.ID, puts []core.PutSchedule, drops []id.ID) error {
	slices.SortFunc(puts, func(a, b core.PutSchedule) int { return cmp.Compare(a.Schedule.ID, b.Schedule.ID) })
	bytes := int64(0)
	for i := range puts {
		bytes += rowBytes + int64(len(puts[i].Schedule.Input)+len(puts[i].Schedule.Metadata))
	}
	if err := r.config.Submits.Reserve(ctx, tenant, bytes, true); err != nil {
		r.alarms.end()
		return err
	}
	answers, err := r.ask(ctx, len(puts)+len(drops), func(ref uint64) message {
		return message{
			input: &core.PutSchedules{Ref: ref, Tenant: tenant, Items: puts, Drops: drops},
			told:  func(error) { r.alarms.end() },
			gate:  r.config.Submits, holder: tenant, bytes: bytes,
		}
	})
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if answer.Kind == core.AnswerFull {
			return fault.New(fault.Exhausted, "schedules", "there would be more than %d schedules in this shard; delete some, or submit runs with a time to start at", core.SchedulesMax)
		}
	}
	return nil
}

// calendarOf is the parsed expression of s; nil of a one-off.
func (r *Runtime) calendarOf(s *core.Schedule) (calendar, error) {
	if s.Once() {
		return nil, nil
	}
	c, err := r.alarms.parse(s.Expression, s.Zone)
	if err != nil {
		return nil, fmt.Errorf("read schedule %s: %w", s.ID, err)
	}
	return c, nil
}
