package admit

import (
	"cmp"

	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
)

// RedriveRunsMax is how many runs one call replays at most.
const RedriveRunsMax = RunsMax

// Failures checks a filter of failures. The fields it names are those of the wire's
// ListFailuresRequest.
func Failures(f *history.FailureFilter) error {
	if f.Workflow != "" {
		if err := name("workflow", f.Workflow); err != nil {
			return err
		}
	}
	if f.Task != "" {
		if err := name("task", f.Task); err != nil {
			return err
		}
	}
	if f.Fingerprint < 0 {
		return invalid("fingerprint", "is none; take it from the list of failures")
	}
	if err := between("since_ms", int64(f.Since), 0, RunAtMSMax); err != nil {
		return err
	}
	return between("until_ms", int64(f.Until), 0, RunAtMSMax)
}

// Redrive checks which runs are to be replayed, and fills in what was left out. The fields
// it names are those of the wire's RedriveRequest.
func Redrive(r *shard.Redrive) error {
	if err := Failures(&r.FailureFilter); err != nil {
		return err
	}
	if r.Fingerprint == 0 && r.Workflow == "" {
		return invalid("fingerprint", "is not given, and workflow neither; give one of them, so that not all that ever failed runs again")
	}
	if err := between("limit", int64(r.Limit), 0, RedriveRunsMax); err != nil {
		return err
	}
	r.Limit = cmp.Or(r.Limit, RedriveRunsMax)
	return nil
}
