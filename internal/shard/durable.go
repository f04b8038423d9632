package shard

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Spawn implements Client. The core may ask for it again: it reads the keys of a parent
// that was here before when that spawns for the first time, and by then the ids of the
// children are too old.
func (r *Runtime) Spawn(ctx context.Context, tenant id.ID, parent Parent, children []NewRun, wait Wait) ([]Submitted, error) {
	rows, err := r.submissions(tenant, children)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].row.Parent = parent.Task
	}
	bytes := bytesOf(rows)
	for {
		if err := r.config.Submits.Reserve(ctx, tenant, bytes, bool(wait)); err != nil {
			return nil, err
		}
		answers, err := r.ask(ctx, len(rows), func(ref uint64) message {
			in := &core.Spawn{Ref: ref, Tenant: tenant, Parent: parent.Task, Token: parent.Token}
			return message{
				input:   in,
				prepare: func(now core.Time) { in.Items = r.items(rows, children, now) },
				wanted:  wantedBy(tenant, rows),
				gate:    r.config.Submits, holder: tenant, bytes: bytes,
			}
		})
		if err != nil {
			return nil, err
		}
		spawned, again, err := spawnedOf(answers, rows, parent.Task)
		if !again {
			return spawned, err
		}
	}
}

// items are children with ids, in their order.
func (r *Runtime) items(rows []submission, children []NewRun, now core.Time) []core.SpawnItem {
	items := make([]core.SpawnItem, len(rows))
	for i := range rows {
		row := rows[i].row
		items[i].Key, items[i].Policy, items[i].Once = children[i].Key, children[i].Policy, rows[i].once
		row.ID = r.take(rows[i].version, now)
		if rows[i].version.graph == nil {
			items[i].Task = &row
		} else {
			items[i].Run = &core.NewRun{Task: row}
		}
	}
	return items
}

func spawnedOf(answers []core.Answer, rows []submission, parent id.ID) (spawned []Submitted, again bool, err error) {
	spawned = make([]Submitted, len(answers))
	for _, answer := range answers {
		switch answer.Kind {
		case core.AnswerAgain:
			return nil, true, nil
		case core.AnswerStale:
			return nil, false, fault.New(fault.Conflict, "parent_token", "this attempt is not the current one of task %s, or is being stopped", parent)
		default:
			spawned[answer.Item] = submittedAs(answer, rows[answer.Item].onceKey())
		}
	}
	return spawned, false, nil
}

// spawning are the children of one entry on their way to the core.
type spawning struct {
	entry  *core.NewEntry
	task   id.ID
	tenant id.ID
	rows   []submission
}

// spawnings resolves the children of entries. An entry whose workflow nobody knows is
// recorded with that as its error: the task decides what to do about it.
func (s *session) spawnings(ctx context.Context, items []core.ReportItem, spawns []EntrySpawn) (all []spawning, err error) {
	for _, spawn := range spawns {
		item := &items[spawn.Item]
		item.Entry.Spawned = &core.Submit{}
		tenant, err := s.bearer(ctx, item)
		if err != nil {
			return nil, err
		}
		rows, err := s.runtime.submissions(tenant, spawn.Runs)
		if err != nil {
			item.Entry.Error = err.Error()
			continue
		}
		for i := range rows {
			rows[i].row.Parent = item.Task
		}
		if len(spawn.Runs) > 0 {
			item.Entry.Policy = spawn.Runs[0].Policy
		}
		all = append(all, spawning{item.Entry, item.Task, tenant, rows})
	}
	return all, nil
}

// enumerate gives the children their ids, which the entry names in their order.
func (s *spawning) enumerate(r *Runtime, now core.Time) {
	ids := make([]id.ID, len(s.rows))
	r.enumerate(s.entry.Spawned, s.rows, ids, now)
	names := make([]string, len(ids))
	for i, child := range ids {
		names[i] = child.String()
	}
	s.entry.Data, _ = json.Marshal(names) // strings never fail
}

// Fork implements Client.
func (r *Runtime) Fork(ctx context.Context, tenant, run id.ID, index int32, input []byte) (id.ID, error) {
	fork, _, err := r.newFork(ctx, tenant, run, index, input, nil)
	if err != nil {
		return 0, err
	}
	return r.sendFork(ctx, fork, nil, nil)
}

