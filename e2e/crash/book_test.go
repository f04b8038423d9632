package crash_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/adzehq/adze"
)

// book is what the client was told: what the checkers hold the database against.
type book struct {
	mu       sync.Mutex
	last     int64
	accepted map[adze.ID]job
	refused  map[int64]string  // by number of the job: told that it was not stored, and why
	unknown  map[int64]string  // told that it may be stored or not
	outcomes map[adze.ID]ended // the first that a waiter was told
	stored   map[adze.ID]string
}

// ended is how a run ended, as a waiter is told.
type ended struct {
	Status  adze.Status
	Attempt int
	N       int64
	Outputs string // of the tasks of a graph
	Error   string
}

func newBook() *book {
	return &book{
		accepted: map[adze.ID]job{}, refused: map[int64]string{}, unknown: map[int64]string{},
		outcomes: map[adze.ID]ended{}, stored: map[adze.ID]string{},
	}
}

// number is one that no other job has.
func (b *book) number() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return b.last
}

func (b *book) accept(run adze.ID, j job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accepted[run] = j
}

// reject notes a submit that failed.
func (b *book) reject(err error, jobs ...job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.refused
	if errors.Is(err, adze.ErrUnknown) {
		to = b.unknown
	}
	for _, j := range jobs {
		to[j.N] = err.Error()
	}
}

// told notes what a waiter was told, and returns what the first one was.
func (b *book) told(run adze.ID, how ended) ended {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, known := b.outcomes[run]
	if !known {
		b.outcomes[run], first = how, how
	}
	return first
}

// look is what was asked of a run, and what a waiter was told of it.
func (b *book) look(run adze.ID) (job, ended) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted[run], b.outcomes[run]
}

// note compares a stored result with what was stored before; it tells whether it is
// the same, or new.
func (b *book) note(run adze.ID, digest string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, known := b.stored[run]
	if !known {
		b.stored[run] = digest
	}
	return !known || before == digest
}

func (b *book) runs() []adze.ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.accepted))
}

func (b *book) counts() (accepted, refused, unknown, told int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.accepted), len(b.refused), len(b.unknown), len(b.outcomes)
}

// endOf is an answer to a waiter as ended; ok is false if it is none.
func endOf(out any, err error) (how ended, ok bool) {
	var failed *adze.RunError
	switch {
	case err == nil:
		how.Status = adze.Succeeded
	case errors.As(err, &failed):
		how = ended{Status: failed.Status, Attempt: failed.Attempt, Error: failed.Text}
	default:
		return ended{}, false
	}
	switch out := out.(type) {
	case adze.Results:
		how.Outputs, how.Attempt = textOf(out), 1 // a graph has one
	case done:
		if err == nil {
			how.Attempt, how.N = out.Attempt, out.N
		}
	}
	return how, true
}

func textOf(outputs adze.Results) string {
	text, _ := json.Marshal(outputs) // it is JSON
	return string(text)
}
