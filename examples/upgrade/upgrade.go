// Package upgrade greets users who sign up, and writes again after a week to those who
// have not upgraded.
//
// It owns the workflow; who sends mail and who pushes events is the program's. It
// promises that a user gets each mail once at most, and the second one only if nothing
// was heard of an upgrade while it waited.
package upgrade

import (
	"context"
	"time"

	"github.com/adzehq/adze"
)

// User is who signed up.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// Send writes a mail. It is called again with the same key if it fails, or its worker
// is lost.
type Send func(ctx context.Context, key adze.ID, user User, mail string) error

// New is the workflow: it runs for each event "user.signed_up", whose payload is the user.
// "user.upgraded" is pushed with the user's id as its scope.
func New(send Send) *adze.Workflow[User] {
	mail := func(text string) func(context.Context, User) (any, error) {
		return func(ctx context.Context, u User) (any, error) { return nil, send(ctx, adze.TaskID(ctx), u, text) }
	}
	w := adze.NewWorkflow[User]("upgrade", adze.On("user.signed_up"), adze.Retries(5))
	hi := adze.AddTask(w, "hi", mail("hi"))
	adze.AddTask(w, "upgrade", mail("upgrade"), adze.After(hi),
		adze.WaitFor(adze.Passed(7*24*time.Hour)),
		adze.SkipWhen(adze.Happened("user.upgraded", adze.ScopeFrom("input.id"))))
	return w
}
