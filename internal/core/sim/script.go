package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// script is the function of a durable task: what it does, in order, whoever runs it.
type script []command

// command is one thing that a function does; its name tells it from all others.
type command struct {
	kind core.EntryKind
	name string
}

// Bounds of what a history does, or it would not end soon.
const (
	commandsMax = 6
	spawnersMax = 40 // durable tasks whose functions may spawn
)

// scriptOf is the function of a task; a fork has that of the task it began as.
func (h *history) scriptOf(target id.ID) script {
	origin := cmp.Or(h.origins[target], target)
	s, ok := h.scripts[origin]
	if !ok {
		row := h.committed.tasks[origin]
		child := len(h.scripts) >= spawnersMax || row.Parent != 0 || h.committed.runs[row.Run].Parent != 0
		s = drawScript(rand.New(rand.NewPCG(h.seed, uint64(origin))), child)
		h.scripts[origin] = s
	}
	return s
}

// drawScript draws a function; waits are what it is about. A child spawns nothing, or
// they would never end.
func drawScript(r *rand.Rand, child bool) script {
	kinds := []core.EntryKind{
		core.EntryStep, core.EntryStep, core.EntryWait, core.EntryWait, core.EntryWait, core.EntryWait,
		core.EntrySpawn, core.EntryValue, core.EntryPatch, core.EntryAnswer,
	}
	s := script{}
	for i := range 1 + r.IntN(commandsMax) {
		kind := kinds[r.IntN(len(kinds))]
		if kind == core.EntrySpawn && child {
			kind = core.EntryStep
		}
		s = append(s, command{kind, fmt.Sprintf("%v %d", kind, i+1)})
	}
	return s
}

// book is what an attempt of a durable task knows of its log.
type book struct {
	script script
	log    []core.Entry
	mets   []core.Met
	heard  int32          // Mets told by messages since the assignment
	sent   *core.NewEntry // said, and not settled
}

// hear notes a Met; one that was read already counts as told all the same.
func (b *book) hear(m core.Met) {
	b.heard++
	if b.metAt(m.Index, m.Condition) == nil {
		b.mets = append(b.mets, m)
	}
}

func (b *book) metAt(index, condition int32) *core.Met {
	at := slices.IndexFunc(b.mets, func(m core.Met) bool { return m.Index == index && m.Condition == condition })
	if at < 0 {
		return nil
	}
	return &b.mets[at]
}

// waits tells whether the function stands at a wait that is not over, by what its
// worker knows, and its clock says.
func (b *book) waits(now core.Time) bool {
	if len(b.log) == 0 {
		return false
	}
	last := &b.log[len(b.log)-1]
	return last.Kind == core.EntryWait && !fulfilled(last.Conditions, func(i int32) bool {
		c := &last.Conditions[i]
		return b.metAt(last.Index, i) != nil || c.Kind == core.OnSleep && c.Due <= now
	})
}

// request is the last signal that the function was given and has not answered; 0 if
// there is none. The same log gives the same.
func (b *book) request() id.ID {
	for i := len(b.log) - 1; i >= 0; i-- {
		switch e := &b.log[i]; e.Kind {
		case core.EntryAnswer:
			return 0
		case core.EntryWait:
			for place := range e.Conditions {
				if met := b.metAt(e.Index, int32(place)); met != nil && e.Conditions[place].Signal {
					return met.Event
				}
			}
		}
	}
	return 0
}

// checkReplay: the log is what the function did so far, and each wait that it passed
// is over: by what was met, or by a time that its worker saw pass.
func (b *book) checkReplay(target id.ID) *Violation {
	if len(b.log) > len(b.script) {
		return broken(logsWhole, "the log of task %d has %d entries, its function does %d things", target, len(b.log), len(b.script))
	}
	for i := range b.log {
		e, want := &b.log[i], b.script[i]
		if e.Index != int32(i)+1 || e.Name != want.name {
			return broken(logsWhole, "entry %s at place %d of the log of task %d, want %q", show(e), i+1, target, want.name)
		}
		if e.Kind != core.EntryWait || i == len(b.log)-1 {
			continue
		}
		over := fulfilled(e.Conditions, func(place int32) bool {
			return e.Conditions[place].Kind == core.OnSleep || b.metAt(e.Index, place) != nil
		})
		if !over {
			return broken(toldAll, "task %d went on past entry %d, and is not told why", target, e.Index)
		}
	}
	return nil
}

