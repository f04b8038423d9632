package adze

import (
	"cmp"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/shard"
)

// Queue is the queue that the task waits in, with those of other tasks that name it: they
// share its order, its fairness and its settings. A task that names none has a queue of
// its own. The options say how the queue works; with an empty name, how the task's own
// does.
func Queue(name string, options ...QueueOption) TaskOption {
	return func(w *workflow) {
		w.Tasks[0].Queue = name
		if len(options) == 0 {
			return
		}
		q := shard.Queue{Name: name}
		for _, o := range options {
			o(&q)
		}
		w.Queues = append(w.Queues, q)
	}
}

// QueueOption is an option of [Queue]. What [Client.SetQueue] sets goes before it.
type QueueOption func(*shard.Queue)

// ByCost has the keys of a queue share the time of its workers, as measured: one whose
// tasks run long gets fewer of them. Otherwise keys take turns task by task.
func ByCost() QueueOption { return func(q *shard.Queue) { q.ByCost = true } }

// Ageing makes so long a wait worth one of [Priority], so that what has a low one does not
// wait for ever. Otherwise priority is strict.
func Ageing(each time.Duration) QueueOption {
	return func(q *shard.Queue) { q.AgeMS = wholeMS(each) }
}

// FairKey is whose share of its queue a run counts for: a CEL expression over its input and
// metadata that gives a text, a whole number or a bool, like `input.customer`. The keys of a
// queue take turns, however many runs of each wait. A run for which it cannot be evaluated
// is refused. Of a task of a [Workflow], it is that of the workflow.
func FairKey(expression string) TaskOption {
	return func(w *workflow) { w.Key = expression }
}

// DefaultPriority is the [Priority] of runs that are given none. Of a task of a [Workflow],
// it is that of the workflow.
func DefaultPriority(p int) TaskOption {
	return func(w *workflow) { w.Priority = clamp(p) }
}

// Fair is the key of a run, instead of what the [FairKey] of its task gives; at most 255
// bytes.
func Fair(key string) RunOption {
	return func(r *newRun) error { r.FairKey = key; return nil }
}

// ConcurrencyLimit is what [Limit] says: so many runs of a key have a place at a time, and what becomes of
// the others is up to the strategy.
type ConcurrencyLimit struct {
	// Name makes the limit one that all share who declare it; what was declared last
	// counts. Without one it is the task's or workflow's own.
	Name string
	// Key is a CEL expression like that of [FairKey]: each of its values has places of its
	// own. Without one all share them.
	Key string
	// Max is how many places there are; 1 if it is 0. A named limit with 0 is one that
	// others declare, or that [Client.SetLimit] sets.
	Max int
	// MaxExpression is a CEL expression over input and metadata that gives the maximum for
	// the key of the run, instead of Max; the latest run's counts.
	MaxExpression string
	Strategy      Strategy // LimitQueue if it is empty
	// Ageing makes so long a wait for a place worth one of [Priority], with LimitQueue, so
	// that what has a low one does not wait for ever; 0 = priority is strict.
	Ageing time.Duration
}

// Strategy is what a limit does with runs that it has no place for.
type Strategy string

// The strategies.
const (
	LimitQueue         Strategy = "queue"          // they wait, higher priority first
	LimitFIFO          Strategy = "fifo"           // they wait, strictly in the order of their submit; one that is tried again keeps its place
	LimitCancelRunning Strategy = "cancel_running" // older ones are cancelled for newer ones
	LimitCancelNewest  Strategy = "cancel_newest"  // they are cancelled
	LimitKeepNewest    Strategy = "keep_newest"    // of those that wait, all but the newest are cancelled
	LimitKeepOldest    Strategy = "keep_oldest"    // of those that wait, all but the oldest are cancelled
)

// Limit bounds how many run at a time: of a task its attempts, from when one may be given
// to a worker until it has ended; of a [Workflow] whole runs, from before their first task
// until after their last. With several, a run has a place in each of them: first in those
// without a name, then in the others in the order of their names; at most 10.
func Limit(c ConcurrencyLimit) TaskOption {
	return func(w *workflow) {
		w.Limits = append(w.Limits, shard.Limit{
			Name: c.Name, Key: c.Key, Max: clamp(c.Max), MaxExpression: c.MaxExpression, Strategy: string(c.Strategy),
			AgeMS: wholeMS(c.Ageing),
		})
	}
}

// flowOfTask adds to a workflow what options of one of its tasks say of all of it.
func flowOfTask(own, one *shard.Workflow, task *shard.Task) {
	own.Key = cmp.Or(one.Key, own.Key)
	own.Priority = cmp.Or(one.Priority, own.Priority)
	for _, q := range one.Queues {
		q.Name = cmp.Or(q.Name, task.Queue, task.Action)
		if !slices.Contains(own.Queues, q) {
			own.Queues = append(own.Queues, q)
		}
	}
}
