package hatchet

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// subscribedMax bounds the runs that one stream waits for at a time.
const subscribedMax = 1_000_000

type runStream = grpc.BidiStreamingServer[wire.SubscribeToWorkflowRunsRequest, wire.WorkflowRunEvent]

// SubscribeToWorkflowRuns implements the Dispatcher. One goroutine reads ids, one asks the
// shard for all that came in the meantime, and this one sends what was answered.
func (s *Server) SubscribeToWorkflowRuns(stream runStream) error {
	ctx, cancel := s.Bounded(stream.Context())
	defer cancel()
	sub := &subscription{
		asked: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		awaited: map[id.ID]bool{}, origins: map[id.ID]id.ID{}, guests: map[id.ID]id.ID{},
	}
	go sub.read(stream)
	go s.awaitAsked(ctx, sub)
	for {
		select {
		case <-sub.ready:
		case <-ctx.Done():
			return s.Status(context.Cause(ctx))
		}
		outcomes, last, err := sub.take()
		if sendErr := s.sendResults(ctx, stream, sub, outcomes); sendErr != nil {
			return sendErr
		}
		if err != nil || last {
			return s.Status(err)
		}
	}
}

// awaitAsked asks the shard until ctx ends.
func (s *Server) awaitAsked(ctx context.Context, sub *subscription) {
	tenant := auth.Tenant(ctx)
	for {
		select {
		case <-sub.asked:
		case <-ctx.Done():
			return
		}
		runs := sub.takeAsked()
		latest, err := s.Shards.Latest(ctx, tenant, runs)
		if err == nil {
			sub.replayed(runs, latest)
			err = s.Shards.Await(ctx, tenant, latest, sub.add)
		}
		if err != nil {
			sub.end(err)
			return
		}
	}
}

// sendResults sends how runs ended. What there is no such run of is left out: nobody
// answers it, and the stream goes on.
func (s *Server) sendResults(ctx context.Context, stream runStream, sub *subscription, outcomes []shard.Outcome) error {
	for i := range outcomes {
		o := &outcomes[i]
		run, tenant := sub.forget(o.ID)
		if o.Status == 0 && tenant == 0 {
			if err := s.awaitKin(ctx, sub, run); err != nil {
				return s.Status(err)
			}
		}
		if o.Status == 0 {
			continue
		}
		results, err := s.runs.Results(ctx, cmp.Or(tenant, auth.Tenant(ctx)), run, o)
		if err != nil {
			return s.Status(err)
		}
		err = stream.Send(&wire.WorkflowRunEvent{
			WorkflowRunId:  run.String(), // its type is the zero one: finished
			EventTimestamp: timestamppb.New(s.Clock.Now()), Results: results,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitKin waits for a run that the caller has not, if it is of a guest.
func (s *Server) awaitKin(ctx context.Context, sub *subscription, run id.ID) error {
	guest, err := s.kin(ctx, run)
	if err != nil || guest == 0 {
		return err
	}
	latest, err := s.Shards.Latest(ctx, guest, []id.ID{run})
	if err != nil {
		return err
	}
	sub.lodge(run, latest[0], guest)
	return s.Shards.Await(ctx, guest, latest, sub.add)
}

// subscription is what a stream waits for.
type subscription struct {
	asked chan struct{} // has a value when ids came
	ready chan struct{} // has a value when outcomes came, or the end

	mu       sync.Mutex
	fresh    []id.ID // came, and the shard was not asked
	outcomes []shard.Outcome
	awaited  map[id.ID]bool  // by the id that the client gave
	origins  map[id.ID]id.ID // of replays: the id that the client gave
	guests   map[id.ID]id.ID // by the id that the client gave: whose run it is, of those that are a guest's
	closed   bool            // nothing more will be asked for
	err      error
}

// read ends with the stream, which ends with its handler.
func (s *subscription) read(stream runStream) {
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			s.end(nil)
			return
		}
		if err != nil {
			s.end(err)
			return
		}
		run, err := id.Parse(message.WorkflowRunId)
		if err != nil {
			continue // it is no run, and never will be
		}
		if !s.expect(run) {
			s.end(fault.New(fault.Exhausted, "workflow_run_id",
				"%d runs are subscribed to on this stream already; take some results first, or open another one", subscribedMax))
			return
		}
	}
}

// expect notes a run that the client asks for, and tells whether there was room. One that
// it waits for already is not asked for again.
func (s *subscription) expect(run id.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaited[run] {
		return true
	}
	if len(s.awaited) >= subscribedMax {
		return false
	}
	s.awaited[run] = true
	s.fresh = append(s.fresh, run)
	signal(s.asked)
	return true
}

func (s *subscription) takeAsked() []id.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.fresh
	s.fresh = nil
	return fresh
}

// replayed notes which runs stand for which.
func (s *subscription) replayed(runs, latest []id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range runs {
		if latest[i] != runs[i] {
			s.origins[latest[i]] = runs[i]
		}
	}
}

// add takes the outcome of a run, from any goroutine. It never blocks.
func (s *subscription) add(o shard.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, o)
	signal(s.ready)
}

// lodge notes that a run is awaited which is a guest's.
func (s *subscription) lodge(run, latest, guest id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaited[run], s.guests[run] = true, guest
	if latest != run {
		s.origins[latest] = run
	}
}

// forget gives the id that the client knows a run by, and the guest that it is of: it may
// ask for it again.
func (s *subscription) forget(run id.ID) (own, guest id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if origin, replay := s.origins[run]; replay {
		delete(s.origins, run)
		run = origin
	}
	guest = s.guests[run]
	delete(s.awaited, run)
	delete(s.guests, run)
	return run, guest
}

func (s *subscription) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.err = true, err
	signal(s.ready)
}

// take empties the outcomes; last says that nothing more will come.
func (s *subscription) take() (outcomes []shard.Outcome, last bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	outcomes, s.outcomes = s.outcomes, nil
	return outcomes, s.closed && len(s.awaited) == len(outcomes), s.err
}

// signal leaves a value in c, if there is none.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
