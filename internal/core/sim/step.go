package sim

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// step is one input with all that came of it.
type step struct {
	seq      uint64
	now      core.Time
	in       core.Input
	out      *core.Effects
	live     func(id.ID) core.Live // after the step
	row      func(id.ID) (core.OpenTask, bool)
	resident map[id.ID]bool // tasks the input names, or a tick may end, that were in memory before it

	results    map[id.ID]*core.Result       // of out, not yet explained
	attempts   map[attemptKey]*core.Attempt // of out, not yet explained
	begun      map[id.ID]*core.NewTask      // tasks of graphs in out, not yet explained
	runResults map[id.ID]*core.RunResult    // of out, not yet explained
	doomed     []id.ID                      // tasks that end in out, not yet explained
	dropped    []id.ID                      // schedules that end
	firedTasks int                          // rows of out that ticks asked for, as firedRuns
	firedRuns  int
	gained     map[limitKey][]gained // places that were given
	victims    []victim              // of strategies
	gone       map[limitKey]int      // who ends, and not by that limit
	stops      []core.Stop           // what the rules ask for
	moments    []core.Moment
	settled    []core.Settlement
	answers    []core.Answer

	tree        bool           // what is cancelled is with all its tree
	own         []core.NewTask // rows that the rules ask for of tasks that are runs of their own
	values      []core.Value   // likewise
	replies     []core.Reply
	closedWaits []core.WaitKey
	// How many of each list of out are explained.
	runsTaken, entriesTaken, waitsTaken, metsTaken, dueTaken, childrenTaken int
}

// follow holds the effects of a step against the rules, and goes along.
func (m *model) follow(st *step) *Violation {
	m.now = max(m.now, st.now)
	st.now = m.now
	if v := st.index(); v != nil {
		return v
	}
	for _, t := range m.tasks {
		t.readied, t.loaded = false, false
	}
	m.kept = nil
	m.forgetBusy()
	m.notePendingLoads(st)
	if v := m.takeInput(st); v != nil {
		return v
	}
	if v := first(m.takeMets(st), m.takePlaces(st), m.takeMets(st), m.checkDoomed()); v != nil {
		return v
	}
	m.refuseSpawns(st)
	if v := first(st.unexplained(), st.unexplainedOfLogs(), st.unexplainedOfWaits(m), st.unexplainedOfChildren(m)); v != nil {
		return v
	}
	if v := first(m.takeRipe(st), m.sameSchedules(st)); v != nil {
		return v
	}
	m.forgetServed()
	m.wake(st.out)
	if v := m.followPlaces(st); v != nil {
		return v
	}
	m.forgetClasses()
	return m.assign(st)
}

// index finds the endings among the effects. A task has one result at most, but may
// go through several attempts.
func (st *step) index() *Violation {
	st.results, st.attempts = map[id.ID]*core.Result{}, map[attemptKey]*core.Attempt{}
	st.gained, st.gone = map[limitKey][]gained{}, map[limitKey]int{}
	st.begun, st.runResults = map[id.ID]*core.NewTask{}, map[id.ID]*core.RunResult{}
	st.doomed = doomedIn(st.out)
	for i := range st.out.Tasks {
		if t := &st.out.Tasks[i]; t.Run != 0 {
			st.begun[t.ID] = t
		}
	}
	for i := range st.out.RunResults {
		st.runResults[st.out.RunResults[i].Run] = &st.out.RunResults[i]
	}
	for i := range st.out.Results {
		r := &st.out.Results[i]
		if st.results[r.Task] != nil {
			return broken(oneResult, "task %d ends twice at once", r.Task)
		}
		st.results[r.Task] = r
	}
	for i := range st.out.Attempts {
		a := &st.out.Attempts[i]
		st.attempts[attemptKey{a.Task, a.Number}] = a
	}
	return nil
}

// stayed tells whether a task was in memory before the step, and is after it: one that the
// step brought in may have taken its room.
func (st *step) stayed(target id.ID) bool { return st.resident[target] && st.live(target).State != 0 }

// takeResult is the result of a task, explained with it; nil if there is none.
func (st *step) takeResult(target id.ID) *core.Result {
	r := st.results[target]
	delete(st.results, target)
	return r
}

