package task

import (
	_ "embed"
	"strconv"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/fingerprint"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed insert_results.sql
	insertResultsSQL string
	//go:embed insert_judged.sql
	insertJudgedSQL string
	//go:embed insert_failures.sql
	insertFailuresSQL string

	insertResults  = insertOf("task_insert_results", insertResultsSQL)
	insertJudged   = insertOf("task_insert_judged", insertJudgedSQL)
	insertFailures = insertOf("task_insert_failures", insertFailuresSQL)
)

// ResultColumns are task_result rows on their way to Postgres. The few with verdicts,
// and those that failed, go by statements of their own, so that the others do not carry
// an empty column.
type ResultColumns struct {
	plain, judged resultColumns
	verdicts      bulk.Text // of judged
	failed        failureColumns
}

// Add appends a row.
func (c *ResultColumns) Add(r *core.Result) {
	switch {
	case r.Status == core.Failed:
		c.failed.add(r)
	case len(r.Verdicts) == 0:
		c.plain.add(r)
	default:
		c.judged.add(r)
		c.verdicts.Add(encodeVerdicts(r.Verdicts))
	}
}

// Queue adds the inserts to b, unless there are no rows, and empties the columns.
func (c *ResultColumns) Queue(b *bulk.Batch, repeat bool) {
	insertResults.queue(b, repeat, c.plain.id.Rows(), c.plain.all())
	insertJudged.queue(b, repeat, c.judged.id.Rows(), append(c.judged.all(), &c.verdicts))
	insertFailures.queue(b, repeat, c.failed.id.Rows(), c.failed.all())
}

type resultColumns struct {
	id, tenant, worker, assigned, started, finished bulk.Int8
	attempt, suspensions                            bulk.Int4
	status, err                                     bulk.Text
	output                                          bulk.Bytea
}

func (c *resultColumns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.worker, &c.assigned, &c.started, &c.finished,
		&c.attempt, &c.suspensions, &c.status, &c.err, &c.output,
	}
}

func (c *resultColumns) add(r *core.Result) {
	c.id.Add(int64(r.Task))
	c.tenant.Add(int64(r.Tenant))
	c.worker.AddOrNull(int64(r.Worker))
	c.assigned.Add(int64(r.Assigned))
	c.started.Add(int64(r.Started))
	c.finished.Add(int64(r.Finished))
	c.attempt.Add(r.Attempt)
	addSuspensions(&c.suspensions, r)
	c.status.Add(r.Status.String())
	c.err.AddOrNull(r.Error)
	c.output.Add(r.Output)
}

// failureColumns are rows of tasks that failed: with a fingerprint, and without output.
type failureColumns struct {
	id, tenant, worker, assigned, started, finished, fingerprint bulk.Int8
	attempt, suspensions                                         bulk.Int4
	status, err                                                  bulk.Text
}

func (c *failureColumns) all() []bulk.Column {
	return []bulk.Column{
		&c.id, &c.tenant, &c.worker, &c.assigned, &c.started, &c.finished, &c.fingerprint,
		&c.attempt, &c.suspensions, &c.status, &c.err,
	}
}

func (c *failureColumns) add(r *core.Result) {
	c.id.Add(int64(r.Task))
	c.tenant.Add(int64(r.Tenant))
	c.worker.AddOrNull(int64(r.Worker))
	c.assigned.Add(int64(r.Assigned))
	c.started.Add(int64(r.Started))
	c.finished.Add(int64(r.Finished))
	c.fingerprint.Add(fingerprint.Of(bulk.Clean(r.Error))) // of what is stored
	c.attempt.Add(r.Attempt)
	addSuspensions(&c.suspensions, r)
	c.status.Add(r.Status.String())
	c.err.AddOrNull(r.Error)
}

// addSuspensions leaves it out for the many that were not suspended.
func addSuspensions(c *bulk.Int4, r *core.Result) {
	if r.Suspensions == 0 {
		c.AddNull()
		return
	}
	c.Add(r.Suspensions)
}

// What a verdict says, as task_result.verdicts has it beside the node: two bits, and
// above them one for each condition that holds.
const (
	verdictSkip   = 1
	verdictCancel = 2
	verdictBits   = 2
)

// encodeVerdicts writes pairs of a node and what is said of it, as the text of an
// array of integers.
func encodeVerdicts(verdicts []core.Verdict) string {
	text := []byte{'{'}
	for i, v := range verdicts {
		if i > 0 {
			text = append(text, ',')
		}
		says := v.Holds << verdictBits
		if v.Skip {
			says |= verdictSkip
		}
		if v.Cancel {
			says |= verdictCancel
		}
		text = strconv.AppendInt(text, int64(v.Node), 10)
		text = append(text, ',')
		text = strconv.AppendInt(text, int64(int32(says)), 10)
	}
	return string(append(text, '}'))
}

// DecodeVerdicts reads task_result.verdicts; nil if there are none.
func DecodeVerdicts(pairs []int32) []core.Verdict {
	if len(pairs) == 0 {
		return nil
	}
	verdicts := make([]core.Verdict, len(pairs)/2)
	for i := range verdicts {
		node, says := pairs[2*i], uint32(pairs[2*i+1])
		verdicts[i] = core.Verdict{
			Node: node, Skip: says&verdictSkip != 0, Cancel: says&verdictCancel != 0, Holds: says >> verdictBits,
		}
	}
	return verdicts
}
