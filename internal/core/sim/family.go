package sim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// spawnLogged expects the children of an entry: their rows, and that they are linked. From
// now on e says whose keys others hold.
func (m *model) spawnLogged(st *step, t *task, e *core.NewEntry) *Violation {
	wants := func(run id.ID) bool {
		return slices.ContainsFunc(e.Spawned.Once, func(k core.NewOnceKey) bool { return k.Run == run })
	}
	for _, row := range e.Spawned.Tasks {
		if wants(row.ID) {
			continue
		}
		if v := m.bear(st, t, row.ID, "", e.Policy); v != nil {
			return v
		}
	}
	for i := range e.Spawned.Runs {
		if run := e.Spawned.Runs[i].Task.ID; !wants(run) {
			if v := m.bear(st, t, run, "", e.Policy); v != nil {
				return v
			}
		}
	}
	if len(e.Spawned.Once) == 0 {
		return m.takeSubmit(st, e.Spawned)
	}
	return m.takeSubmitOnce(st, e.Spawned, func(want *core.NewOnceKey, kind core.AnswerKind, run id.ID) *Violation {
		switch kind {
		case core.AnswerHeld:
			e.Error = fmt.Sprintf("run %s holds the key %s", run, want.Key)
			return nil
		case core.AnswerExists:
			e.Data = core.Payload(strings.Replace(string(e.Data), want.Run.String(), run.String(), 1))
			return m.bear(st, t, run, "", core.CloseLeave)
		}
		return m.bear(st, t, run, "", e.Policy)
	})
}

// bear expects the row that links a child to its parent. With no key, any will do.
func (m *model) bear(st *step, t *task, run id.ID, key string, policy core.ClosePolicy) *Violation {
	want := core.Child{Parent: t.row.ID, Tenant: t.row.Tenant, Run: run, Cancel: policy == core.CloseCancel, Key: key}
	if st.childrenTaken == len(st.out.Children) {
		return broken(childrenLinked, "child %d of task %d has no row", run, t.row.ID)
	}
	have := st.out.Children[st.childrenTaken]
	st.childrenTaken++
	if key == "" {
		want.Key = have.Key
	}
	if have != want {
		return broken(childrenLinked, "row %s of a child, want %s", show(have), show(want))
	}
	m.children = append(m.children, have)
	return nil
}

// binds tells whether a task has children that end with it.
func (m *model) binds(parent id.ID) bool {
	return slices.ContainsFunc(m.children, func(c core.Child) bool { return c.Parent == parent && c.Cancel })
}

func (m *model) hasChildren(parent id.ID) bool {
	return slices.ContainsFunc(m.children, func(c core.Child) bool { return c.Parent == parent })
}

// takeSpawn submits children of a running task, or has whoever asks wait until it is
// known which keys are taken.
func (m *model) takeSpawn(st *step, in *core.Spawn) *Violation {
	t := m.tasks[in.Parent]
	if t == nil || t.state != core.OpenRunning || t.token != in.Token || t.row.Tenant != in.Tenant || t.stop != 0 {
		st.answerSpawn(in, core.AnswerStale)
		return nil
	}
	if m.loadingKeys(in.Parent) {
		m.spawning = append(m.spawning, in)
		return nil
	}
	submit := &core.Submit{}
	for i := range in.Items {
		if v := m.spawnItem(st, t, in, int32(i), submit); v != nil {
			return v
		}
	}
	if len(submit.Once) == 0 {
		return m.takeSubmit(st, submit)
	}
	return m.takeSubmitOnce(st, submit, func(want *core.NewOnceKey, kind core.AnswerKind, run id.ID) *Violation {
		return m.bornOnce(st, t, in, want, kind, run)
	})
}

// bornOnce is what comes of a child that wants a once key, and of the items after it that
// have its child's key.
func (m *model) bornOnce(st *step, t *task, in *core.Spawn, want *core.NewOnceKey, kind core.AnswerKind, run id.ID) *Violation {
	item := &in.Items[want.Item]
	twins := core.AnswerExists
	var v *Violation
	switch kind {
	case core.AnswerDone:
		v = m.bear(st, t, run, item.Key, item.Policy)
	case core.AnswerExists:
		v = m.bear(st, t, run, item.Key, core.CloseLeave)
	default:
		twins = core.AnswerHeld
	}
	st.answers = append(st.answers, core.Answer{Ref: in.Ref, Task: run, Kind: kind, Item: want.Item})
	for i := int(want.Item) + 1; i < len(in.Items); i++ {
		if in.Items[i].Key == item.Key {
			st.answers = append(st.answers, core.Answer{Ref: in.Ref, Task: run, Kind: twins, Item: int32(i)})
		}
	}
	return v
}

func (m *model) loadingKeys(parent id.ID) bool {
	return slices.ContainsFunc(m.loads, func(l core.Load) bool { return l.Kind == core.LoadKeys && l.Tasks[0] == parent })
}

func (st *step) answerSpawn(in *core.Spawn, kind core.AnswerKind) {
	for i := range in.Items {
		st.answers = append(st.answers, core.Answer{Ref: in.Ref, Kind: kind, Item: int32(i)})
	}
}