// next is the next entry of the function; nil if it is at its end.
func (h *history) next(r *run) *core.NewEntry {
	b := r.book
	if len(b.log) == len(b.script) {
		return nil
	}
	c := b.script[len(b.log)]
	e := &core.NewEntry{Index: int32(len(b.log)) + 1, Kind: c.kind, Name: c.name, Data: core.Payload(fmt.Sprintf("%q", c.name))}
	switch c.kind {
	case core.EntryStep:
		if h.rand.IntN(6) == 0 {
			e.Data, e.Error = nil, "it broke"
		}
	case core.EntryWait:
		e.Data, e.Conditions = nil, h.drawConditions(r)
	case core.EntrySpawn:
		e.Policy = pick(h, []core.ClosePolicy{core.CloseLeave, core.CloseCancel})
		h.drawChildren(r.Task, e)
	case core.EntryAnswer:
		if e.Event = b.request(); e.Event == 0 {
			e.Kind = core.EntryStep
		} else if h.rand.IntN(4) == 0 {
			e.Data, e.Error = nil, "refused"
		}
	}
	return e
}

// drawConditions draws what is waited for: some of it comes, some came before, some
// never does.
func (h *history) drawConditions(r *run) []core.Condition {
	var conditions []core.Condition
	groups := 1 + h.rand.IntN(2)
	for range 1 + h.rand.IntN(3) {
		c := core.Condition{Group: int32(h.rand.IntN(groups))}
		switch kind := h.rand.IntN(6); {
		case kind <= 1:
			c.Kind = core.OnSleep
			ms := int64(h.rand.IntN(pick(h, []int{10, 5_000, 60_000})))
			if h.rand.IntN(2) == 0 {
				c.ForMS = 1 + ms
				break
			}
			c.Due = max(1, h.now+core.Time(ms-5))
		case kind == 2 && len(h.runs)+len(h.own) > 0: // or only schedules have started some
			c.Kind, c.Runs = core.OnRuns, h.drawAwaitedRuns()
		default:
			h.drawOnEvent(r, &c)
		}
		conditions = append(conditions, c)
	}
	return conditions
}

// dated is the rule of sleeps: those that say how long begin when they are recorded.
func dated(conditions []core.Condition, at core.Time) []core.Condition {
	dated := slices.Clone(conditions)
	for i := range dated {
		if c := &dated[i]; c.ForMS != 0 {
			c.Due, c.ForMS = at+core.Time(c.ForMS), 0
		}
	}
	return dated
}

var (
	eventKeys = []string{"ping", "pong"}
	scopes    = []string{"", "x", "y"}
	filters   = []string{"", "", "loud", "late"}
)

func (h *history) drawOnEvent(r *run, c *core.Condition) {
	c.Kind, c.Key, c.Filter = core.OnEvent, pick(h, eventKeys), pick(h, filters)
	c.Signal = h.rand.IntN(2) == 0
	if h.rand.IntN(3) == 0 {
		c.Scoped, c.Scope = true, pick(h, scopes)
	}
	switch h.rand.IntN(3) {
	case 0: // from now on
	case 1:
		c.After = max(1, h.lastTask-id.ID(h.rand.IntN(40)))
	case 2: // after the last one that it was given
		c.After = r.Task
		for _, met := range r.book.mets {
			c.After = max(c.After, met.Event)
		}
	}
	c.Newest = c.After != 0 && !c.Signal && h.rand.IntN(2) == 0
}

// drawAwaitedRuns draws some runs to be waited for, the newest first: children, as a
// rule, but no rule says so.
func (h *history) drawAwaitedRuns() []id.ID {
	newest := append(last(h.runs, 4), last(h.own, 10)...)
	if len(newest) == 0 { // all that runs was started by a schedule
		return []id.ID{firstTask}
	}
	var runs []id.ID
	for range 1 + h.rand.IntN(3) {
		runs = append(runs, pick(h, newest))
	}
	return runs
}

func last(ids []id.ID, n int) []id.ID {
	return slices.Clone(ids[max(0, len(ids)-n):])
}