// newFork is a durable run as a new one with the beginning of its log, and more entries,
// which are also in added.
func (r *Runtime) newFork(
	ctx context.Context, tenant, run id.ID, index int32, input []byte, more []core.Entry,
) (fork *core.Fork, added []core.Entry, err error) {
	rows, err := r.config.Store.Inputs(ctx, []id.ID{run})
	if err != nil {
		return nil, nil, err
	}
	if len(rows) == 0 || rows[0].Tenant != tenant || rows[0].Run != 0 {
		return nil, nil, fault.New(fault.NotFound, "run_id", "no run %s of one task", run)
	}
	was := r.catalog.version(rows[0].Version)
	if was == nil || !was.Durable {
		return nil, nil, fault.New(fault.Invalid, "run_id", "run %s is not one of a durable task, only those can be forked; replay it", run)
	}
	entries, mets, err := r.config.Store.Logs(ctx, []id.ID{run})
	if err != nil {
		return nil, nil, err
	}
	fork = &core.Fork{Task: rows[0]}
	if fork.Entries, fork.Mets, err = cutLog(entries, mets, index); err != nil {
		return nil, nil, err
	}
	fork.Entries = append(fork.Entries, more...)
	added = fork.Entries[len(fork.Entries)-len(more):]
	current := r.catalog.workflow(was.Tenant, was.Workflow)
	fork.Task.Version, fork.Task.ReplayOf, fork.Task.RunAt, fork.Task.Parent = current.Version, run, 0, 0
	if input != nil {
		fork.Task.Input = input
	}
	return fork, added, current.complete(&fork.Task)
}

// sendFork has the entries that were added follow the others. It gives no run if there is
// somebody to ask, and he does not allow it.
func (r *Runtime) sendFork(ctx context.Context, fork *core.Fork, added []core.Entry, allow func() bool) (id.ID, error) {
	bytes := rowBytes + int64(len(fork.Task.Input)+len(fork.Task.Metadata)) + logBytes(fork.Entries)
	m := message{input: fork, bytes: bytes, allow: allow, prepare: func(now core.Time) {
		fork.Task.ID = r.ids.Next(int64(now))
		r.repeats.note(fork.Task.ReplayOf, repeated{by: fork.Task.ID, whole: true})
		kept := len(fork.Entries) - len(added)
		for i := range added {
			added[i].Tenant, added[i].At, added[i].Index = fork.Task.Tenant, now, int32(kept+i+1)
		}
	}}
	tenant, of := fork.Task.Tenant, fork.Task.ReplayOf
	fork.Task.ID = 0
	if err := r.commit(ctx, tenant, m, WaitForRoom); err != nil {
		return 0, err
	}
	r.noteRepeat(of, fork.Task.ID)
	return fork.Task.ID, nil
}

func logBytes(entries []core.Entry) (bytes int64) {
	for i := range entries {
		bytes += rowBytes + int64(len(entries[i].Data))
	}
	return bytes
}

// cutLog is the part of a log before index; 0 is after its end. What it still waits for
// there, the fork goes on waiting for.
func cutLog(entries []core.Entry, mets []core.Met, index int32) ([]core.Entry, []core.Met, error) {
	if index == 0 {
		index = int32(len(entries)) + 1
	}
	if index < 1 || int(index) > len(entries)+1 {
		return nil, nil, fault.New(fault.Invalid, "index", "is %d, and the log has %d entries; give 1 to %d", index, len(entries), len(entries)+1)
	}
	mets = slices.DeleteFunc(mets, func(m core.Met) bool { return m.Index >= index || m.Index == 0 })
	return entries[:index-1], mets, nil
}

// Wake implements Client.
func (r *Runtime) Wake(ctx context.Context, tenant id.ID, ids []id.ID) ([]Woken, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	answers, err := r.ask(ctx, len(ids), func(ref uint64) message {
		return message{input: &core.Wake{Ref: ref, Tenant: tenant, Tasks: ids}}
	})
	if err != nil {
		return nil, err
	}
	of := make(map[id.ID]Woken, len(ids))
	for _, a := range answers {
		switch a.Kind {
		case core.AnswerDone:
			of[a.Task] = WakeDone
		case core.AnswerStale:
			of[a.Task] = WakeAwake
		}
	}
	woken := make([]Woken, len(ids))
	for i, run := range ids {
		woken[i] = of[run]
	}
	return woken, nil
}

// Value implements Client.
func (r *Runtime) Value(ctx context.Context, tenant, run id.ID, name string) (core.Value, error) {
	value, err := r.config.Store.Value(ctx, run, name)
	if err != nil || value.Tenant != tenant {
		return core.Value{}, err
	}
	return value, nil
}

// logsMax bounds how many logs are read at once: a long one takes its statement a while.
const logsMax = 500

// addLogs gives assignments of durable tasks what was done and met before.
func (r *Runtime) addLogs(ctx context.Context, full []Assignment) error {
	of := map[id.ID][]*Assignment{} // of a task that timed out meanwhile there may be several
	var logged []id.ID
	for i := range full {
		a := &full[i]
		if a.Entries == 0 {
			continue
		}
		if of[a.Task] == nil {
			logged = append(logged, a.Task)
		}
		of[a.Task] = append(of[a.Task], a)
	}
	for part := range slices.Chunk(logged, logsMax) {
		entries, mets, err := r.config.Store.Logs(ctx, part)
		if err != nil {
			return fmt.Errorf("read logs of %d tasks: %w", len(part), err)
		}
		for i := range entries {
			for _, a := range of[entries[i].Task] {
				a.Log = append(a.Log, entries[i])
			}
		}
		for i := range mets {
			for _, a := range of[mets[i].Task] {
				a.Mets = append(a.Mets, mets[i])
			}
		}
	}
	return nil
}
