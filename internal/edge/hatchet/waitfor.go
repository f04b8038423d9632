package hatchet

import (
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/edge/hatchet/ledger"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// never is the filter of a condition whose expression cannot be read: on this wire that is
// no error, it is just not met.
const never = "false"

// waitConditions are what a durable task waits for.
func waitConditions(from *wire.DurableEventListenerConditions) ([]ledger.Condition, error) {
	n := len(from.GetSleepConditions()) + len(from.GetUserEventConditions())
	if n == 0 || n > core.ConditionsMax {
		return nil, fault.New(fault.Invalid, "wait_for_conditions", "has %d conditions; give 1 to %d", n, core.ConditionsMax)
	}
	conditions := make([]ledger.Condition, 0, n)
	for i, s := range from.GetSleepConditions() {
		c := conditionOf(s.GetBase())
		d, ok := define.Duration(s.GetSleepFor())
		if !ok {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("sleep_conditions[%d].sleep_for", i),
				"%q is no duration; write one like 10s or 1h30m", s.GetSleepFor())
		}
		c.Sleep = s.GetSleepFor()
		c.Native = core.Condition{Kind: core.OnSleep, ForMS: max(d.Milliseconds(), 1)}
		conditions = append(conditions, c)
	}
	for i, e := range from.GetUserEventConditions() {
		c, err := eventCondition(e)
		if err != nil {
			return nil, fault.At(fmt.Sprintf("user_event_conditions[%d]", i), err)
		}
		conditions = append(conditions, c)
	}
	return conditions, nil
}

func conditionOf(base *wire.BaseMatchCondition) ledger.Condition {
	return ledger.Condition{Key: base.GetReadableDataKey(), Group: base.GetOrGroupId(), Expression: base.GetExpression()}
}

func eventCondition(from *wire.UserEventMatchCondition) (ledger.Condition, error) {
	c := conditionOf(from.GetBase())
	c.Event = from.GetUserEventKey()
	c.Native = core.Condition{Kind: core.OnEvent, Key: c.Event, Scope: from.GetEventScope(), Scoped: from.EventScope != nil}
	if err := admit.EventKey("user_event_key", c.Event); err != nil {
		return c, err
	}
	if len(c.Native.Scope) > admit.EntryNameBytesMax {
		return c, fault.New(fault.Invalid, "event_scope", "is %d bytes long, at most %d are allowed", len(c.Native.Scope), admit.EntryNameBytesMax)
	}
	if since := from.GetConsiderEventsSince(); since.IsValid() {
		c.Native.After, c.Native.Newest = max(id.First(since.AsTime())-1, 1), true
	}
	var err error
	if c.Native.Filter, err = define.WaitCondition(c.Expression); err != nil {
		c.Native.Filter = never
	}
	return c, nil
}
