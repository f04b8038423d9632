// Package order is a workflow: an order is paid, packed and shipped, and if something
// fails the customer gets the money back.
//
// It owns the graph of tasks and what each of them does with a Shop. It promises that
// an order of nothing is never billed, that one which may not leave the country is
// never charged, and that who has paid and gets nothing is refunded.
package order

import (
	"context"
	"errors"
	"time"

	"github.com/adzehq/adze"
)

// Order is the input of the workflow.
type Order struct {
	ID    string `json:"id"`
	Cents int    `json:"cents"`
}

// Stock is where the goods of an order lie.
type Stock struct {
	Shelf      string `json:"shelf"`
	Exportable bool   `json:"exportable"`
}

// Receipt is what the bank says.
type Receipt struct {
	Number string `json:"number"`
	Cents  int    `json:"cents"`
}

// Label is what goes onto the parcel.
type Label struct {
	Tracking string `json:"tracking"`
	Shelf    string `json:"shelf"`
	Receipt  string `json:"receipt"`
}

// Shop is the world outside. Its methods may be called again after a failure, with the
// same key: they do nothing then that they have done before.
type Shop interface {
	Reserve(ctx context.Context, key adze.ID, o Order) (Stock, error)
	Charge(ctx context.Context, key adze.ID, o Order) (Receipt, error)
	Send(ctx context.Context, key adze.ID, label Label) error
	Bill(ctx context.Context, key adze.ID, r Receipt) error
	Refund(ctx context.Context, key adze.ID, o Order, why []adze.TaskFailure) error
}

// Flow is the workflow, with the task whose output callers want.
type Flow struct {
	*adze.Workflow[Order]
	Ship *adze.Node[Label]
}

// New makes the workflow of a shop.
func New(shop Shop) *Flow {
	flow := adze.NewWorkflow[Order]("order",
		adze.Description("pays, packs and ships an order"),
		adze.Retries(3),
		adze.Timeout(time.Minute),
	)

	reserve := adze.AddTask(flow, "reserve", func(ctx context.Context, o Order) (Stock, error) {
		return shop.Reserve(ctx, adze.TaskID(ctx), o)
	})
	charge := adze.AddTask(flow, "charge", func(ctx context.Context, o Order) (Receipt, error) {
		return shop.Charge(ctx, adze.TaskID(ctx), o)
	}, adze.CancelIf(reserve, `!output.exportable`), adze.Retries(10))

	ship := adze.AddTask(flow, "ship", func(ctx context.Context, o Order) (Label, error) {
		stock, err := reserve.Output(ctx)
		if err != nil {
			return Label{}, err
		}
		receipt, err := charge.Output(ctx)
		if err != nil {
			return Label{}, err
		}
		label := Label{Tracking: "T-" + o.ID, Shelf: stock.Shelf, Receipt: receipt.Number}
		return label, shop.Send(ctx, adze.TaskID(ctx), label)
	}, adze.After(reserve, charge))

	bill := adze.AddTask(flow, "bill", func(ctx context.Context, _ Order) (string, error) {
		receipt, err := charge.Output(ctx)
		if err != nil {
			return "", err
		}
		return "bill " + receipt.Number, shop.Bill(ctx, adze.TaskID(ctx), receipt)
	}, adze.SkipIf(charge, `output.cents == 0`))

	adze.AddTask(flow, "archive", func(ctx context.Context, o Order) (string, error) {
		text, err := bill.Output(ctx)
		if errors.Is(err, adze.ErrNoOutput) {
			text, err = "nothing to pay", nil
		}
		return o.ID + ": " + text, err
	}, adze.After(ship, bill))

	flow.OnFailure("refund", func(ctx context.Context, o Order) error {
		return shop.Refund(ctx, adze.TaskID(ctx), o, adze.Failures(ctx))
	})

	return &Flow{flow, ship}
}
