// Package quota is what must not go faster than others allow: calls to a service that
// counts them.
//
// It owns no state. It promises that the code of the guide docs/guides/rate-limits.md is
// what its tests run.
package quota

import (
	"context"
	"time"

	"github.com/adzehq/adze"
)

// Call is a request of an account.
type Call struct {
	Account string `json:"account"`
	Tokens  int    `json:"tokens"`
	Plan    int    `json:"plan"` // tokens a minute that the account has paid for
}

// Ask sends a prompt: 100 requests a second are allowed in all, and each account has so
// many tokens a minute as its plan says.
var Ask = adze.NewTask("ask", ask,
	adze.Rate(adze.RateLimit{Name: "requests", Limit: 100, Period: time.Second}),
	adze.Rate(adze.RateLimit{
		Name: "tokens", Key: "input.account", UnitsExpression: "input.tokens",
		LimitExpression: "input.plan", Period: time.Minute, Smooth: true,
	}),
)

// Poll looks at a mailbox, 10 times a minute at most, evenly.
var Poll = adze.NewTask("poll", poll, adze.Throttle(10, time.Minute))

func ask(_ context.Context, c Call) (string, error) { return "answer for " + c.Account, nil }

func poll(context.Context, string) (int, error) { return 0, nil }

// slowDown has the service spared for a while: of all requests, and of one account.
func slowDown(ctx context.Context, client *adze.Client) error {
	if err := client.SetRate(ctx, "requests", adze.RateSetting{Limit: new(10)}); err != nil {
		return err
	}
	return client.SetRate(ctx, "tokens", adze.RateSetting{Key: "ann", Limit: new(500)})
}
