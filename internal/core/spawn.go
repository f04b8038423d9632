package core

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/adzehq/adze/internal/base/id"
)

// Spawn submits children of a running task. One with a key that the task has spawned
// before is not submitted again: the answer names the run that is there. Each item is
// answered under Ref.
type Spawn struct {
	Ref    uint64
	Tenant id.ID
	Parent id.ID // a task
	Token  Token // of its attempt; 0 = of the one that runs
	Items  []SpawnItem
}

// SpawnItem is one child: a task, or a run of a graph.
type SpawnItem struct {
	Key    string // unique among the children of the parent
	Policy ClosePolicy
	Task   *NewTask
	Run    *NewRun
	Once   *NewOnceKey // that the child wants to hold; nil = none
}

// ClosePolicy is what becomes of a child when its parent ends.
type ClosePolicy uint8

// The policies.
const (
	CloseLeave  ClosePolicy = iota // it goes on
	CloseCancel                    // it is cancelled
)

// Child is a row that links a run to the task that spawned it.
type Child struct {
	Parent id.ID
	Tenant id.ID
	Run    id.ID
	Cancel bool
	Key    string
}

// Closing is a task whose children have to be cancelled: it ended, or was cancelled
// with all its tree.
type Closing struct {
	Task   id.ID
	Tenant id.ID
	Whole  bool   // all of them; else those with CloseCancel
	Reason string // becomes part of their errors
}

// kin is what a task that runs knows of its children.
type kin struct {
	known   bool // keys has all of them
	loading bool
	keys    map[string]id.ID
	asked   []*Spawn // to be asked again once they are known
}

// spawn submits children of a running task.
func (s *Shard) spawn(in *Spawn) {
	t := s.tasks[in.Parent]
	if t == nil || t.state != OpenRunning || in.Token != 0 && t.token != in.Token || t.def.Tenant != in.Tenant || t.stop != 0 {
		s.answerSpawn(in, AnswerStale)
		return
	}
	if t.kin == nil {
		t.kin = &kin{keys: map[string]id.ID{}, known: t.young}
	}
	if !t.kin.known {
		t.kin.asked = append(t.kin.asked, in)
		if !t.kin.loading {
			t.kin.loading = true
			s.request(Load{Kind: LoadKeys, Tenant: t.def.Tenant, Tasks: []id.ID{t.id}})
		}
		return
	}
	var fresh Submit
	for i := range in.Items {
		s.bear(t, in, int32(i), &fresh)
	}
	s.submitBorn(t, in, &fresh)
}

// bear has a child submitted, unless it is there.
func (s *Shard) bear(t *task, in *Spawn, place int32, fresh *Submit) {
	item := &in.Items[place]
	if slices.ContainsFunc(fresh.Once, func(k NewOnceKey) bool { return in.Items[k.Item].Key == item.Key }) {
		return // see answerTwins
	}
	if there, exists := t.kin.keys[item.Key]; exists {
		s.out.Answers = append(s.out.Answers, Answer{Ref: in.Ref, Task: there, Kind: AnswerExists, Item: place})
		return
	}
	row := item.Task
	if row != nil {
		fresh.Tasks = append(fresh.Tasks, *row)
	} else {
		row = &item.Run.Task
		fresh.Runs = append(fresh.Runs, *item.Run)
	}
	if item.Once != nil {
		want := *item.Once
		want.Run, want.Item = row.ID, place
		fresh.Once = append(fresh.Once, want)
		return
	}
	t.kin.keys[item.Key] = row.ID
	s.bind(t, row.ID, item.Key, item.Policy)
	s.out.Answers = append(s.out.Answers, Answer{Ref: in.Ref, Task: row.ID, Kind: AnswerDone, Item: place})
}

// submitBorn submits children of which some may have once keys. One whose key is held by
// another run is that run, if it may be: the parent finds it again by the child's key, and
// leaves it alone when it ends.
func (s *Shard) submitBorn(t *task, in *Spawn, fresh *Submit) {
	if len(fresh.Once) == 0 {
		s.submit(fresh)
		return
	}
	slices.SortFunc(fresh.Once, func(a, b NewOnceKey) int { return cmp.Compare(a.Run, b.Run) })
	s.submitOnce(fresh, func(key *NewOnceKey, kind AnswerKind, run id.ID) {
		item := &in.Items[key.Item]
		switch kind {
		case AnswerDone:
			t.kin.keys[item.Key] = run
			s.bind(t, run, item.Key, item.Policy)
		case AnswerExists:
			t.kin.keys[item.Key] = run
			s.bind(t, run, item.Key, CloseLeave)
		}
		s.answerOnce(in.Ref, key, kind, run)
		s.answerTwins(t, in, key, run)
	})
}

// answerTwins answers the items that have the child's key of one before that wanted a once
// key: they are what that one is.
func (s *Shard) answerTwins(t *task, in *Spawn, key *NewOnceKey, run id.ID) {
	kind := AnswerHeld
	if _, born := t.kin.keys[in.Items[key.Item].Key]; born {
		kind = AnswerExists
	}
	for i := int(key.Item) + 1; i < len(in.Items); i++ {
		if in.Items[i].Key == in.Items[key.Item].Key {
			s.out.Answers = append(s.out.Answers, Answer{Ref: in.Ref, Task: run, Kind: kind, Item: int32(i)})
		}
	}
}

