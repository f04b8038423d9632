// Package signup is an example of events: who signs up is greeted, whoever pays gets a
// guide of their own, and all that users do is counted.
//
// It owns what the guide on events shows. It promises nothing beyond that: the code of
// the guide is this code.
package signup

import (
	"context"
	"fmt"

	"github.com/adzehq/adze"
)

// User is what events about users bring.
type User struct {
	Name string `json:"name"`
	Plan string `json:"plan"`
}

// Letter is what Greet and Guide write.
type Letter struct {
	To   string
	Text string
}

// Greet is run for each user who signs up.
var Greet = adze.NewTask("greet", greet, adze.On("user.created"))

func greet(_ context.Context, u User) (Letter, error) {
	return Letter{u.Name, "Hello, " + u.Name}, nil
}

// Guide is run when a user begins to pay, in one of two ways.
var Guide = adze.NewTask("guide", guide,
	adze.On("user.created", adze.If(`event.plan == "pro"`)),
	adze.On("user.upgraded"),
)

func guide(ctx context.Context, u User) (Letter, error) {
	var office struct{ City string }
	if _, err := adze.EventOf(ctx).FilterPayload(&office); err != nil {
		return Letter{}, err
	}
	if office.City == "" {
		office.City = "our"
	}
	return Letter{u.Name, fmt.Sprintf("You have a guide at %s office", office.City)}, nil
}

// Audit is run for all that is told of users.
var Audit = adze.NewTask("audit", audit, adze.On("user.*"))

func audit(ctx context.Context, u User) (string, error) {
	event := adze.EventOf(ctx)
	return fmt.Sprintf("%s %s (%s)", u.Name, event.Key, event.ID), nil
}

// SignUp tells that a user signed up.
func SignUp(ctx context.Context, client *adze.Client, u User, region string) (adze.ID, error) {
	pushed, err := client.Push(ctx, "user.created", u, adze.Scope(region))
	if err != nil {
		return 0, err
	}
	return pushed.ID, nil
}

// Import tells of many users at once: of all, or of none.
func Import(ctx context.Context, client *adze.Client, users []User) ([]adze.Pushed, error) {
	events := make([]adze.NewEvent, len(users))
	for i, u := range users {
		events[i] = adze.NewEvent{Key: "user.created", Payload: u}
	}
	return client.PushMany(ctx, events...)
}
