package adze

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
)

const (
	// failureGroupsMax is how many groups Failures gives.
	failureGroupsMax = 10_000

	// redriveStep is how many runs Redrive asks for at once.
	redriveStep = 1_000

	// redriveSampleMax is how many runs Redriven names.
	redriveSampleMax = 10
)

// Fingerprint stands for what the error of a task says without what differs from one time
// to the next: numbers, ids, times, addresses and what is quoted. Errors that are equal in
// the rest have the same one. People see 16 hexadecimal digits. Zero is none.
type Fingerprint int64

// ParseFingerprint reads a Fingerprint from its 16 digits.
func ParseFingerprint(s string) (Fingerprint, error) {
	v, err := strconv.ParseInt(s, 16, 64)
	if err != nil || v <= 0 || len(s) != 16 {
		return 0, &Error{Kind: KindInvalid, Field: "fingerprint", Text: "is not 16 hexadecimal digits, as the list of failures has it: " + s, cause: err}
	}
	return Fingerprint(v), nil
}

// String is the digits.
func (f Fingerprint) String() string { return fmt.Sprintf("%016x", int64(f)) }

// MarshalText is the digits.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is ParseFingerprint.
func (f *Fingerprint) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFingerprint(string(text))
	return err
}

// FailureFilter says which failed runs Failures and Redrive are about. Its zero value is
// all of them.
type FailureFilter struct {
	Task        string      // the name of the Task or Workflow; all if empty
	Node        string      // the name of the task of a Workflow that failed; all if empty
	Fingerprint Fingerprint // of the error; all if 0
	Since       time.Time   // submitted at or after
	Until       time.Time   // submitted before
}

// FailureGroup is runs that failed in the same task for the same reason, as far as its
// [Fingerprint] tells. A run of a [Workflow] of which several tasks failed is in several
// groups.
type FailureGroup struct {
	Task        string      `json:"task"` // the name of the Task or Workflow
	Node        string      `json:"node"` // the name of the task of the Workflow that failed; of a Task, its own
	Fingerprint Fingerprint `json:"fingerprint"`
	Runs        int         `json:"runs"`
	First       time.Time   `json:"first"` // when the task failed first, and last
	Last        time.Time   `json:"last"`
	Sample      ID          `json:"sample"` // one of the newest runs
	Error       string      `json:"error"`  // of the task in that run, or the beginning of it
}

// Failures gives the runs that failed in groups, those of most runs first. It reads all
// failures that filter asks for, some 5,000 at a time: on a large history, say since when.
// More than 10,000 groups are ErrExhausted.
func (c *Client) Failures(ctx context.Context, filter FailureFilter) ([]FailureGroup, error) {
	sum := map[FailureGroup]*FailureGroup{}
	all := []*FailureGroup{}
	for asked, more := filter.asked(), true; more; more = asked.Before != 0 {
		page, next, err := c.transport.failures(ctx, asked)
		if err != nil {
			return nil, fmt.Errorf("list failures: %w", err)
		}
		for i := range page {
			g := &page[i]
			key := FailureGroup{Task: g.Task, Node: g.Node, Fingerprint: g.Fingerprint}
			if known := sum[key]; known != nil {
				known.add(g)
				continue
			}
			sum[key], all = g, append(all, g)
		}
		if len(all) > failureGroupsMax {
			return nil, fmt.Errorf("list failures: %w", &Error{Kind: KindExhausted, Text: "there are more than 10,000 groups; ask for one Task, or a shorter time"})
		}
		asked.Before = next
	}
	return byRuns(all), nil
}

// add adds the older runs of o.
func (g *FailureGroup) add(o *FailureGroup) {
	g.Runs += o.Runs
	if o.First.Before(g.First) {
		g.First = o.First
	}
	if o.Last.After(g.Last) {
		g.Last = o.Last
	}
}

func byRuns(all []*FailureGroup) []FailureGroup {
	slices.SortStableFunc(all, func(a, b *FailureGroup) int {
		return cmp.Or(cmp.Compare(b.Runs, a.Runs), b.Last.Compare(a.Last))
	})
	groups := make([]FailureGroup, len(all))
	for i, g := range all {
		groups[i] = *g
	}
	return groups
}

func (f *FailureFilter) asked() history.FailureFilter {
	return history.FailureFilter{
		Workflow: f.Task, Task: f.Node, Fingerprint: int64(f.Fingerprint),
		Since: core.Time(milli(f.Since)), Until: core.Time(milli(f.Until)),
	}
}

// Redrive says which failed runs to replay, and how. Its filter names a Task or a
// Fingerprint, so that not all that ever failed runs again.
type Redrive struct {
	FailureFilter
	Limit      int  // at most so many runs; all if 0
	FromFailed bool // as of [Client.ReplayFailed]
	Again      bool // also runs that were replayed before
	DryRun     bool // replay nothing, and tell what would be
}

// Redriven is what came of a [Redrive], or with DryRun what would.
type Redriven struct {
	Runs    int   // that were replayed
	Skipped int   // that had been replayed before
	Refused int   // that could not be replayed
	Refusal error // why the first of these could not be
	Sample  []ID  // up to 10 of the failed runs that were replayed
}

// Redrive replays runs that failed, as [Client.Replay] does, those submitted last first, up
// to 1,000 at a time. A run that was replayed before, by whomever, is skipped unless Again
// is set: so a Redrive that was broken off may be called again, and replays what is left.
// What fails while it goes on is not among its runs. With an error it tells how far it came.
func (c *Client) Redrive(ctx context.Context, what Redrive) (*Redriven, error) {
	want := shard.Redrive{
		FailureFilter: what.asked(), FromFailed: what.FromFailed, Again: what.Again, DryRun: what.DryRun,
	}
	done := &Redriven{}
	for more := true; more; more = want.Before != 0 && (what.Limit == 0 || done.tried() < what.Limit) {
		want.Limit = redriveStep
		if what.Limit != 0 {
			want.Limit = min(redriveStep, what.Limit-done.tried())
		}
		step, err := c.transport.redrive(ctx, want)
		if err != nil {
			return done, fmt.Errorf("redrive: %w", err)
		}
		done.add(&step)
		want.Before = step.Next
	}
	return done, nil
}

// tried is how many runs count towards the limit.
func (r *Redriven) tried() int { return r.Runs + r.Refused }

func (r *Redriven) add(step *shard.Redriven) {
	r.Skipped += step.Skipped
	for _, run := range step.Runs {
		if run.Err != nil {
			r.Refused++
			r.Refusal = cmp.Or(r.Refusal, run.Err)
			continue
		}
		r.Runs++
		if len(r.Sample) < redriveSampleMax {
			r.Sample = append(r.Sample, ID(run.Of))
		}
	}
}