// unexplained finds what the core did and no rule asked for.
func (st *step) unexplained() *Violation {
	if v := st.unexplainedOfRuns(); v != nil {
		return v
	}
	for _, r := range st.out.Results {
		if st.results[r.Task] != nil {
			return broken(rightCause, "task %d ends as %v (%q) for no reason", r.Task, r.Status, r.Error)
		}
	}
	for _, a := range st.out.Attempts {
		if st.attempts[attemptKey{a.Task, a.Number}] != nil {
			return broken(rightCause, "attempt %d of task %d ends as %v for no reason", a.Number, a.Task, a.Outcome)
		}
	}
	_, fired := st.in.(*core.Fire) // see sameSchedules
	if !fired && (st.runsTaken < len(st.out.Runs) || len(st.own) < len(st.ownTasks())) {
		return broken(oneResult, "tasks or runs are inserted without a submit")
	}
	if !slices.EqualFunc(st.settled, st.out.Settled, sameSettlement) {
		return broken(answered, "settled %s, want %s", show(st.out.Settled), show(st.settled))
	}
	if !sameAnswers(st.answers, st.out.Answers) {
		return broken(answered, "answers %s, want %s", show(st.out.Answers), show(st.answers))
	}
	_, emits := st.in.(*core.Emit)
	_, writes := st.in.(*core.Write)
	if !emits && !writes && len(st.out.Lines)+len(st.out.Chunks) > 0 {
		return broken(writtenRight, "lines or chunks are inserted that nobody wrote")
	}
	return first(st.unexplainedOfMoments(), st.sameStops())
}

func (st *step) unexplainedOfRuns() *Violation {
	for _, t := range st.out.Tasks {
		if st.begun[t.ID] != nil {
			return broken(nodesInOrder, "node %d of run %d begins for no reason", t.Node, t.Run)
		}
	}
	for _, r := range st.out.Results {
		if st.results[r.Task] != nil && r.Run != 0 && r.Attempt == 0 {
			return broken(spreads, "node %d of run %d ends as %v (%q) for no reason", r.Node, r.Run, r.Status, r.Error)
		}
	}
	for _, r := range st.out.RunResults {
		if st.runResults[r.Run] != nil {
			return broken(runsEnd, "run %d ends as %v for no reason", r.Run, r.Status)
		}
	}
	return nil
}

// sameStops compares without regard to order: which of several due timers is taken
// first is the core's choice.
func (st *step) sameStops() *Violation {
	left := slices.Clone(st.out.Stopped)
	for _, want := range st.stops {
		at := slices.Index(left, want)
		if at < 0 {
			return broken(answered, "worker %d is not told to stop task %d (%v)", want.Worker, want.Task, want.Reason)
		}
		left = slices.Delete(left, at, at+1)
	}
	if len(left) > 0 {
		return broken(answered, "worker %d is told to stop task %d (%v) for no reason", left[0].Worker, left[0].Task, left[0].Reason)
	}
	return nil
}

// notePendingLoads keeps which loads are on their way.
func (m *model) notePendingLoads(st *step) {
	if in, ok := st.in.(*core.Loaded); ok {
		at := slices.IndexFunc(m.loads, func(l core.Load) bool { return reflect.DeepEqual(l, in.Load) })
		m.loads = slices.Delete(m.loads, at, at+1)
	}
	m.loads = append(m.loads, st.out.Loads...)
}

func (m *model) loading(l lane) bool {
	return slices.ContainsFunc(m.loads, func(load core.Load) bool {
		return load.Kind == core.LoadLane && laneOf(load.Tenant, load.Queue, load.Key) == l
	})
}

func (m *model) loadingDue() bool {
	return slices.ContainsFunc(m.loads, func(load core.Load) bool { return load.Kind == core.LoadDue })
}

func (m *model) takeInput(st *step) *Violation {
	switch in := st.in.(type) {
	case *core.Define:
		m.definitions[in.Definition.Version] = in.Definition
	case *core.DefineGraph:
		m.graphs[in.Graph.Version] = &in.Graph
	case *core.Restore:
		return m.takeRestore(st)
	case *core.Submit:
		return m.takeSubmit(st, in)
	case *core.Push:
		return m.takePush(st, in)
	case *core.PutSchedules:
		return m.takePutSchedules(st, in)
	case *core.Fire:
		return m.takeFire(st, in)
	case *core.Join:
		return m.takeJoin(st, in)
	case *core.Resize:
		m.workers[in.Worker].slots = in.Slots
	case *core.Relabel:
		m.takeRelabel(in)
	case *core.PauseWorkers:
		return m.takePauseWorkers(st, in)
	case *core.Spare:
		m.workers[in.Worker].spared = in.Spared
	case *core.Leave:
		return m.takeLeave(st, in)
	case *core.Report:
		return m.takeReport(st, in)
	case *core.Emit:
		return m.takeEmit(st, in)
	case *core.Write:
		return m.takeWrite(st, in)
	case *core.Refresh:
		return m.takeRefresh(st, in)
	case *core.Release:
		m.takeRelease(st, in)
	case *core.Cancel:
		st.tree = in.Tree
		return m.cancelEach(st, in.Tenant, in.Tasks, in.Ref)
	case *core.Ask:
		return m.takeWhy(st, in.Ref, in.Tenant)
	case *core.Wake:
		return m.takeWake(st, in.Ref, in.Tenant, in.Tasks)
	case *core.Spawn:
		return m.takeSpawn(st, in)
	case *core.Fork:
		return m.takeFork(st, in)
	case *core.Set:
		return m.takeSet(st, in)
	case *core.Loaded:
		return m.takeLoaded(st, in)
	case *core.Tick:
		return m.takeTick(st)
	}
	return nil
}

