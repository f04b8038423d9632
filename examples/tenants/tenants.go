// Package tenants is a service whose customers share workers: its queue is fair, and what
// they may do at a time is limited.
//
// It owns no state. It promises that the code of the guides docs/guides/fairness.md and
// docs/guides/concurrency.md is what its tests run.
package tenants

import (
	"context"
	"time"

	"github.com/adzehq/adze"
)

// Page is what is read for a customer.
type Page struct {
	Customer string `json:"customer"`
	Document string `json:"document"`
	Tier     string `json:"tier"`
	Number   int    `json:"number"`
}

// Read is fair: customers take turns, however many pages of each wait.
var Read = adze.NewTask("read", read,
	adze.Queue("pages"),
	adze.FairKey("input.customer"),
)

// Render takes long for some pages, and waits in the same queue.
var Render = adze.NewTask("render", read,
	adze.Queue("rendering", adze.ByCost(), adze.Ageing(time.Minute)),
	adze.FairKey("input.customer"),
	adze.DefaultPriority(-10),
)

// Translate has at most two pages of a customer under way, and twenty in all.
var Translate = adze.NewTask("translate", read,
	adze.Limit(adze.ConcurrencyLimit{Name: "customer", Key: "input.customer", Max: 2}),
	adze.Limit(adze.ConcurrencyLimit{Max: 20}),
)

// Summarize shares the places of customers with Translate.
var Summarize = adze.NewTask("summarize", read,
	adze.Limit(adze.ConcurrencyLimit{Name: "customer", Key: "input.customer"}),
)

// Index lets those who pay have more places.
var Index = adze.NewTask("index", read,
	adze.Limit(adze.ConcurrencyLimit{Key: "input.customer", MaxExpression: `input.tier == "pro" ? 10 : 1`}),
)

// Preview shows the newest state of a document: what is older is in vain.
var Preview = adze.NewTask("preview", read,
	adze.Limit(adze.ConcurrencyLimit{Key: "input.document", Strategy: adze.LimitCancelRunning}),
)

// Archive lets what people wait for have its places first, and is not kept out of them for
// ever.
var Archive = adze.NewTask("archive", read,
	adze.Limit(adze.ConcurrencyLimit{Name: "disk", Max: 4, Ageing: time.Minute}),
	adze.DefaultPriority(-10),
)

// Publish has one run of a document under way, from its first task to its last.
var Publish = publish()

func publish() *adze.Workflow[Page] {
	w := adze.NewWorkflow[Page]("publish",
		adze.Limit(adze.ConcurrencyLimit{Key: "input.document", Strategy: adze.LimitFIFO}),
	)
	proofread := adze.AddTask(w, "proofread", read)
	adze.AddTask(w, "print", read, adze.After(proofread),
		adze.Limit(adze.ConcurrencyLimit{Name: "printer", Max: 1}),
	)
	return w
}

// read stands for work.
func read(_ context.Context, p Page) (int, error) { return p.Number, nil }

// Favour gives a customer more than others while the workers run.
func Favour(ctx context.Context, client *adze.Client) error {
	// Three turns for each one of another customer.
	if err := client.SetQueue(ctx, "pages", adze.QueueSetting{Key: "acme", Weight: new(3.0)}); err != nil {
		return err
	}
	// Ten places, where others have two.
	if err := client.SetLimit(ctx, "customer", adze.LimitSetting{Key: "acme", Max: new(10)}); err != nil {
		return err
	}
	// All others have three from now on, whatever the code says.
	return client.SetLimit(ctx, "customer", adze.LimitSetting{Max: new(3)})
}
