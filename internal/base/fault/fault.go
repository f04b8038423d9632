// Package fault is the small set of error kinds that reach users.
//
// Whoever finds a fault gives it a kind and says which field it is about and
// what to do. Each edge maps the kinds in one table to its own codes. An error
// without a kind is internal: it is logged where it stops, and the user is told
// no more than that.
package fault

import (
	"errors"
	"fmt"

	"github.com/adzehq/adze/internal/base/id"
)

// Kind is what a caller can do about an error.
type Kind uint8

// The kinds, from the caller's fault to ours.
const (
	Internal        Kind = iota // a bug or a fault of ours: nothing the caller can do
	Invalid                     // the request is wrong: change it
	NotFound                    // it does not exist, or is not yours
	Conflict                    // it clashes with what is there
	Unauthenticated             // who are you
	Forbidden                   // not you
	Exhausted                   // a bound is reached: wait, then try again
	Unavailable                 // not now: try again
	Unimplemented               // not in this version
)

var names = [...]string{
	"internal", "invalid", "not_found", "conflict", "unauthenticated",
	"forbidden", "exhausted", "unavailable", "unimplemented",
}

func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "internal"
}

// Parse is the inverse of String; an unknown name is Internal.
func Parse(name string) Kind {
	for k, n := range names {
		if n == name {
			return Kind(k)
		}
	}
	return Internal
}

// Error is an error with a kind and, where there is one, the field it is about.
type Error struct {
	Kind  Kind
	Field string // path in the request, like "runs[3].input"; empty when it is about no field
	Text  string // what is wrong and what to do
	Run   id.ID  // with Conflict: the run that is in the way; 0 if none
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Text
	}
	return e.Field + ": " + e.Text
}

// New makes an error of kind about field ("" for none).
func New(kind Kind, field, format string, args ...any) *Error {
	return &Error{Kind: kind, Field: field, Text: fmt.Sprintf(format, args...)}
}

// KindOf is the kind of the first Error in err's chain, else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// At puts prefix before the field of err, so that an error found in an item
// names its place in the list: At("runs[3]", …"input"…) is about runs[3].input.
func At(prefix string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	switch {
	case moved.Field == "":
		moved.Field = prefix
	default:
		moved.Field = prefix + "." + moved.Field
	}
	return &moved
}