// bind links a child to its parent.
func (s *Shard) bind(t *task, run id.ID, key string, policy ClosePolicy) {
	s.out.Children = append(s.out.Children, Child{
		Parent: t.id, Tenant: t.def.Tenant, Run: run, Key: key, Cancel: policy == CloseCancel,
	})
	if policy == CloseCancel && !t.binds {
		t.binds, t.counted = true, true // whoever ends it must know
		s.changed(t)
	}
}

// answerSpawn answers all items of in alike.
func (s *Shard) answerSpawn(in *Spawn, kind AnswerKind) {
	for i := range in.Items {
		s.out.Answers = append(s.out.Answers, Answer{Ref: in.Ref, Kind: kind, Item: int32(i)})
	}
}

// loadedKeys has those asked again who spawned before the keys were known: the ids
// that they brought are too old by now.
func (s *Shard) loadedKeys(in *Loaded) {
	t := s.tasks[in.Load.Tasks[0]]
	if t == nil || t.kin == nil || !t.kin.loading {
		return
	}
	t.kin.known, t.kin.loading = true, false
	for _, child := range in.Children {
		t.kin.keys[child.Key] = child.Run
	}
	for _, asked := range t.kin.asked {
		s.answerSpawn(asked, AnswerAgain)
	}
	t.kin.asked = nil
}

// refuseKin answers those who spawn, of a task that does not run any longer.
func (s *Shard) refuseKin(t *task) {
	if t.kin == nil {
		return
	}
	for _, asked := range t.kin.asked {
		s.answerSpawn(asked, AnswerStale)
	}
	t.kin.asked = nil
}

// spawnLogged submits the children of an entry of a log, which is all that names them.
// Of those that want a once key, each whose key is held is the run that holds it; if it
// may not be, the entry says so.
func (s *Shard) spawnLogged(t *task, e *NewEntry) {
	children := e.Spawned.children()
	wanting := e.Spawned.Once // ascending, as are the tasks and the runs
	keyed := func(child id.ID) bool {
		_, found := slices.BinarySearchFunc(wanting, child, func(k NewOnceKey, run id.ID) int { return cmp.Compare(k.Run, run) })
		return found
	}
	for i, child := range children {
		if !keyed(child) {
			s.bind(t, child, loggedKey(e.Index, i), e.Policy)
		}
	}
	if len(wanting) == 0 {
		s.submit(e.Spawned)
		return
	}
	s.submitOnce(e.Spawned, func(key *NewOnceKey, kind AnswerKind, run id.ID) {
		place := loggedKey(e.Index, slices.Index(children, key.Run))
		switch kind {
		case AnswerDone:
			s.bind(t, run, place, e.Policy)
		case AnswerExists:
			s.bind(t, run, place, CloseLeave)
			e.Data = bytes.Replace(e.Data, []byte(key.Run.String()), []byte(run.String()), 1)
		default:
			e.Error = heldText(key.Key, run)
		}
	})
}

// children are the ids of all runs of a submit, those of one task first.
func (in *Submit) children() []id.ID {
	children := make([]id.ID, 0, len(in.Tasks)+len(in.Runs))
	for i := range in.Tasks {
		children = append(children, in.Tasks[i].ID)
	}
	for i := range in.Runs {
		children = append(children, in.Runs[i].Task.ID)
	}
	return children
}

// LoggedKey is what the key of a child begins with that a log names. Other keys must not.
const LoggedKey = "#"

func loggedKey(index int32, n int) string {
	return LoggedKey + strconv.Itoa(int(index)) + "." + strconv.Itoa(n)
}

// closeChildren has the children of a task cancelled: a row until it is done.
func (s *Shard) closeChildren(c Closing) {
	if before, closing := s.closing[c.Task]; closing && (before.Whole || !c.Whole) {
		return
	}
	s.closing[c.Task] = c
	s.out.Closing = append(s.out.Closing, c)
	s.requestChildren(c)
}

func (s *Shard) requestChildren(c Closing) {
	s.request(Load{Kind: LoadChildren, Tenant: c.Tenant, Tasks: []id.ID{c.Task}, Text: c.Reason})
}

// loadedChildren cancels the children that are still open.
func (s *Shard) loadedChildren(in *Loaded) {
	c, closing := s.closing[in.Load.Tasks[0]]
	if !closing { // by a load that was asked for beside this one
		return
	}
	rows := in.byID()
	again := false
	for _, child := range in.Children {
		if !c.Whole && !child.Cancel {
			continue
		}
		at, read := rows[child.Run]
		how := s.loads.since(in.Load, child.Run)
		switch {
		case s.cancelHere(c.Tenant, child.Run, 0, c.Reason, c.Whole):
		case how == stored:
			again = true
		case read && how == 0:
			s.recall(in, child.Run)
			s.endStored(&in.Rows[at], c.Reason, c.Whole)
		}
	}
	if again {
		s.requestChildren(c)
		return
	}
	delete(s.closing, c.Task)
	s.out.ClosedChildren = append(s.out.ClosedChildren, c.Task)
}

// textParentEnded is the error of a child that is cancelled when its parent ends.
const textParentEnded = "cancelled: its parent ended"

// closeTree has all cancelled that the tasks of a run spawned.
func (s *Shard) closeTree(r *run, reason string) {
	for i, state := range r.nodes {
		if state != nodeWaits && state != nodeSkipped {
			s.closeChildren(Closing{Task: r.task(int32(i)), Tenant: r.graph.Tenant, Whole: true, Reason: reason})
		}
	}
}
