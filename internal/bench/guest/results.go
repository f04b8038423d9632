package guest

import (
	"context"
	"sync"
	"time"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// reopenPause is how long a broken stream waits before it is opened anew.
const reopenPause = 200 * time.Millisecond

// stream is the one on which results come.
type stream = interface {
	Send(*wire.SubscribeToWorkflowRunsRequest) error
	Recv() (*wire.WorkflowRunEvent, error)
}

// results awaits runs on one stream, which it opens when it is first needed and again
// whenever it breaks: then it asks for all that it still waits for.
type results struct {
	dispatcher wire.DispatcherClient
	life       context.Context
	end        context.CancelFunc
	running    sync.WaitGroup

	mu      sync.Mutex
	open    stream // nil = none
	started bool
	waiting map[string][]chan *wire.WorkflowRunEvent
}

func newResults(dispatcher wire.DispatcherClient) *results {
	life, end := context.WithCancel(context.Background())
	return &results{dispatcher: dispatcher, life: life, end: end, waiting: map[string][]chan *wire.WorkflowRunEvent{}}
}

func (r *results) close() {
	r.end()
	r.running.Wait()
}

func (r *results) await(ctx context.Context, run string) (*wire.WorkflowRunEvent, error) {
	came := make(chan *wire.WorkflowRunEvent, 1)
	r.ask(run, came)
	select {
	case event := <-came:
		return event, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.life.Done():
		return nil, r.life.Err()
	}
}

func (r *results) ask(run string, came chan *wire.WorkflowRunEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		r.started = true
		r.running.Go(r.receive)
	}
	r.waiting[run] = append(r.waiting[run], came)
	if r.open != nil { // else it is asked for when the stream opens
		_ = r.open.Send(&wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: run}) // Recv tells why it failed
	}
}

func (r *results) receive() {
	for r.life.Err() == nil {
		if opened, err := r.dispatcher.SubscribeToWorkflowRuns(r.life); err == nil {
			r.listen(opened)
		}
		select {
		case <-time.After(reopenPause):
		case <-r.life.Done():
		}
	}
}

// listen hands out what comes until the stream breaks.
func (r *results) listen(opened stream) {
	r.mu.Lock()
	r.open = opened
	for run := range r.waiting {
		_ = opened.Send(&wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: run})
	}
	r.mu.Unlock()
	for {
		event, err := opened.Recv()
		r.mu.Lock()
		if err != nil {
			r.open = nil
			r.mu.Unlock()
			return
		}
		for _, came := range r.waiting[event.WorkflowRunId] {
			came <- event // buffered for the one that comes
		}
		delete(r.waiting, event.WorkflowRunId)
		r.mu.Unlock()
	}
}
