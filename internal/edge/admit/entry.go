package admit

import (
	"fmt"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// What an entry of the log of a durable task may bring.
const (
	EntryNameBytesMax       = 255                // steps, waits, values, patches; keys and scopes of events
	WaitConditionsMax       = core.ConditionsMax // of one wait
	WaitRunsMax             = core.RunsMax       // of one condition
	SpawnMax                = RunsMax            // children of one entry
	ChildKeyBytesMax        = 255
	EntriesMax              = 1_000_000 // of one log
	groupMax          int32 = core.ConditionsMax - 1
)

// Entry checks what a durable task adds to its log, with the runs that it spawns, and
// fills in what was left out. The fields it names are those of the wire's NewEntry.
func (l Limits) Entry(e *core.NewEntry, spawn []shard.NewRun) error {
	if err := between("index", int64(e.Index), 1, EntriesMax); err != nil {
		return err
	}
	if e.Name == "" {
		return invalid("name", "is empty; name what the task does here")
	}
	if err := text("name", e.Name, EntryNameBytesMax); err != nil {
		return err
	}
	if e.Kind != core.EntrySpawn && len(spawn) > 0 {
		return invalid("spawn", "stands in an entry of kind %s", e.Kind)
	}
	switch e.Kind {
	case core.EntryStep, core.EntryValue:
		return l.gave(e)
	case core.EntryWait:
		return waits(e.Conditions)
	case core.EntrySpawn:
		return l.children(spawn)
	case core.EntryAnswer:
		if e.Event == 0 {
			return invalid("event_id", "is empty; name the request that is answered")
		}
		return l.gave(e)
	case core.EntryPatch:
		return nil
	default:
		return invalid("kind", "is unknown; say step, wait, spawn, value, patch or answer")
	}
}

// gave checks what a step, a value or an answer is.
func (l Limits) gave(e *core.NewEntry) error {
	if e.Error != "" {
		e.Error = fit(e.Error, ReportErrorBytesMax)
	}
	data, err := payload("data", e.Data, l.outputBytesMax())
	e.Data = data
	return err
}

func waits(conditions []core.Condition) error {
	switch n := len(conditions); {
	case n == 0:
		return invalid("conditions", "is empty; name one thing at least to wait for")
	case n > WaitConditionsMax:
		return invalid("conditions", "has %d entries, at most %d are allowed", n, WaitConditionsMax)
	}
	for i := range conditions {
		if err := condition(&conditions[i]); err != nil {
			return fault.At(fmt.Sprintf("conditions[%d]", i), err)
		}
	}
	return nil
}

// condition checks one thing that is waited for.
func condition(c *core.Condition) error {
	if err := between("group", int64(c.Group), 0, int64(groupMax)); err != nil {
		return err
	}
	switch c.Kind {
	case core.OnSleep:
		return sleep(c)
	case core.OnEvent:
		return listens(c)
	case core.OnRuns:
		return awaits(c.Runs)
	default:
		return invalid("", "says nothing to wait for, or several things; give one of until_ms, for_ms, event and runs")
	}
}

func sleep(c *core.Condition) error {
	if c.ForMS != 0 && c.Due != 0 {
		return invalid("for_ms", "stands beside until_ms; give one of them")
	}
	if err := duration("for_ms", c.ForMS); err != nil {
		return err
	}
	return between("until_ms", int64(c.Due), 0, RunAtMSMax)
}

func listens(c *core.Condition) error {
	if err := text("event", c.Key, EntryNameBytesMax); err != nil {
		return err
	}
	if err := text("scope", c.Scope, EntryNameBytesMax); err != nil {
		return err
	}
	if c.Filter == "" {
		return nil
	}
	if err := text("filter", c.Filter, expr.BytesMax); err != nil {
		return err
	}
	if _, err := expr.Event.Compile(c.Filter); err != nil {
		return invalid("filter", "%s", err)
	}
	return nil
}

func awaits(runs []id.ID) error {
	if len(runs) > WaitRunsMax {
		return invalid("runs", "has %s entries, at most %s are allowed", thousands(int64(len(runs))), thousands(WaitRunsMax))
	}
	for i, run := range runs {
		if run <= 0 {
			return invalid(fmt.Sprintf("runs[%d]", i), "is no id of a run")
		}
	}
	return nil
}

// children checks the runs that an entry spawns. Its place in the log is their key.
func (l Limits) children(spawn []shard.NewRun) error {
	if err := Count("spawn", len(spawn), SpawnMax); err != nil {
		return err
	}
	for i := range spawn {
		err := l.Run(&spawn[i])
		switch {
		case err != nil:
		case spawn[i].Key != "":
			err = invalid("key", "is not for a child of a log, whose place there is its key; leave it empty")
		case spawn[i].Policy != spawn[0].Policy:
			err = invalid("on_close", "is another one than that of the first child; make two entries")
		default:
			err = policy(spawn[i].Policy)
		}
		if err != nil {
			return fault.At(fmt.Sprintf("spawn[%d]", i), err)
		}
	}
	return nil
}

func policy(p core.ClosePolicy) error {
	if p > core.CloseCancel {
		return invalid("on_close", "is unknown; say leave or cancel")
	}
	return nil
}

// Fork checks what a run is forked with; an empty input is that of the run.
func (l Limits) Fork(index int32, input []byte) ([]byte, error) {
	if err := between("index", int64(index), 1, EntriesMax+1); err != nil {
		return nil, err
	}
	if len(input) == 0 {
		return nil, nil
	}
	return payload("input", input, l.inputBytesMax())
}

// ValueName checks the name of a value that is asked for.
func ValueName(name string) error { return text("name", name, EntryNameBytesMax) }
