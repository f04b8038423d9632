package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

// events measures events that start runs: one workflow of a thousand asks for each,
// from the first push until all runs have ended.
func (b *bench) events(ctx context.Context) error {
	r, err := b.newRig(ctx, "events")
	l := &load{}
	if err == nil {
		l = newLoad(r.client, "bench.events", adze.On(eventKey))
		err = bystanders(ctx, r.client)
	}
	if err != nil {
		return errors.Join(err, r.end())
	}
	stop, err := l.work(ctx)
	if err != nil {
		return errors.Join(err, r.end())
	}
	err = b.eventLoads(ctx, r, l)
	return errors.Join(err, stop(), r.end())
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
