package grpcapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// awaitedMax bounds the results that one stream waits for at a time.
const awaitedMax = 1_000_000

// Await implements the service. One goroutine reads what is asked for and one asks
// the shard for it: both take all that has come in the meantime, so that many small
// messages are one question. This one sends what was answered, in the same way.
func (s *Server) Await(stream grpc.BidiStreamingServer[wire.AwaitRequest, wire.AwaitResponse]) error {
	ctx, cancel := s.Bounded(stream.Context())
	defer cancel()
	results := &outbox{ready: make(chan struct{}, 1)}
	asked := &inbox{ready: make(chan struct{}, 1)}
	go readAwaits(stream, asked, results)
	go s.ask(ctx, asked, results)
	for {
		select {
		case <-results.ready:
		case <-ctx.Done():
			return s.Status(context.Cause(ctx))
		}
		outcomes, last, err := results.take()
		if sendErr := sendOutcomes(stream, outcomes); sendErr != nil {
			return sendErr
		}
		if err != nil || last {
			return s.Status(err)
		}
	}
}

// readAwaits ends with the stream, which ends with Await.
func readAwaits(
	stream grpc.BidiStreamingServer[wire.AwaitRequest, wire.AwaitResponse], asked *inbox, results *outbox,
) {
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			results.askedAll(nil)
			return
		}
		if err != nil {
			results.askedAll(err)
			return
		}
		if !results.expect(len(message.RunIds)) {
			results.askedAll(fault.New(fault.Exhausted, "run_ids",
				"%d results are awaited on this stream already; take some first, or open another one", awaitedMax))
			return
		}
		asked.add(message.RunIds)
	}
}

// ask asks the shard until ctx ends.
func (s *Server) ask(ctx context.Context, asked *inbox, results *outbox) {
	tenant := auth.Tenant(ctx)
	for {
		select {
		case <-asked.ready:
		case <-ctx.Done():
			return
		}
		if err := s.Shards.Await(ctx, tenant, asked.take(), results.add); err != nil {
			results.askedAll(err)
			return
		}
	}
}

// inbox is what was asked for on a stream of results, and not yet of the shard. The
// outbox bounds it.
type inbox struct {
	ready chan struct{} // has a value when there is something to take

	mu   sync.Mutex
	runs []id.ID
}

func (i *inbox) add(runs []uint64) {
	i.mu.Lock()
	for _, run := range runs {
		i.runs = append(i.runs, id.ID(run))
	}
	i.mu.Unlock()
	select {
	case i.ready <- struct{}{}:
	default:
	}
}

func (i *inbox) take() []id.ID {
	i.mu.Lock()
	defer i.mu.Unlock()
	runs := i.runs
	i.runs = nil
	return runs
}

// outbox is what is to be sent on a stream of results.
type outbox struct {
	ready chan struct{} // has a value when there is something to take

	mu       sync.Mutex
	outcomes []shard.Outcome
	awaited  int  // asked for and not yet added
	done     bool // nothing more will be asked for
	err      error
}

// add takes the outcome of a run, from any goroutine. It never blocks.
func (o *outbox) add(outcome shard.Outcome) {
	o.mu.Lock()
	o.outcomes = append(o.outcomes, outcome)
	o.awaited--
	first := len(o.outcomes) == 1
	o.mu.Unlock()
	if first {
		o.signal()
	}
}

func (o *outbox) expect(n int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.awaited+n > awaitedMax {
		return false
	}
	o.awaited += n
	return true
}

func (o *outbox) askedAll(err error) {
	o.mu.Lock()
	o.done, o.err = true, err
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// take empties the outbox; last says that nothing more will come.
func (o *outbox) take() (outcomes []shard.Outcome, last bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	outcomes, o.outcomes = o.outcomes, nil
	return outcomes, o.done && o.awaited == 0, o.err
}

// sendOutcomes sends outcomes in messages of a bounded size.
func sendOutcomes(
	stream grpc.BidiStreamingServer[wire.AwaitRequest, wire.AwaitResponse], outcomes []shard.Outcome,
) error {
	room := make([]wire.Outcome, len(outcomes))
	list := make([]*wire.Outcome, len(outcomes))
	for i := range outcomes {
		from, to := &outcomes[i], &room[i]
		to.RunId = uint64(from.ID)
		to.Status = endStatuses[from.Status]
		to.Output, to.Error, to.Attempt = from.Output, from.Error, from.Attempt
		if len(from.Output) > payloadBytesMax {
			to.Output, to.Error = nil, cmp.Or(from.Error, tooLarge("the outputs of its tasks", len(from.Output)))
		}
		list[i] = to
	}
	for len(list) > 0 {
		n := fitting(list, func(o **wire.Outcome) int { return len((*o).Output) + len((*o).Error) })
		if err := stream.Send(&wire.AwaitResponse{Outcomes: list[:n]}); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// tooLarge says that what fits into no message.
func tooLarge(what string, bytes int) string {
	return fmt.Sprintf("%s are %d MiB together, more than the %d MiB of a message: store large values elsewhere and pass references",
		what, bytes>>20, MessageBytesMax>>20)
}

var endStatuses = [...]wire.Status{
	0:              wire.Status_STATUS_UNSPECIFIED,
	core.Succeeded: wire.Status_STATUS_SUCCEEDED,
	core.Failed:    wire.Status_STATUS_FAILED,
	core.Cancelled: wire.Status_STATUS_CANCELLED,
	core.Skipped:   wire.Status_STATUS_SKIPPED,
}

// fitting is how many items go into one message: one at least, however large.
func fitting[T any](items []T, payloadBytes func(*T) int) int {
	total := 0
	for i := range items {
		total += itemBytes + payloadBytes(&items[i])
		if i > 0 && total > batchBytesMax {
			return i
		}
	}
	return len(items)
}