func (m *model) spawnItem(st *step, t *task, in *core.Spawn, place int32, submit *core.Submit) *Violation {
	item := &in.Items[place]
	if slices.ContainsFunc(submit.Once, func(k core.NewOnceKey) bool { return in.Items[k.Item].Key == item.Key }) {
		return nil // see bornOnce
	}
	answer := core.Answer{Ref: in.Ref, Item: place, Kind: core.AnswerExists}
	for _, c := range m.children {
		if c.Parent == in.Parent && c.Key == item.Key {
			answer.Task = c.Run
		}
	}
	if answer.Task == 0 {
		answer.Kind = core.AnswerDone
		if item.Task != nil {
			answer.Task = item.Task.ID
			submit.Tasks = append(submit.Tasks, *item.Task)
		} else {
			answer.Task = item.Run.Task.ID
			submit.Runs = append(submit.Runs, *item.Run)
		}
		if item.Once != nil {
			want := *item.Once
			want.Run, want.Item = answer.Task, place
			submit.Once = append(submit.Once, want)
			return nil
		}
		if v := m.bear(st, t, answer.Task, item.Key, item.Policy); v != nil {
			return v
		}
	}
	st.answers = append(st.answers, answer)
	return nil
}

// refuseSpawns answers those that wait and whose attempt has ended in the step.
func (m *model) refuseSpawns(st *step) {
	m.spawning = slices.DeleteFunc(m.spawning, func(in *core.Spawn) bool {
		t := m.tasks[in.Parent]
		over := t == nil || t.state != core.OpenRunning || t.token != in.Token
		if over {
			st.answerSpawn(in, core.AnswerStale)
		}
		return over
	})
}

// takeKeys has those ask again who waited for the keys of a parent.
func (m *model) takeKeys(st *step, parent id.ID) {
	m.spawning = slices.DeleteFunc(m.spawning, func(in *core.Spawn) bool {
		if in.Parent == parent {
			st.answerSpawn(in, core.AnswerAgain)
		}
		return in.Parent == parent
	})
}

// markWhole notes what is cancelled with all its tree, if it is.
func (m *model) markWhole(st *step, targets ...id.ID) {
	for _, target := range targets {
		m.whole[target] = m.whole[target] || st.tree
	}
}

// takeChildren cancels the children that a load has found of a task that ended, or was
// cancelled with all its tree. One that is not in memory may be put off: then they are
// asked for once more.
func (m *model) takeChildren(st *step, in *core.Loaded) *Violation {
	parent := in.Load.Tasks[0]
	closing, ok := m.closing[parent]
	if !ok {
		return nil
	}
	st.tree = closing.Whole
	again := slices.ContainsFunc(st.out.Loads, func(l core.Load) bool { return l.Kind == core.LoadChildren && l.Tasks[0] == parent })
	for _, child := range in.Children {
		if !closing.Whole && !child.Cancel {
			continue
		}
		if again && !st.cancelled(child.Run) {
			continue
		}
		if _, v := m.cancelNamed(st, closing.Tenant, child.Run); v != nil {
			return v
		}
	}
	return nil
}

// cancelled tells whether the core cancelled a task or run in the step.
func (st *step) cancelled(target id.ID) bool {
	return st.results[target] != nil || slices.ContainsFunc(st.out.Stopped, func(s core.Stop) bool { return s.Task == target }) || st.runResults[target] != nil ||
		slices.ContainsFunc(st.out.OpenRuns, func(o core.OpenRun) bool { return o.ID == target && o.Cancel != "" })
}

// unexplainedOfChildren finds what the core did about children and no rule asked for.
func (st *step) unexplainedOfChildren(m *model) *Violation {
	if st.childrenTaken != len(st.out.Children) {
		return broken(childrenLinked, "child %s is linked for no reason", show(st.out.Children[st.childrenTaken]))
	}
	for _, c := range st.out.Closing {
		ended := m.ended[c.Task] != 0 && m.binds(c.Task)
		if !m.whole[c.Task] && (c.Whole || !ended) {
			return broken(childrenEnd, "children of task %d are cancelled for no reason: %s", c.Task, show(c))
		}
		c.Whole = c.Whole || m.closing[c.Task].Whole
		m.closing[c.Task] = c
	}
	for _, task := range st.out.ClosedChildren {
		if _, ok := m.closing[task]; !ok {
			return broken(childrenEnd, "children of task %d are done with, and nobody closed it", task)
		}
		delete(m.closing, task)
	}
	own := st.ownTasks()
	if _, fired := st.in.(*core.Fire); fired {
		return nil // see sameSchedules
	}
	if !slices.EqualFunc(st.own, own, func(a, b core.NewTask) bool { return reflect.DeepEqual(a, b) }) {
		return broken(nothingLost, "the rows of tasks differ from what was submitted: %s, want %s", show(own), show(st.own))
	}
	return nil
}

// recoverFamily is what a crash leaves of children.
func (m *model) recoverFamily(s *store) {
	m.children = s.children
	for task, c := range s.closing {
		m.closing[task] = c
		if c.Whole {
			m.whole[task] = true
		}
	}
}
