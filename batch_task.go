package adze

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze/internal/shard"
)

// batchSizeDefault is how many runs a batch has if BatchSize is not given.
const batchSizeDefault = 100

// NewBatchTask names a function that takes many runs at once, as [NewTask] does one that
// takes one run. The runs are ordinary ones, each with its input and a result of its own:
// a worker is given several together, in one slot, as soon as there are [BatchSize] of a
// [BatchKey], or one has waited for the [BatchInterval].
//
// The function gives a result for each item, in their order: one that has an error fails
// and is tried again alone or in another batch, as [Retries] says, and leaves the others
// alone. [Shared] gives all of them the same output. An error instead of results is that of
// all items.
//
// ctx ends when all items are to stop, as by [Timeout], which is for the batch;
// [ItemContext] is that of one item.
func NewBatchTask[In, Out any](
	name string, function func(ctx context.Context, items []In) ([]Result[Out], error), options ...TaskOption,
) *Task[In, Out] {
	w := newTemplate(append([]TaskOption{BatchSize(batchSizeDefault)}, options...))
	w.Name = name
	d := &definition{workflow: *w, calls: []call{nil}}
	d.together(0, batchCodec(function))
	return &Task[In, Out]{d}
}

// AddBatchTask adds a task to w that takes many runs of the workflow at once: as [AddTask],
// with a function as of [NewBatchTask]. What tasks before it gave, [Node.Output] tells of
// each item's context.
func AddBatchTask[In, Out any](
	w *Workflow[In], name string, function func(ctx context.Context, items []In) ([]Result[Out], error), options ...NodeOption,
) *Node[Out] {
	task := w.newTask(name, append([]NodeOption{BatchSize(batchSizeDefault)}, options...))
	w.add(task, nil)
	d := w.task.definition
	d.together(len(d.calls)-1, batchCodec(function))
	return &Node[Out]{workflow: w.Name(), name: name}
}

// Result is what became of an item of a batch.
type Result[Out any] struct {
	Output Out
	Err    error // it failed
}

// Shared is the result of n items that have one output.
func Shared[Out any](n int, output Out) []Result[Out] {
	results := make([]Result[Out], n)
	for i := range results {
		results[i].Output = output
	}
	return results
}

// BatchSize is how many runs a batch of [NewBatchTask] has at most, 1–100,000; 100 if it
// is not given.
func BatchSize(n int) TaskOption { return batchOption(func(b *shard.Batch) { b.SizeMax = clamp(n) }) }

// BatchInterval is how long a run waits for others of its batch at most while a worker has
// a free slot, in whole milliseconds; 1 s if it is not given.
func BatchInterval(d time.Duration) TaskOption {
	return batchOption(func(b *shard.Batch) { b.IntervalMS = wholeMS(d) })
}

// BatchBytes is how many bytes of input a batch has at most, up to 32 MiB; 4 MiB if it is
// not given. A larger input goes alone.
func BatchBytes(n int) TaskOption {
	return batchOption(func(b *shard.Batch) { b.BytesMax = int64(n) })
}

// BatchKey is a CEL expression over input and metadata: only runs for which it gives the
// same go into one batch. Keys share the queue as those of [FairKey] do.
func BatchKey(expression string) TaskOption {
	return batchOption(func(b *shard.Batch) { b.Key = expression })
}

// BatchConcurrency is how many batches of a key run at a time, 1–100,000; as many as there
// are slots if it is not given.
func BatchConcurrency(n int) TaskOption {
	return batchOption(func(b *shard.Batch) { b.RunningMax = clamp(n) })
}

func batchOption(change func(*shard.Batch)) TaskOption {
	return func(w *workflow) {
		b := shard.Batch{SizeMax: batchSizeDefault}
		if own := w.Tasks[0].Batch; own != nil {
			b = *own // it may be that of the workflow's other tasks
		}
		change(&b)
		w.Tasks[0].Batch = &b
	}
}

type itemsKey struct{}

// ItemContext is the context of the i-th item of the batch whose function runs with ctx:
// it ends when that item is cancelled, and is what [RunID], [Attempt] and [Log] tell of the
// item by. Any other context is returned as it is.
func ItemContext(ctx context.Context, i int) context.Context {
	if items, is := ctx.Value(itemsKey{}).([]context.Context); is && i >= 0 && i < len(items) {
		return items[i]
	}
	return ctx
}

