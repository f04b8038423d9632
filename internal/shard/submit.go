package shard

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// rowBytes is what a task costs in the journal beside its payloads.
const rowBytes = 256

// Submit implements Client.
func (r *Runtime) Submit(ctx context.Context, tenant id.ID, runs []NewRun, wait Wait) ([]Submitted, error) {
	rows, err := r.submissions(tenant, runs)
	if err != nil {
		return nil, err
	}
	return r.submit(ctx, rows, wait)
}

// submissions are runs with the current version of their workflows.
func (r *Runtime) submissions(tenant id.ID, runs []NewRun) ([]submission, error) {
	now := r.now()
	rows := make([]submission, len(runs))
	for i := range runs {
		run := &runs[i]
		v := r.catalog.workflow(tenant, run.Workflow)
		if v == nil {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("runs[%d].workflow", i), "no workflow %q; register it first (a worker does when it starts)", run.Workflow)
		}
		rows[i] = submission{version: v, row: core.NewTask{
			Tenant: tenant, Version: v.Version, RunAt: run.RunAt, Priority: run.Priority,
			Input: run.Input, Metadata: run.Metadata, Given: run.Given, Key: run.FairKey, Flow: run.route(),
		}}
		if run.DelayMS > 0 {
			rows[i].row.RunAt = now + core.Time(run.DelayMS)
		}
		err := v.complete(&rows[i].row)
		if err == nil {
			err = rows[i].key(run)
		}
		if err != nil {
			return nil, fault.At(fmt.Sprintf("runs[%d]", i), err)
		}
	}
	return rows, nil
}

// submission is a run on its way to the core.
type submission struct {
	version *version
	row     core.NewTask
	kept    []core.KeptNode
	logs    []core.NodeLog
	tasks   []id.ID          // of a replay of some tasks: these, of the run that it repeats
	once    *core.NewOnceKey // nil = none
}

// key finds the once key that the run wants.
func (s *submission) key(run *NewRun) (err error) {
	if s.once, err = s.version.onceOf(run.Input, run.Metadata, run.Once); err != nil {
		return err
	}
	if s.once != nil && s.once.Hold == core.OnceQuiet && s.row.RunAt != 0 {
		return fault.New(fault.Invalid, "delay_ms", "or run_at_ms is given, but workflow %q debounces its runs, which says when they start; leave it out", s.version.Workflow)
	}
	return nil
}

func (s *submission) bytes() int64 {
	bytes := rowBytes + int64(len(s.row.Input)+len(s.row.Metadata)+len(s.row.Given))
	for i := range s.kept {
		bytes += rowBytes + int64(len(s.kept[i].Output))
	}
	for i := range s.logs {
		bytes += logBytes(s.logs[i].Entries)
	}
	if s.once != nil {
		bytes += rowBytes + int64(len(s.once.Key))
	}
	for _, scope := range s.row.Scopes {
		bytes += int64(len(scope))
	}
	return bytes
}

func bytesOf(rows []submission) (bytes int64) {
	for i := range rows {
		bytes += rows[i].bytes()
	}
	return bytes
}

// submit stores runs once there is room for them, and tells what came of each.
func (r *Runtime) submit(ctx context.Context, rows []submission, wait Wait) ([]Submitted, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	verdicts := r.expectVerdicts(rows)
	defer verdicts.end()
	ids := make([]id.ID, len(rows))
	input := &core.Submit{Ref: verdicts.ref}
	m := message{
		input: input, wanted: wantedBy(rows[0].row.Tenant, rows), bytes: bytesOf(rows),
		prepare: func(now core.Time) { r.enumerate(input, rows, ids, now) },
	}
	if err := r.commit(ctx, rows[0].row.Tenant, m, wait); err != nil {
		return nil, err
	}
	r.noteReplays(rows, ids)
	answers, err := verdicts.wait(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Submitted, len(rows))
	for i := range ids {
		all[i].ID = ids[i]
	}
	for _, a := range answers {
		all[a.Item] = submittedAs(a, rows[a.Item].once.Key)
	}
	return all, nil
}

// commit takes room for m, has its input prepared and applied by the loop, and waits until
// what followed is stored.
func (r *Runtime) commit(ctx context.Context, tenant id.ID, m message, wait Wait) error {
	if err := r.config.Submits.Reserve(ctx, tenant, m.bytes, bool(wait)); err != nil {
		return err
	}
	done := make(chan error, 1)
	m.gate, m.holder, m.told = r.config.Submits, tenant, func(err error) { done <- err }
	if err := r.send(m); err != nil {
		return err
	}
	return r.wait(ctx, done)
}

// enumerate gives runs their ids: first those of one task, then those of graphs, as the
// core takes them, each with as many ids as it has tasks.
func (r *Runtime) enumerate(input *core.Submit, rows []submission, ids []id.ID, now core.Time) {
	input.Tasks, input.Runs = make([]core.NewTask, 0, len(rows)), nil
	for i := range rows {
		if rows[i].version.graph == nil {
			ids[i] = r.take(rows[i].version, now)
			rows[i].row.ID = ids[i]
			input.Tasks = append(input.Tasks, rows[i].row)
		}
	}
	for i := range rows {
		if rows[i].version.graph != nil {
			ids[i] = r.take(rows[i].version, now)
			rows[i].row.ID = ids[i]
			input.Runs = append(input.Runs, core.NewRun{Task: rows[i].row, Kept: rows[i].kept, Logs: rows[i].logs})
		}
	}
	input.Once = keysOf(rows, ids)
	for i := range rows {
		if of := rows[i].row.ReplayOf; of != 0 {
			r.repeats.note(of, repeated{ids[i], len(rows[i].kept) == 0, rows[i].tasks})
		}
	}
}

// take is the id of a run of v, with all that it needs: one, or one more than v has tasks.
func (r *Runtime) take(v *version, now core.Time) id.ID {
	if v.graph != nil {
		return r.ids.Block(int64(now), 1+len(v.graph.Nodes))
	}
	return r.ids.Next(int64(now))
}

// wait waits for what told says.
func (r *Runtime) wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.failed:
		select {
		case err := <-done:
			return err
		default: // it may or may not have been committed
			return r.unavailable()
		}
	}
}
