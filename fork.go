package adze

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// ForkOption is an option of [Client.Fork].
type ForkOption func(*fork) error

type fork struct {
	index int
	step  string // instead of index
	input []byte // nil: that of the run
}

// FromStep runs again from the first entry of that name in the log: a step, or any other.
func FromStep(name string) ForkOption {
	return func(f *fork) error { f.step = name; return nil }
}

// FromEntry runs again from an entry of the log, see [RunInfo]; 1 is the first.
func FromEntry(index int) ForkOption {
	return func(f *fork) error { f.index = index; return nil }
}

// WithInput gives the new run another input.
func WithInput(in any) ForkOption {
	return func(f *fork) (err error) {
		if f.input, err = json.Marshal(in); err != nil {
			return &Error{Kind: KindInvalid, Field: "input", Text: err.Error(), cause: err}
		}
		return nil
	}
}

// Fork submits a run of a durable task again, as a new run that begins with part of the
// log of the old one: what was recorded before the given place is kept, and the rest is
// done anew. Without a place it begins with nothing. The old run stays as it is, whether
// it has ended or not; the new one names it as its ReplayOf.
func (c *Client) Fork(ctx context.Context, run ID, options ...ForkOption) (ID, error) {
	f := fork{index: 1}
	for _, o := range options {
		if err := o(&f); err != nil {
			return 0, fmt.Errorf("fork %s: %w", run, err)
		}
	}
	if f.step != "" {
		info, err := c.Get(ctx, run)
		if err != nil {
			return 0, fmt.Errorf("fork %s: %w", run, err)
		}
		at := slices.IndexFunc(info.Log, func(e EntryInfo) bool { return e.Name == f.step })
		if at < 0 {
			return 0, fmt.Errorf("fork %s: %w", run, &Error{Kind: KindNotFound, Field: "step", Text: "the log has no entry " + f.step})
		}
		f.index = info.Log[at].Index
	}
	fresh, err := c.transport.fork(ctx, id.ID(run), clamp(f.index), f.input)
	if err != nil {
		return 0, fmt.Errorf("fork %s: %w", run, err)
	}
	return ID(fresh), nil
}
