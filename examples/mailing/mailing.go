// Package mailing is what is cheaper for many at once: letters to a provider, rows to a
// warehouse.
//
// It owns no state. It promises that the code of the guide docs/guides/batches.md is what
// its tests run.
package mailing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

// Letter is sent to one address.
type Letter struct {
	Provider string `json:"provider"`
	To       string `json:"to"`
}

// Send gives letters to the provider that they are for, up to 100 with one request.
var Send = adze.NewBatchTask("send", send,
	adze.BatchSize(100),
	adze.BatchInterval(500*time.Millisecond),
	adze.BatchKey("input.provider"),
	adze.BatchConcurrency(2),
	adze.Retries(3),
	adze.Timeout(time.Minute),
)

func send(ctx context.Context, letters []Letter) ([]adze.Result[string], error) {
	receipts := request(ctx, letters)
	results := make([]adze.Result[string], len(letters))
	for i, letter := range letters {
		switch receipt := receipts[i]; receipt {
		case "unknown":
			results[i].Err = adze.NonRetryable(fmt.Errorf("%s: no such address", letter.To))
		case "busy":
			results[i].Err = errors.New("the mailbox is busy") // tried again, in another batch
		default:
			results[i].Output = receipt
		}
	}
	return results, nil
}

// request stands for the provider: it gives a receipt for each letter.
func request(ctx context.Context, letters []Letter) []string {
	receipts := make([]string, len(letters))
	for i, letter := range letters {
		switch first := adze.Attempt(adze.ItemContext(ctx, i)) == 1; {
		case letter.To == "":
			receipts[i] = "unknown"
		case letter.To == "busy@example.com" && first:
			receipts[i] = "busy"
		default:
			receipts[i] = letter.Provider + " took it for " + letter.To
		}
	}
	return receipts
}

// Store writes rows into the warehouse: all of a batch are in one file.
var Store = adze.NewBatchTask("store", store, adze.BatchSize(10_000), adze.BatchBytes(16<<20), adze.BatchInterval(time.Minute))

func store(_ context.Context, rows []map[string]any) ([]adze.Result[string], error) {
	file := fmt.Sprintf("rows-%d.parquet", len(rows))
	return adze.Shared(len(rows), file), nil
}