// item is one of a batch: what it brings, and what came of it.
type item struct {
	ctx    context.Context
	input  []byte
	output []byte
	err    error
}

// batchCall decodes the items, calls the function, and fills in what came of each.
type batchCall func(ctx context.Context, items []item)

// together has the task at place i take several runs at once, unless function is nil.
func (d *definition) together(i int, function batchCall) {
	if function == nil {
		return
	}
	if d.batched == nil {
		d.batched = map[int]batchCall{}
	}
	d.batched[i] = function
	d.calls[i] = func(ctx context.Context, input []byte) ([]byte, error) {
		alone := []item{{ctx: ctx, input: input}}
		function(ctx, alone)
		return alone[0].output, alone[0].err
	}
}

// batchCodec puts JSON around function, unless it is nil. An item that cannot be decoded
// fails alone; the function does not see it.
func batchCodec[In, Out any](function func(context.Context, []In) ([]Result[Out], error)) batchCall {
	if function == nil {
		return nil
	}
	return func(ctx context.Context, items []item) {
		ins, given := make([]In, 0, len(items)), make([]*item, 0, len(items))
		contexts := make([]context.Context, 0, len(items))
		for i := range items {
			var in In
			if err := json.Unmarshal(items[i].input, &in); err != nil {
				items[i].err = NonRetryable(fmt.Errorf("decode input: %w", err))
				continue
			}
			ins, given, contexts = append(ins, in), append(given, &items[i]), append(contexts, items[i].ctx)
		}
		if len(ins) == 0 {
			return
		}
		results, err := function(context.WithValue(ctx, itemsKey{}, contexts), ins)
		if err == nil && len(results) != len(ins) {
			err = NonRetryable(fmt.Errorf("batch function gave %d results for %d items", len(results), len(ins)))
		}
		for i, one := range given {
			if one.err = err; err == nil {
				one.output, one.err = encodeResult(&results[i])
			}
		}
	}
}

func encodeResult[Out any](r *Result[Out]) ([]byte, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	output, err := json.Marshal(r.Output)
	if err != nil {
		return nil, NonRetryable(fmt.Errorf("encode output: %w", err))
	}
	return output, nil
}

// together is the attempts of a batch on this worker.
type together struct {
	members []*attempt

	mu    sync.Mutex
	ended []bool // by place: it has been handed in
	open  int    // how many have not
}

// runTogether calls the function for the attempts of a batch, whatever it does, and hands
// in what came of each.
func (w *Worker) runTogether(members []*attempt) {
	b := &together{members: members, ended: make([]bool, len(members)), open: len(members)}
	items := make([]item, len(members))
	for i, a := range members {
		items[i] = item{ctx: a.ctx, input: a.Input, err: errNotReturned}
		a.Input, a.Metadata = nil, nil // the report may be kept for a while
	}
	ctx, cancel := b.context(w.values)
	defer cancel(nil)
	defer func() {
		broken := errNotReturned
		if p := recover(); p != nil {
			broken = errors.New(panicText(p))
		}
		for i, a := range members {
			if errors.Is(items[i].err, errNotReturned) {
				items[i].err = broken
			}
			if b.end(i, 0) {
				a.hand(a.outcome(items[i].output, items[i].err))
			}
		}
	}()
	members[0].action.together(ctx, items)
}

// end tells whether the caller is to hand in the member at place i: once, and while more
// than so many are open.
func (b *together) end(i, most int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended[i] || b.open <= most {
		return false
	}
	b.ended[i] = true
	b.open--
	return true
}

// context ends when the contexts of all members have, with the last one's cause. A run
// that is cancelled ends at once, though the function may go on with it for the others'
// sake; the last one stays, for the slot is in use.
func (b *together) context(values context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(values)
	var left atomic.Int64
	left.Store(int64(len(b.members)))
	for i, a := range b.members {
		context.AfterFunc(a.ctx, func() {
			cause := context.Cause(a.ctx)
			if left.Add(-1) == 0 {
				cancel(cause)
			}
			if errors.Is(cause, ErrCancelled) && b.end(i, 1) {
				a.hand(a.outcome(nil, cause))
			}
		})
	}
	return ctx, cancel
}

// errNotReturned is what became of an item whose function did not say.
var errNotReturned = errors.New("task ended its goroutine (runtime.Goexit) instead of returning")
