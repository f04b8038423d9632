// Package outage is what is done after an outage: look at what failed and why, try some of
// it again, then all.
//
// It owns a task that charges cards at a Bank, and the steps of whoever clears up. It
// promises that a charge which failed is replayed once, however often and by how many it is
// cleared up.
package outage

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/adzehq/adze"
)

// Order is the input of the task.
type Order struct {
	Number int `json:"number"`
	Cents  int `json:"cents"`
}

// Bank is the world outside.
type Bank interface {
	Charge(ctx context.Context, order int, cents int) error
}

// New makes the task.
func New(bank Bank) *adze.Task[Order, int] {
	return adze.NewTask("charge", func(ctx context.Context, o Order) (int, error) {
		if err := bank.Charge(ctx, o.Number, o.Cents); err != nil {
			return 0, fmt.Errorf("charge order %d: %w", o.Number, err)
		}
		return o.Cents, nil
	})
}

// Report tells what failed within the last hour, most of it first.
func Report(ctx context.Context, client *adze.Client, to io.Writer, now time.Time) error {
	groups, err := client.Failures(ctx, adze.FailureFilter{
		Task: "charge", Since: now.Add(-time.Hour),
	})
	if err != nil {
		return err
	}
	for _, g := range groups {
		fmt.Fprintf(to, "%d runs: %s (%s)\n", g.Runs, g.Error, g.Fingerprint)
	}
	return nil
}

// Try replays five of the runs that failed for a reason, to see whether it is over.
func Try(ctx context.Context, client *adze.Client, reason adze.Fingerprint) ([]adze.ID, error) {
	done, err := client.Redrive(ctx, adze.Redrive{
		FailureFilter: adze.FailureFilter{Task: "charge", Fingerprint: reason},
		Limit:         5,
	})
	return done.Sample, err
}

// ClearUp replays what is left of them, and tells how many that were.
func ClearUp(ctx context.Context, client *adze.Client, to io.Writer, reason adze.Fingerprint) (int, error) {
	what := adze.Redrive{FailureFilter: adze.FailureFilter{Task: "charge", Fingerprint: reason}}
	what.DryRun = true
	would, err := client.Redrive(ctx, what)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(to, "%d to go, %d done\n", would.Runs, would.Skipped)
	what.DryRun = false
	done, err := client.Redrive(ctx, what)
	return done.Runs, err
}
