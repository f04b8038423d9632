// Package admit says what may come in: the one list of limits, for runs that come
// over the wire and for those of an engine embedded in a program alike.
//
// It owns the numbers and the texts that name the field and say what to do. It
// promises that what it lets pass can be stored and read back: JSON that every
// consumer of the bytes accepts, names that need no quoting, sizes with a bound.
package admit

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
)

// What one call may bring.
const (
	RunsMax      = 1_000 // runs of a Submit, Cancel or Replay
	WorkflowsMax = 1_000 // definitions of a PutWorkflows
)

// TasksMax is how many tasks a workflow may have.
const TasksMax = core.NodesMax

// Sizes of what is stored.
const (
	PayloadBytesDefault       = 4 << 20           // input and output, see Limits
	PayloadBytesMax           = 32 << 20          // the most that Limits may allow: two of them fit a gRPC message
	MetadataBytesMax          = 64 << 10          // per run
	NameBytesMax              = 255               // workflows, tasks, actions
	LabelBytesMax             = 255               // texts for people: the name of a worker, its SDK
	ReasonBytesMax            = 1_024             // why a run was cancelled
	DescriptionBytesMax       = 1_024             // of a workflow
	ReportErrorBytesMax       = 64 << 10          // of a failed attempt; the rest is cut
	ActionsMax                = 1_000             // of a worker
	SlotsMax                  = 100_000           // of a worker
	RetriesMax                = 1_000             // of a task
	BackoffFactorMax          = 1_000             // of a task
	DurationMSMax       int64 = 10 * year         // delays, timeouts and pauses
	RunAtMSMax          int64 = 3_786_912_000_000 // 2090-01-01: the ids end in 2093

	year = 365 * 24 * 3_600_000
)

// Limits are the sizes that an operator may change.
type Limits struct {
	InputBytesMax  int // 0 = PayloadBytesDefault
	OutputBytesMax int // 0 = PayloadBytesDefault
}

func (l Limits) inputBytesMax() int { return orDefault(l.InputBytesMax, PayloadBytesDefault) }

func (l Limits) outputBytesMax() int { return orDefault(l.OutputBytesMax, PayloadBytesDefault) }

func orDefault[T comparable](v, otherwise T) T {
	var unset T
	if v == unset {
		return otherwise
	}
	return v
}

// Count checks how many items a list of a call has: one at least, max at most.
func Count(field string, n, max int) error {
	switch {
	case n == 0:
		return invalid(field, "is empty; name one at least")
	case n > max:
		return invalid(field, "has %d entries, at most %s go in one call; make several calls", n, thousands(int64(max)))
	}
	return nil
}

// Reason checks the text of why a run is cancelled.
func Reason(reason string) error { return text("reason", reason, ReasonBytesMax) }

// name checks a name that others refer to. Its letters need no quoting anywhere:
// not in a URL's path, a shell, a metric's label or a log.
func name(field, s string) error {
	if s == "" {
		return invalid(field, "is empty; give it a name")
	}
	if len(s) > NameBytesMax {
		return invalid(field, "is %d characters long, at most %d are allowed", len(s), NameBytesMax)
	}
	for i := range len(s) {
		if !nameByte[s[i]] {
			return invalid(field, "has a character that is not allowed at position %d; use letters, digits and . _ - : /", i+1)
		}
	}
	return nil
}

var nameByte = func() (allowed [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-") {
		allowed[c] = true
	}
	return allowed
}()

// text checks a text for people. Postgres stores no NUL in a text.
func text(field, s string, bytesMax int) error {
	switch {
	case len(s) > bytesMax:
		return invalid(field, "is %d bytes long, at most %s are allowed", len(s), thousands(int64(bytesMax)))
	case !utf8.ValidString(s):
		return invalid(field, "is not UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		return invalid(field, "contains a NUL byte; remove it")
	}
	return nil
}

func between(field string, v, least, most int64) error {
	if v < least || v > most {
		return invalid(field, "is %d, allowed is %s to %s", v, thousands(least), thousands(most))
	}
	return nil
}

// duration checks a span of milliseconds.
func duration(field string, ms int64) error {
	switch {
	case ms < 0:
		return invalid(field, "is %d, it must not be negative", ms)
	case ms > DurationMSMax:
		return invalid(field, "is %d ms, at most %s (10 years) are allowed", ms, thousands(DurationMSMax))
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, field, format, args...)
}

// thousands writes n with separators: 100000 as 100,000.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 1
	if n < 0 {
		first = 2
	}
	for i := len(s) - 3; i >= first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
