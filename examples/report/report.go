// Package report is an example: a report each working day, a clean-up each night, and
// reminders that are made, moved and taken back while the program runs.
//
// It owns no state. It promises that the code of the guide docs/guides/schedules.md is
// here, and does what the guide says.
package report

import (
	"context"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

// Period says what a report is about.
type Period struct {
	Days int
}

// Report is written each working day at nine in Berlin.
var Report = adze.NewTask("report", write,
	adze.Cron("0 9 * * 1-5", adze.In("Europe/Berlin"), adze.Input(Period{Days: 1})),
)

func write(ctx context.Context, p Period) (string, error) {
	return fmt.Sprintf("a report of %d days", p.Days), nil
}

// CleanUp runs each night, within ten minutes after two, and never twice at a time.
var CleanUp = adze.NewTask("clean-up", cleanUp,
	adze.Cron("0 2 * * *",
		adze.Named("nightly"),
		adze.Jitter(10*time.Minute),
		adze.SkipWhileRunning(),
		adze.CatchUpNone(),
	),
)

func cleanUp(ctx context.Context, _ any) (any, error) { return nil, nil }

// Reminder is what Remind says, and to whom.
type Reminder struct {
	User, Text string
}

// Remind reminds a user of something.
var Remind = adze.NewTask("remind", remind)

func remind(ctx context.Context, r Reminder) (string, error) {
	return r.User + ": " + r.Text, nil
}

// Trial reminds a user a week from now that a trial ends.
func Trial(ctx context.Context, client *adze.Client, user string) (adze.ID, error) {
	return Remind.Schedule(ctx, client, time.Now().AddDate(0, 0, 7), Reminder{user, "your trial ends"})
}

// Extend puts the end of a trial off.
func Extend(ctx context.Context, client *adze.Client, reminder adze.ID, to time.Time) error {
	return client.MoveSchedule(ctx, reminder, to)
}

// Buy ends a trial early.
func Buy(ctx context.Context, client *adze.Client, reminder adze.ID) error {
	_, err := client.DeleteSchedules(ctx, reminder)
	return err
}

// Subscribe has a report written for a customer, at the times that the customer says.
func Subscribe(ctx context.Context, client *adze.Client, customer, times, zone string) (adze.ID, error) {
	return Report.Cron(ctx, client, "report:"+customer, times, Period{Days: 7}, adze.In(zone))
}
