package outline

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// NewEntryToWire gives what a durable task adds to its log, with the runs that it spawns.
func NewEntryToWire(e *core.NewEntry, spawn []shard.NewRun) *wire.NewEntry {
	return &wire.NewEntry{
		Index: e.Index, Kind: wire.EntryKind(e.Kind), Name: e.Name, Data: e.Data, Error: e.Error,
		Conditions: waitToWire(e.Conditions), Spawn: RunsToWire(spawn, shard.Parent{}), EventId: uint64(e.Event),
	}
}

// NewEntryFromWire is the inverse of NewEntryToWire.
func NewEntryFromWire(e *wire.NewEntry) (*core.NewEntry, []shard.NewRun) {
	var spawn []shard.NewRun
	policy := core.CloseLeave
	if len(e.GetSpawn()) > 0 {
		spawn = RunsFromWire(e.GetSpawn())
		policy = spawn[0].Policy
	}
	return &core.NewEntry{
		Index: e.GetIndex(), Kind: entryKind(e.GetKind()), Name: e.GetName(), Data: e.GetData(), Error: e.GetError(),
		Conditions: waitFromWire(e.GetConditions()), Policy: policy, Event: id.ID(e.GetEventId()),
	}, spawn
}

// entryKind is 0 for a kind that is not known here. The numbers are those of the core.
func entryKind(k wire.EntryKind) core.EntryKind {
	if k < wire.EntryKind(core.EntryStep) || k > wire.EntryKind(core.EntryAnswer) {
		return 0
	}
	return core.EntryKind(k)
}

// LogToWire gives rows of a log.
func LogToWire(from []core.Entry) []*wire.Entry {
	var list []*wire.Entry
	for i := range from {
		e := &from[i]
		list = append(list, &wire.Entry{
			Index: e.Index, Kind: wire.EntryKind(e.Kind), Name: e.Name, Data: e.Data, Error: e.Error,
			AtMs: int64(e.At), Conditions: waitToWire(e.Conditions),
		})
	}
	return list
}

// LogFromWire is the inverse of LogToWire.
func LogFromWire(from []*wire.Entry) []core.Entry {
	var list []core.Entry
	for _, e := range from {
		list = append(list, core.Entry{
			Index: e.GetIndex(), Kind: entryKind(e.GetKind()), Name: e.GetName(), Data: e.GetData(), Error: e.GetError(),
			At: core.Time(e.GetAtMs()), Conditions: waitFromWire(e.GetConditions()),
		})
	}
	return list
}

// MetsToWire gives conditions that were met.
func MetsToWire(from []core.Met) []*wire.Met {
	var list []*wire.Met
	for i := range from {
		m := &from[i]
		list = append(list, &wire.Met{
			TaskId: uint64(m.Task), Token: uint64(m.Token), Index: m.Index, Condition: m.Condition,
			Order: m.Order, AtMs: int64(m.At), EventId: uint64(m.Event), Data: m.Data,
		})
	}
	return list
}

// MetsFromWire is the inverse of MetsToWire.
func MetsFromWire(from []*wire.Met) []core.Met {
	var list []core.Met
	for _, m := range from {
		list = append(list, core.Met{
			Task: id.ID(m.GetTaskId()), Token: core.Token(m.GetToken()), Index: m.GetIndex(), Condition: m.GetCondition(),
			Order: m.GetOrder(), At: core.Time(m.GetAtMs()), Event: id.ID(m.GetEventId()), Data: m.GetData(),
		})
	}
	return list
}

// CameToWire gives events that a task of a graph waited for.
func CameToWire(from []shard.CameEvent) []*wire.CameEvent {
	var list []*wire.CameEvent
	for i := range from {
		e := &from[i]
		list = append(list, &wire.CameEvent{EventId: uint64(e.ID), Key: e.Key, Scope: e.Scope, Payload: e.Payload, AtMs: int64(e.At)})
	}
	return list
}

// CameFromWire is the inverse of CameToWire.
func CameFromWire(from []*wire.CameEvent) []shard.CameEvent {
	var list []shard.CameEvent
	for _, e := range from {
		list = append(list, shard.CameEvent{
			ID: id.ID(e.GetEventId()), Key: e.GetKey(), Scope: e.GetScope(), Payload: e.GetPayload(), At: core.Time(e.GetAtMs()),
		})
	}
	return list
}

// LeftToWire gives what is left to wait for of a wait, none if it is nil.
func LeftToWire(w *core.Wait) []*wire.WaitCondition {
	if w == nil {
		return nil
	}
	met := map[int32]bool{} // groups
	for _, place := range w.Met {
		if c := &w.Conditions[place]; c.Action == core.WaitGo {
			met[c.Group] = true
		}
	}
	left := slices.DeleteFunc(slices.Clone(w.Conditions), func(c core.Condition) bool {
		return c.Action != core.WaitGo || met[c.Group]
	})
	return waitToWire(left)
}

func waitToWire(from []core.Condition) []*wire.WaitCondition {
	var list []*wire.WaitCondition
	for i := range from {
		c := &from[i]
		to := &wire.WaitCondition{
			Group: c.Group, UntilMs: int64(c.Due), ForMs: c.ForMS,
			Event: c.Key, Scope: c.Scope, Scoped: c.Scoped, Signal: c.Signal, Filter: c.Filter, After: uint64(c.After),
		}
		for _, run := range c.Runs {
			to.Runs = append(to.Runs, uint64(run))
		}
		list = append(list, to)
	}
	return list
}

// waitFromWire tells kinds apart by what is filled in; what fits none is of kind 0.
func waitFromWire(from []*wire.WaitCondition) []core.Condition {
	var list []core.Condition
	for _, c := range from {
		to := core.Condition{
			Kind: conditionKind(c), Group: c.GetGroup(), Due: core.Time(c.GetUntilMs()), ForMS: c.GetForMs(),
			Key: c.GetEvent(), Scope: c.GetScope(), Scoped: c.GetScoped(), Signal: c.GetSignal(),
			Filter: c.GetFilter(), After: id.ID(c.GetAfter()),
		}
		for _, run := range c.GetRuns() {
			to.Runs = append(to.Runs, id.ID(run))
		}
		list = append(list, to)
	}
	return list
}

func conditionKind(c *wire.WaitCondition) core.ConditionKind {
	sleeps, listens, awaits := c.GetUntilMs() != 0 || c.GetForMs() != 0, c.GetEvent() != "", len(c.GetRuns()) > 0
	switch {
	case sleeps && !listens && !awaits:
		return core.OnSleep
	case listens && !sleeps && !awaits:
		return core.OnEvent
	case awaits && !sleeps && !listens:
		return core.OnRuns
	default:
		return 0
	}
}
