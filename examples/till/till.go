// Package till is a shop with one till: who waits in its queue can be told why, and for
// how long.
//
// It owns the task and the words for whoever waits. It promises that these come from the
// engine and are not guessed.
package till

import (
	"context"
	"fmt"
	"io"

	"github.com/adzehq/adze"
)

// Basket is what somebody wants to pay for.
type Basket struct {
	Items int
}

// New is the task of a cashier.
func New(ring func(ctx context.Context, b Basket) (cents int, err error)) *adze.Task[Basket, int] {
	return adze.NewTask("ring-up", ring)
}

// Tell says to whoever waits what they wait for.
func Tell(ctx context.Context, client *adze.Client, run adze.ID, to io.Writer) error {
	told, err := client.Why(ctx, run)
	if err != nil {
		return err
	}
	for _, r := range told.Reasons {
		switch r.Cause {
		case adze.CauseBusy:
			fmt.Fprintf(to, "%d before you\n", r.Ahead)
		case adze.CauseNoWorker:
			fmt.Fprintln(to, "the till is not open yet")
		default:
			fmt.Fprintln(to, r.Text)
		}
	}
	return nil
}

// Deepest is the queue in which most wait.
func Deepest(ctx context.Context, client *adze.Client) (name string, err error) {
	o, err := client.Overview(ctx)
	if err != nil {
		return "", err
	}
	var most int64
	for _, q := range o.Queues {
		if q.Ready > most {
			name, most = q.Name, q.Ready
		}
	}
	return name, nil
}
