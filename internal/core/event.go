package core

import (
	"cmp"

	"github.com/adzehq/adze/internal/base/id"
)

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
	if len(in.Submit.Once) > 0 {
		s.pushOnce(in)
	} else {
		s.out.EventRuns = append(s.out.EventRuns, in.Started...)
		s.submit(&in.Submit)
	}
	for i := range in.Events {
		s.happen(&in.Events[i])
	}
}

// pushOnce is the part of push that starts runs, some of which have keys. What was not
// started is said in the warning of its event, if that says nothing yet.
func (s *Shard) pushOnce(in *Push) {
	refused := map[id.ID]string{}
	s.submitOnce(&in.Submit, func(key *NewOnceKey, kind AnswerKind, run id.ID) {
		s.answerOnce(in.Submit.Ref, key, kind, run)
		if kind != AnswerDone {
			refused[key.Run] = HeldWarning(key.Key, run)
		}
	})
	warnings := map[id.ID]string{}
	for _, started := range in.Started {
		why, is := refused[started.Run]
		if !is {
			s.out.EventRuns = append(s.out.EventRuns, started)
		} else if warnings[started.Event] == "" {
			warnings[started.Event] = why
		}
	}
	pushed := s.out.Events[len(s.out.Events)-len(in.Events):]
	for i := range pushed {
		pushed[i].Warning = cmp.Or(pushed[i].Warning, warnings[pushed[i].ID])
	}
}

func (*Push) input() {}
