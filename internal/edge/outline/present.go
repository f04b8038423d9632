package outline

import (
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// WorkersToWire gives workers as they travel.
func WorkersToWire(from []shard.Worker) *wire.ListWorkersResponse {
	to := &wire.ListWorkersResponse{}
	for i := range from {
		w := &from[i]
		one := &wire.Worker{
			WorkerId: uint64(w.Worker), Tenant: w.Owner, Name: w.Name, Sdk: w.SDK, Actions: w.Actions, Labels: w.Labels,
			Running: int32(w.Running), Guests: int32(w.Guests), Paused: w.Paused, AwayUntilMs: int64(w.Until),
		}
		for _, room := range w.Rooms {
			one.Rooms = append(one.Rooms, &wire.Worker_Room{Type: room.Type, Slots: room.Slots, Used: room.Used})
		}
		to.Workers = append(to.Workers, one)
	}
	return to
}
