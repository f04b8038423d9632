package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

// events measures events that start runs: one workflow of a thousand asks for each,
// from the first push until all runs have ended.
func (b *bench) events(ctx context.Context) error {
	return b.rigged(ctx, "events", func(r *rig) error {
		if err := bystanders(ctx, r.client); err != nil {
			return err
		}
		return r.loaded(ctx, "events", func(r *rig, l *load) error { return b.eventLoads(ctx, r, l) }, adze.On(eventKey))
	})
}

const (
	eventKey       = "bench.happened"
	bystandersMany = 999
)

// bystanders registers workflows that wait for other events.
func bystanders(ctx context.Context, client *adze.Client) error {
	for i := range bystandersMany {
		definition := fmt.Sprintf(`{"name": "bench.bystander%d", "tasks": [{}], "triggers": [{"event": "other%d.*"}]}`, i, i)
		if _, err := client.Import(ctx, []byte(definition)); err != nil {
			return fmt.Errorf("register bystander: %w", err)
		}
	}
	return nil
}

// eventLoads pushes one at a time from many goroutines, and then many a call.
func (b *bench) eventLoads(ctx context.Context, r *rig, l *load) error {
	err := b.measured(ctx, r, l, "events", func() (int, error) {
		until := time.Now().Add(b.span())
		return many(submitters, func() (n int, err error) {
			for ; time.Now().Before(until); n++ {
				if _, err := l.client.Push(ctx, eventKey, ping{Sent: time.Now().UnixNano()}); err != nil {
					return n, err
				}
			}
			return n, nil
		})
	})
	if err != nil {
		return err
	}
	return b.measured(ctx, r, l, "events-many", func() (int, error) {
		until := time.Now().Add(b.span())
		return many(bulkCallers, func() (n int, err error) {
			events := make([]adze.NewEvent, bulkSize)
			for i := range events {
				events[i] = adze.NewEvent{Key: eventKey, Payload: ping{}}
			}
			for ; time.Now().Before(until); n += bulkSize {
				if _, err := l.client.PushMany(ctx, events...); err != nil {
					return n, err
				}
			}
			return n, nil
		})
	})
}
