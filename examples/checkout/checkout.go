// Package checkout is what must not happen twice: payments, imports, saves.
//
// It owns no state. It promises that the code of the guide docs/guides/idempotency.md is
// what its tests run.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

// Order is what is paid.
type Order struct {
	Number int `json:"number"`
	Cents  int `json:"cents"`
}

// Edit is a change of a document.
type Edit struct {
	Document string `json:"document"`
	Text     string `json:"text"`
}

// Pay takes the money of an order.
var Pay = adze.NewTask("pay", func(_ context.Context, o Order) (string, error) {
	return fmt.Sprintf("paid %d", o.Cents), nil
})

// Ship sends an order, whoever asks for it how often.
var Ship = adze.NewTask("ship", ship,
	adze.OnceBy(`"ship " + string(input.number)`, adze.HeldFor(7*24*time.Hour), adze.OrExisting()),
	adze.On("order.paid"),
)

func ship(_ context.Context, o Order) (string, error) {
	return fmt.Sprintf("shipped %d", o.Number), nil
}

// Import brings the catalog in: one at a time.
var Import = adze.NewTask("import", runImport, adze.Singleton())

func runImport(context.Context, string) (string, error) {
	return "imported", nil
}

// Index reads the newest state of a catalog: of those that wait, the last one will do.
var Index = adze.NewTask("index", index,
	adze.OnceBy(`"index " + input`, adze.HeldUntilEnd(), adze.OrReplace()),
)

func index(_ context.Context, catalog string) (string, error) { return "indexed " + catalog, nil }

// Save stores a document when its author pauses, and once a minute at least.
var Save = adze.NewTask("save", save,
	adze.Debounce("input.document", 3*time.Second, time.Minute),
)

func save(_ context.Context, e Edit) (string, error) { return e.Text, nil }

// PayOnce pays an order, or finds the payment that there is.
func PayOnce(ctx context.Context, client *adze.Client, o Order) (adze.ID, error) {
	run, err := Pay.Run(ctx, client, o, adze.Once(fmt.Sprintf("order-%d", o.Number)))
	var refused *adze.Error
	if errors.As(err, &refused) && errors.Is(err, adze.ErrConflict) {
		return refused.Run, nil // it is being paid, or was
	}
	if err != nil {
		return 0, err
	}
	return run.ID, nil
}
