package adze

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
)

// Kind is what can be done about an [Error].
type Kind string

// The kinds of errors.
const (
	KindInvalid         Kind = "invalid"         // the request is wrong: change it
	KindNotFound        Kind = "not_found"       // it does not exist, or is not yours
	KindConflict        Kind = "conflict"        // it clashes with what is there
	KindUnauthenticated Kind = "unauthenticated" // the token is missing, wrong or expired
	KindForbidden       Kind = "forbidden"       // the token does not allow it
	KindExhausted       Kind = "exhausted"       // a bound is reached: wait, then try again
	KindUnavailable     Kind = "unavailable"     // the engine is not there; nothing was done: try again
	KindUnimplemented   Kind = "unimplemented"   // the engine is too old for it
	KindInternal        Kind = "internal"        // a fault of the engine, see its log
	// KindUnknown: the connection broke before the answer, so that a submit or replay
	// may have happened or not. It is never repeated silently.
	KindUnknown Kind = "unknown"
)

// Errors to compare with errors.Is.
var (
	ErrInvalid         = sentinel(KindInvalid, "invalid")
	ErrNotFound        = sentinel(KindNotFound, "not found")
	ErrConflict        = sentinel(KindConflict, "conflict")
	ErrUnauthenticated = sentinel(KindUnauthenticated, "unauthenticated")
	ErrForbidden       = sentinel(KindForbidden, "forbidden")
	ErrExhausted       = sentinel(KindExhausted, "exhausted")
	ErrUnavailable     = sentinel(KindUnavailable, "unavailable")
	ErrUnknown         = sentinel(KindUnknown, "outcome unknown")

	// ErrCancelled is in the [RunError] of a run that was cancelled, and the cause
	// (context.Cause) of an attempt's context that ends for that reason.
	ErrCancelled = errors.New("run was cancelled")
	// ErrTimedOut is the cause of the context of an attempt that ran out of time.
	ErrTimedOut = errors.New("attempt timed out")
	// ErrLost is the cause of the context of an attempt that this worker lost: it
	// was out of touch too long, and the task runs elsewhere.
	ErrLost = errors.New("attempt was given to another worker")
	// ErrDrained is the cause of the context of an attempt that still runs when the
	// time to drain its worker is over: the task runs elsewhere.
	ErrDrained = errors.New("worker was shut down")
	// ErrClosed is what a closed Client answers.
	ErrClosed = errors.New("client is closed")
)

func sentinel(kind Kind, text string) *Error { return &Error{Kind: kind, Text: text} }

// Error is an error of a request to the engine.
type Error struct {
	Kind  Kind
	Field string // the field at fault as a path, like "workflows[0].tasks[0].retries"; empty if none
	Text  string // what is wrong and what to do
	Run   ID     // with KindConflict: the run that is in the way, such as the one that holds the key; 0 if none

	cause error
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Text
	}
	return e.Field + ": " + e.Text
}

// Is matches an error of the same kind that says no more than it: the sentinels.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Field == "" && t.cause == nil && t.Kind == e.Kind
}

// Unwrap is what caused the error, such as the end of the caller's context.
func (e *Error) Unwrap() error { return e.cause }

// RunError is how a run ended that did not succeed.
type RunError struct {
	ID      ID
	Task    string
	Status  Status // Failed or Cancelled
	Attempt int    // the attempt that ended it, 1-based; 0 if none was started
	Text    string // the last attempt's error, with the stack if it panicked
}

func (e *RunError) Error() string {
	what := fmt.Sprintf("%s %s %s", e.Task, e.ID, e.Status)
	if e.Status == Failed && e.Attempt > 1 {
		what += fmt.Sprintf(" at attempt %d", e.Attempt)
	}
	if e.Text == "" {
		return what
	}
	return what + ": " + e.Text
}

// Is matches ErrCancelled if the run was cancelled.
func (e *RunError) Is(target error) bool {
	return target == ErrCancelled && e.Status == Cancelled
}

// NonRetryable marks err: a task that returns it fails at once, whatever its
// Retries are. It wraps err, and is nil if err is.
func NonRetryable(err error) error {
	if err == nil {
		return nil
	}
	return &nonRetryable{err}
}

type nonRetryable struct{ error }

func (e *nonRetryable) Unwrap() error { return e.error }

// kindFaults is the one table between the engine's kinds and ours.
var kindFaults = map[fault.Kind]Kind{
	fault.Internal:        KindInternal,
	fault.Invalid:         KindInvalid,
	fault.NotFound:        KindNotFound,
	fault.Conflict:        KindConflict,
	fault.Unauthenticated: KindUnauthenticated,
	fault.Forbidden:       KindForbidden,
	fault.Exhausted:       KindExhausted,
	fault.Unavailable:     KindUnavailable,
	fault.Unimplemented:   KindUnimplemented,
}

// publicError is err of an engine in this process as users see it; a context's
// error stays what it is.
func publicError(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return &Error{Kind: kindFaults[f.Kind], Field: f.Field, Text: f.Text, Run: ID(f.Run)}
	}
	return err
}

// storedOrNot is err of a call that stores runs: an engine that went away may have
// stored them before.
func storedOrNot(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindUnavailable {
		return err
	}
	return &Error{Kind: KindUnknown, Text: "the answer got lost, it may be stored or not: " + e.Text, cause: e.cause}
}

// kindOf is the kind of the Error in err's chain; KindInternal if there is none.
func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// passing reports whether err may be gone at the next try, with nothing changed.
func passing(err error) bool {
	switch kindOf(err) {
	case KindUnavailable, KindUnknown, KindExhausted, KindInternal:
		return true
	default:
		return false
	}
}

// ofOneRun takes the place in the engine's list off err's field: the caller knows of
// one run, or event, only.
func ofOneRun(err error) error {
	_, err = placed(err)
	return err
}

// placed splits the field of err, like runs[3].input, into the place and the rest.
// The place is -1 if err is about none.
func placed(err error) (int, error) {
	if err == nil {
		return -1, nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return -1, err
	}
	list, rest, _ := strings.Cut(e.Field, "]")
	name, number, _ := strings.Cut(list, "[")
	at, wrong := strconv.Atoi(number)
	if wrong != nil || name != "runs" && name != "run_ids" && name != "workflows" && name != "events" && name != "event_ids" {
		return -1, err
	}
	moved := *e
	moved.Field = strings.TrimPrefix(rest, ".")
	return at, &moved
}