func (m *model) takeSubmit(st *step, in *core.Submit) *Violation {
	if len(in.Once) > 0 {
		return m.takeSubmitOnce(st, in, func(want *core.NewOnceKey, kind core.AnswerKind, run id.ID) *Violation {
			if in.Ref != 0 {
				st.answers = append(st.answers, core.Answer{Ref: in.Ref, Task: run, Kind: kind, Item: want.Item})
			}
			return nil
		})
	}
	st.own = append(st.own, in.Tasks...)
	for _, row := range in.Tasks {
		m.submit(row, st.now, st.seq)
	}
	return first(m.takeRuns(st, in.Runs), m.takeMets(st))
}

// ownTasks are the rows of tasks that are runs of their own.
func (st *step) ownTasks() []core.NewTask {
	var own []core.NewTask
	for _, t := range st.out.Tasks {
		if t.Run == 0 {
			own = append(own, t)
		}
	}
	return own
}

// takeLoaded: rows change nothing, but that those overdue may end by it, and that a
// Cancel goes on.
func (m *model) takeLoaded(st *step, in *core.Loaded) *Violation {
	if v := m.takeReplaced(st, in); v != nil {
		return v
	}
	switch in.Load.Kind {
	case core.LoadTasks:
		st.tree = in.Load.Tree
		return m.cancelEach(st, in.Load.Tenant, in.Load.Tasks, in.Load.Ref)
	case core.LoadWhy:
		return m.takeWhy(st, in.Load.Ref, in.Load.Tenant)
	case core.LoadWake:
		return m.takeWake(st, in.Load.Ref, in.Load.Tenant, in.Load.Tasks)
	case core.LoadChildren:
		return m.takeChildren(st, in)
	case core.LoadKeys:
		m.takeKeys(st, in.Load.Tasks[0])
	}
	for _, row := range in.Rows {
		t := m.tasks[row.ID]
		if t != nil {
			t.loaded = in.Load.Kind == core.LoadDue
		}
		if t == nil || t.state != core.OpenReady || t.due == 0 || t.due > st.now || st.results[row.ID] == nil {
			continue
		}
		if v := m.end(st, t, nil, waitedTooLong); v != nil {
			return v
		}
	}
	return nil
}

// takeTick fires what is due.
func (m *model) takeTick(st *step) *Violation {
	for _, w := range m.sortedWorkers() {
		if w.away > 0 && w.away <= st.now {
			if v := m.lose(st, w); v != nil {
				return v
			}
		}
	}
	for _, t := range st.byEnd(m.sorted()) {
		if v := m.fire(st, t); v != nil {
			return v
		}
	}
	return nil
}

func (m *model) fire(st *step, t *task) *Violation {
	due := t.due > 0 && t.due <= st.now
	switch {
	case t.state == core.OpenRunning && t.stop != 0 && t.stopBy <= st.now:
		return m.end(st, t, nil, causeAtStop(t, lost))
	case t.state == core.OpenRunning && t.stop == 0 && due:
		m.stop(st, t, core.StopTimedOut)
	case t.state == core.OpenReady && due && st.resident[t.row.ID] && !st.left(t.row.ID):
		return m.end(st, t, nil, waitedTooLong)
	}
	return nil
}

// wake follows the core in when a delayed task whose time has come is ready: rows
// and assignments say so, and then Shard.Live (see checkAgreement).
func (m *model) wake(out *core.Effects) {
	for _, o := range out.Open {
		if t := m.tasks[o.ID]; o.State == core.OpenReady || o.State == core.OpenDelayed && t != nil && t.roused {
			m.wakeDue(o.ID)
		}
	}
	for _, a := range out.Assigned {
		m.wakeDue(a.Task)
	}
}

func (m *model) wakeDue(target id.ID) {
	t := m.tasks[target]
	switch {
	case t == nil:
	case t.roused && t.row.Run != 0 && t.row.RunAt > m.now: // it waits for the time of its run, too
		t.delay(m.now, t.row.RunAt)
	case t.state == core.OpenWaiting && t.loaded, (t.state == core.OpenDelayed || t.roused) && t.due <= m.now:
		t.ready(m.now)
	}
}

// sameAnswers compares without regard to order: each has its Ref.
func sameAnswers(a, b []core.Answer) bool {
	order := func(a, b core.Answer) int {
		return cmp.Or(cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Item, b.Item))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

func sameSettlement(a, b core.Settlement) bool {
	same := string(a.Data) == string(b.Data)
	a.Data, b.Data = nil, nil
	return same && reflect.DeepEqual(a, b)
}
