package adze

import (
	"fmt"
	"strconv"

	"github.com/adzehq/adze/internal/core"
)

// NonDeterminismError says that a durable function did something else than it did when it
// was called before: its code was changed while the run was under way (see [Patched]), or
// it does not come out the same each time. The run fails with it, without retries.
type NonDeterminismError struct {
	Index    int    // in the log, 1-based
	Expected string // what the log has there, like: step "charge"
	Got      string // what the function did
}

func (e *NonDeterminismError) Error() string {
	return fmt.Sprintf("non-deterministic: entry %d of the log is %s, but the function came to %s; "+
		"guard changed code with adze.Patched, and ask for the time, chance and the world outside through the log",
		e.Index, e.Expected, e.Got)
}

// StepError is the error of a [Step] whose function failed for good. It is the same when
// the durable function is called again, so it has the text of the error and not the error
// itself.
type StepError struct {
	Step string
	Text string
}

func (e *StepError) Error() string { return "step " + strconv.Quote(e.Step) + ": " + e.Text }

// what names an entry for people.
func what(kind core.EntryKind, name string) string { return kind.String() + " " + strconv.Quote(name) }
