// Package trip is a durable task that books a trip: children for the flight and the
// hotel, a traveller who has to confirm in time, and what was booked undone if not.
//
// It owns the order of things and nothing of the bookings. It promises that a trip is
// booked as a whole or not at all, and that its traveller can ask how far it is.
package trip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

// Trip is what is wanted.
type Trip struct {
	To      string `json:"to"`
	Nights  int    `json:"nights"`
	Express bool   `json:"express"`
}

// Confirmation is what the traveller says to the offer.
type Confirmation struct {
	Code string `json:"code"`
}

// Agency is the world outside. Its methods may be called again with the same key: they
// do nothing then that they have done before.
type Agency interface {
	Flight(ctx context.Context, key adze.ID, to string) (ticket string, err error)
	Room(ctx context.Context, key adze.ID, to string, nights int) (room string, err error)
	Undo(ctx context.Context, key, booking string) error
}

// Tasks are what a worker runs.
type Tasks struct {
	Book   *adze.Task[Trip, string]
	Flight *adze.Task[Trip, string]
	Room   *adze.Task[Trip, string]
}

// ErrNotConfirmed says that the traveller did not answer in time.
var ErrNotConfirmed = errors.New("nobody confirmed")

// New makes the tasks of an agency.
func New(agency Agency) *Tasks {
	flight := adze.NewTask("trip/flight", func(ctx context.Context, t Trip) (string, error) {
		return agency.Flight(ctx, adze.TaskID(ctx), t.To)
	}, adze.Retries(3))
	room := adze.NewTask("trip/room", func(ctx context.Context, t Trip) (string, error) {
		return agency.Room(ctx, adze.TaskID(ctx), t.To, t.Nights)
	}, adze.Retries(3))

	undo := func(ctx context.Context, booking string) error {
		return adze.Do(ctx, "undo "+booking, func(ctx context.Context) error {
			return agency.Undo(ctx, adze.TaskID(ctx).String(), booking)
		}, adze.StepRetries(10))
	}

	book := adze.NewDurable("trip", func(ctx context.Context, t Trip) (string, error) {
		if err := adze.SetValue(ctx, "stage", "booking"); err != nil {
			return "", err
		}
		ticket, err := adze.Call(ctx, flight, t)
		if err != nil {
			return "", err
		}
		bed, err := adze.Call(ctx, room, t)
		if err != nil {
			return "", errors.Join(err, undo(ctx, ticket))
		}
		if err := confirmed(ctx, t); err != nil {
			return "", errors.Join(err, undo(ctx, bed), undo(ctx, ticket))
		}
		return fmt.Sprintf("%s, %s", ticket, bed), nil
	})
	return &Tasks{Book: book, Flight: flight, Room: room}
}

// confirmed waits for the traveller.
func confirmed(ctx context.Context, t Trip) error {
	if err := adze.SetValue(ctx, "stage", "waiting for you"); err != nil {
		return err
	}
	deadline := adze.Now(ctx).Add(48 * time.Hour)
	if t.Express && adze.Patched(ctx, "express trips") {
		deadline = adze.Now(ctx).Add(time.Hour)
	}
	late, stop := adze.OnTime(deadline), adze.OnSignal[string]("stop")
	for {
		confirm := adze.OnUpdate[Confirmation, string]("confirm")
		switch first, err := adze.Any(ctx, confirm, stop, late); {
		case err != nil:
			return err
		case first == late:
			return ErrNotConfirmed
		case first == stop:
			return fmt.Errorf("stopped: %s", stop.Payload())
		}
		if confirm.Input().Code == "4711" {
			return confirm.Reply(ctx, "have a good trip")
		}
		if err := confirm.Reject(ctx, errors.New("that is not your code")); err != nil {
			return err
		}
	}
}
