package upgrade

import (
	"context"
	"errors"
	"time"

	"github.com/adzehq/adze"
)

// Invoice is what a user has to pay.
type Invoice struct {
	ID    string `json:"id"`
	User  User   `json:"user"`
	Cents int    `json:"cents"`
}

// Payment is the payload of the event "invoice.paid", whose scope is the invoice's id.
type Payment struct {
	Cents int    `json:"cents"`
	By    string `json:"by"`
}

const day = 24 * time.Hour

// NewInvoice is a workflow that sends an invoice, and then a receipt or a reminder.
func NewInvoice(send Send) *adze.Workflow[Invoice] {
	w := adze.NewWorkflow[Invoice]("invoice", adze.Retries(5))
	mail := func(ctx context.Context, i Invoice, text string) error {
		return send(ctx, adze.TaskID(ctx), i.User, text)
	}
	sent := adze.AddTask(w, "send", func(ctx context.Context, i Invoice) (any, error) {
		return nil, mail(ctx, i, "please pay")
	})

	paid := adze.Happened("invoice.paid", adze.ScopeFrom("input.id"), adze.If("event.cents > 0"))

	adze.AddTask(w, "remind", func(ctx context.Context, i Invoice) (any, error) {
		return nil, mail(ctx, i, "please pay now")
	}, adze.After(sent), adze.WaitFor(adze.Passed(30*day)), adze.SkipWhen(paid))

	adze.AddTask(w, "close", func(ctx context.Context, i Invoice) (any, error) {
		payment, err := adze.EventFor[Payment](ctx, "invoice.paid")
		if errors.Is(err, adze.ErrNoEvent) {
			return nil, mail(ctx, i, "you did not pay")
		}
		if err != nil {
			return nil, err
		}
		return nil, mail(ctx, i, "thank you for paying by "+payment.By)
	}, adze.After(sent), adze.WaitFor(adze.AnyOf(paid, adze.Passed(90*day))))
	return w
}
