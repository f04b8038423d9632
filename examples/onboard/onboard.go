// Package onboard is a durable task: who signs up is greeted, and after a week is told
// about the upgrade, unless they have upgraded by then.
//
// It owns the order of things and nothing of the mail. It promises that each mail is sent
// once, whatever dies in that week, and that nobody is told about what they have.
package onboard

import (
	"context"
	"time"

	"github.com/adzehq/adze"
)

const week = 7 * 24 * time.Hour

// User is who signed up.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// Upgrade is what comes with the event of an upgrade.
type Upgrade struct {
	Plan string `json:"plan"`
}

// Send sends a mail. It may be called again with the same key, and sends nothing then.
type Send func(ctx context.Context, key, to, template string) error

// New makes the task. An event user.created starts a run of it; an event user.upgraded,
// with the user's ID as its scope, ends the wait.
func New(send Send) *adze.Task[User, string] {
	return adze.NewDurable("onboard", func(ctx context.Context, user User) (string, error) {
		mail := func(template string) error {
			return adze.Do(ctx, "send "+template, func(ctx context.Context) error {
				return send(ctx, adze.TaskID(ctx).String()+template, user.Email, template)
			}, adze.StepRetries(5))
		}
		if err := mail("hi"); err != nil {
			return "", err
		}
		upgraded := adze.OnEvent[Upgrade]("user.upgraded", adze.Scope(user.ID), adze.LookBack(time.Hour))
		switch first, err := adze.Any(ctx, upgraded, adze.OnSleep(week)); {
		case err != nil:
			return "", err
		case first == upgraded:
			return upgraded.Payload().Plan, nil
		}
		return "reminded", mail("upgrade")
	}, adze.On("user.created"))
}
