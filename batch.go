package adze

import (
	"context"
	"runtime"
	"sync"
)

const (
	// batchItemsMax is what the engine takes in one call.
	batchItemsMax = 1_000
	// batchBytesMax bounds a call's message; one larger item goes alone.
	batchBytesMax = 4 << 20
	// batchCallsMax lets one batch travel while the one before is committed. More
	// would only make the batches smaller.
	batchCallsMax = 2
	// itemOverheadBytes is what an item weighs beside its payloads.
	itemOverheadBytes = 64
)

// batcher merges concurrent calls that store something. A caller who finds a call free
// leaves at once; what arrives while all are in flight is the next batch. There is no
// timer: alone, an item takes one round trip, and among many it shares one.
type batcher[Item, Answer any] struct {
	// send stores items, each for itself, and answers in their order.
	send   func(ctx context.Context, items []Item) ([]Answer, error)
	weight func(*Item) int // bytes
	own    *background     // the client's: a call serves many callers and outlives each
	// spare waiters are those whose caller has seen the answer. One whose caller gave
	// up is not used again: its answer may still come.
	spare sync.Pool

	mu      sync.Mutex
	waiting []*batched[Item, Answer] // in order of arrival
	calls   int                      // in flight
}

// batched is one caller's item on its way.
type batched[Item, Answer any] struct {
	item     Item
	answered chan struct{} // one value, once answer and err are set
	answer   Answer
	err      error // of the call
}

func newBatcher[Item, Answer any](
	own *background, weight func(*Item) int, send func(context.Context, []Item) ([]Answer, error),
) *batcher[Item, Answer] {
	return &batcher[Item, Answer]{
		send: send, weight: weight, own: own,
		spare: sync.Pool{New: func() any { return &batched[Item, Answer]{answered: make(chan struct{}, 1)} }},
	}
}

// do returns once the item is answered, the call fails, or ctx ends.
func (b *batcher[Item, Answer]) do(ctx context.Context, item Item) (answer Answer, err error) {
	if err := ctx.Err(); err != nil {
		return answer, err
	}
	one := b.spare.Get().(*batched[Item, Answer])
	one.item = item
	if !b.add(one) {
		return answer, ErrClosed
	}
	select {
	case <-one.answered:
		answer, err = one.answer, one.err
		*one = batched[Item, Answer]{answered: one.answered}
		b.spare.Put(one)
		return answer, err
	case <-ctx.Done():
		return answer, b.giveUp(ctx, one)
	}
}

// add puts one in the line, unless the client is closed.
func (b *batcher[Item, Answer]) add(one *batched[Item, Answer]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls < batchCallsMax {
		if !b.own.start(b.flushAll) {
			return false
		}
		b.calls++
	}
	b.waiting = append(b.waiting, one)
	return true
}

// giveUp takes back an item whose caller will not wait. Once it has left, what comes of
// it is unknown.
func (b *batcher[Item, Answer]) giveUp(ctx context.Context, one *batched[Item, Answer]) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiting {
		if w == one {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			return context.Cause(ctx)
		}
	}
	return &Error{
		Kind: KindUnknown, Text: "gave up before the answer, it may be stored or not: " + context.Cause(ctx).Error(),
		cause: ctx.Err(),
	}
}

// flushAll sends batch after batch until nothing waits.
func (b *batcher[Item, Answer]) flushAll() {
	var items []Item
	runtime.Gosched() // who is about to call goes along; alone, this costs nothing
	for batch := b.take(); batch != nil; batch = b.take() {
		items = items[:0]
		for _, one := range batch {
			items = append(items, one.item)
		}
		answers, err := b.send(b.own.life, items)
		for i, one := range batch {
			if one.err = err; err == nil {
				one.answer = answers[i]
			}
			one.answered <- struct{}{}
		}
		clear(items) // lets go of the payloads
	}
}

// take is the next batch; nil gives the call back.
func (b *batcher[Item, Answer]) take() []*batched[Item, Answer] {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, bytes := 0, 0
	for n < len(b.waiting) && n < batchItemsMax {
		bytes += b.weight(&b.waiting[n].item)
		if n > 0 && bytes > batchBytesMax {
			break
		}
		n++
	}
	if n == 0 {
		b.calls--
		return nil
	}
	batch := b.waiting[:n:n]
	if b.waiting = b.waiting[n:]; len(b.waiting) == 0 {
		b.waiting = nil // the batch owns the array now
	}
	return batch
}
