package core

import "github.com/adzehq/adze/internal/base/id"

// Push brings new events and the runs that they start, in one commit: an event is
// stored with all its runs, or not at all. Which runs those are was decided outside,
// by triggers and filters that the core does not know.
//
// Ids are as in Submit; those of events come from the same sequence, in any order
// among the rest.
type Push struct {
	Events  []NewEvent
	Submit  Submit     // the runs, each with its Event
	Started []EventRun // what joins the two
}

// NewEvent is an event as it is pushed, and the row of it that is stored.
type NewEvent struct {
	ID       id.ID
	Tenant   id.ID
	Target   id.ID // the run that it is addressed to; 0 = whom it may concern
	ReplayOf id.ID // the event that this one repeats; 0 if none
	Priority int32 // of the runs
	Key      string
	Scope    string  // chooses the filters that are asked; "" = none
	Warning  string  // why a run that it might have started was not, for people; empty if all is well
	Payload  Payload // JSON
	Metadata Payload // JSON object, or nil
	Holds    []Hold  // of the conditions that Shard.Filters named: those whose filter holds
}

// EventRun says that an event started a run, and by which filter.
type EventRun struct {
	Event  id.ID
	Run    id.ID
	Filter id.ID // 0: the workflow had none
}

// push stores events, and starts their runs.
func (s *Shard) push(in *Push) {
	s.out.Events = append(s.out.Events, in.Events...)
	s.out.EventRuns = append(s.out.EventRuns, in.Started...)
	s.submit(&in.Submit)
	for i := range in.Events {
		s.happen(&in.Events[i])
	}
}

func (*Push) input() {}
