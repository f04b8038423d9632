package outline

import (
	"github.com/adzehq/adze/internal/core"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// MomentsToWire gives what happened to the attempts of a task.
func MomentsToWire(from []core.Moment) []*wire.Moment {
	list := make([]*wire.Moment, len(from))
	for i := range from {
		m := &from[i]
		list[i] = &wire.Moment{
			Kind: m.Kind.String(), AtMs: int64(m.At), Attempt: m.Attempt, WorkerId: uint64(m.Worker),
			DeadlineMs: int64(m.Deadline), ByMs: m.ByMS,
			AssignedMs: int64(m.Assigned), StartedMs: int64(m.Started),
		}
	}
	return list
}
