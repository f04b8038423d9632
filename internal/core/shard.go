package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// Shard is the state of one shard. It is for one goroutine.
type Shard struct {
	number  int32
	window  int // WindowMax; smaller in simulations
	windows int // windowsMax; smaller in simulations
	loan    int // laneShare; other in simulations
	epoch   int64

	seq        uint64
	dispatched int64 // how many tokens were made in this epoch
	last       id.ID // the largest task id seen
	now        Time
	out        *Effects

	definitions map[id.ID]*Definition
	graphs      map[id.ID]*Graph
	runs        map[id.ID]*run // open runs of graphs
	tasks       map[id.ID]*task
	workers     map[id.ID]*worker
	queues      map[queueKey]*queue
	classes     map[classKey]*class
	actions     map[queueKey]*action
	limits      map[queueKey]*limit
	settings    map[SettingKey]Setting
	workflows   settingsOf[QueueSetting]
	batchRules  settingsOf[BatchSetting] // by action
	onceRules   settingsOf[OnceSetting]  // by workflow
	pauses      map[pauseKey]*pause
	pausesHasty []*pause      // have something to let go on at the end of this Apply
	expected    map[id.ID]int // by tenant: workers of the owner before that are not back
	hollow      int           // lanes of which something is in Postgres only
	stirred     []*queue      // have something to match at the end of this Apply
	mustered    int           // of them, those that their crews know of
	astir       bool          // and may have found it since they were looked at
	spreads     int           // queues whose keys are dealt some workers each
	rates       map[queueKey]*rate
	filling     filling   // buckets that are not full
	kept        []*bucket // to be looked at after the match
	savedFor    []*class  // those that buckets save up for
	drawn       []*bucket // whose rows are written at the end of this Apply
	owing       int       // how many buckets have a debt
	owingMax    int       // RateKeysMax; smaller in tests
	eager       []*group  // have something to settle
	struck      int       // how many were cancelled by limits in this Apply
	away        []*worker
	gathering   []*gathering // whose tasks wait for the interval of their batches
	ripens      Time         // when the first of them has, at the earliest; 0 = there is none

	schedules schedules
	once      onceKeys

	timers   timeline
	delayed  delayed
	ledger   ledger
	loads    loads
	waits    waits
	grants   map[grant]int64   // with their weights
	homes    map[id.ID][]id.ID // that a tenant has granted, without itself; ascending
	crews    map[id.ID]*crew   // by home
	accounts map[id.ID]*int64  // see account
	called   []*crew           // with posts that are looked at in this Apply
	lent     []grant           // that were in force when the owner took over

	closing   map[id.ID]Closing
	resting   []id.ID // runs that may be left to their rows at the end of this Apply
	tasksFree pool[task]
	runsFree  pool[running]
}

// New is the empty mind of a shard.
func New(shard int32) *Shard { return NewSized(shard, WindowMax) }

// NewSized is New with another window, so that a simulation reaches its bounds
// with few tasks.
func NewSized(shard int32, window int) *Shard {
	return &Shard{
		number:      shard,
		window:      max(window, 1),
		windows:     windowsMax,
		loan:        laneShare,
		definitions: map[id.ID]*Definition{},
		graphs:      map[id.ID]*Graph{},
		runs:        map[id.ID]*run{},
		tasks:       map[id.ID]*task{},
		workers:     map[id.ID]*worker{},
		queues:      map[queueKey]*queue{},
		classes:     map[classKey]*class{},
		actions:     map[queueKey]*action{},
		limits:      map[queueKey]*limit{},
		settings:    map[SettingKey]Setting{},
		workflows:   settingsOf[QueueSetting]{},
		batchRules:  settingsOf[BatchSetting]{},
		onceRules:   settingsOf[OnceSetting]{},
		pauses:      map[pauseKey]*pause{},
		rates:       map[queueKey]*rate{},
		owingMax:    RateKeysMax,
		expected:    map[id.ID]int{},
		schedules:   newSchedules(),
		once:        newOnceKeys(),
		timers:      timeline{seat: timerSeat},
		delayed:     delayed{timeline: timeline{seat: delayedSeat}},
		waits:       newWaits(),
		grants:      map[grant]int64{},
		crews:       map[id.ID]*crew{},
		homes:       map[id.ID][]id.ID{},
		accounts:    map[id.ID]*int64{},
		closing:     map[id.ID]Closing{},
	}
}

// KeepWindows has the shard hold lanes short when so many windows of tasks are in memory,
// so that a simulation reaches that bound too.
func (s *Shard) KeepWindows(n int) { s.windows = max(n, 1) }

// LendRoom has a lane hold more than two windows while there is room: one part in so many
// of what is left; 0 = no more than two windows.
func (s *Shard) LendRoom(parts int) { s.loan = parts }

// Seq counts the inputs so far.
func (s *Shard) Seq() uint64 { return s.seq }

// Apply decides what follows from in at now, and appends it to out. It keeps parts of in,
// and changes nothing of it. Time that went back is taken as standing still.
func (s *Shard) Apply(now Time, in Input, out *Effects) {
	s.seq++
	s.now = max(s.now, now)
	s.out = out
	s.struck = 0
	switch in := in.(type) {
	case *Submit:
		s.submit(in)
	case *Push:
		s.push(in)
	case *Spawn:
		s.spawn(in)
	case *Fork:
		s.fork(in)
	case *Report:
		s.report(in)
	case *Emit:
		s.emit(in)
	case *Write:
		s.write(in)
	case *Tick:
		s.tick()
	case *Loaded:
		s.loaded(in)
	case *Join:
		s.join(in)
	case *Spare:
		s.spare(in)
	case *Resize:
		s.resize(in)
	case *Relabel:
		s.relabel(in)
	case *PauseWorkers:
		s.pauseWorkers(in)
	case *Leave:
		s.leave(in)
	case *Cancel:
		s.cancel(in)
	case *Refresh:
		s.refresh(in)
	case *Release:
		s.releaseOrdered(in)
	case *Fire:
		s.fire(in)
	case *Recall:
		s.recallOnce(in)
	case *PutSchedules:
		s.putSchedules(in)
	case *Define:
		s.define(in)
	case *DefineGraph:
		s.defineGraph(in)
	case *Set:
		s.set(in)
	case *Wake:
		s.wakeSuspended(in)
	case *Ask:
		s.ask(in)
	case *Restore:
		s.restore(in)
	}
	s.settlePauses()
	s.settleLimits()
	s.match()
	for s.saveNoMore(); s.unsettled() || len(s.kept) > 0; s.saveNoMore() { // what was matched gave places back, or units
		s.settleLimits()
		s.lookAgain()
		s.match()
	}
	s.writeRates()
	s.restRuns()
	s.trimOnce()
	s.out = nil
}

func (s *Shard) define(in *Define) {
	if _, known := s.definitions[in.Definition.Version]; !known {
		definition := in.Definition
		s.definitions[definition.Version] = &definition
		s.enlist(&definition)
	}
}

// enlist notes that an action has tasks of a workflow.
func (s *Shard) enlist(d *Definition) {
	a := s.action(d.Tenant, d.Action)
	if !slices.Contains(a.workflows, d.Workflow) {
		a.workflows = append(a.workflows, d.Workflow)
		if len(s.pauses) > 0 {
			s.halt(d.Tenant)
		}
	}
}

// submit opens what is new by ascending id: the ledger keeps its order.
func (s *Shard) submit(in *Submit) {
	if len(in.Once) > 0 {
		s.submitOnce(in, func(key *NewOnceKey, kind AnswerKind, run id.ID) {
			s.answerOnce(in.Ref, key, kind, run)
		})
		return
	}
	runs := in.Runs
	for i := range in.Tasks {
		row := &in.Tasks[i]
		for len(runs) > 0 && runs[0].Task.ID < row.ID {
			s.start(&runs[0])
			runs = runs[1:]
		}
		s.out.Tasks = append(s.out.Tasks, *row)
		s.enter(row, s.seq, 0)
	}
	for i := range runs {
		s.start(&runs[i])
	}
}

// definition is how a task is run: its version's or, of a graph, its node's, or that of
// its ticket.
func (s *Shard) definition(version, run id.ID, node int32) *Definition {
	if run != 0 {
		return &s.graphs[version].Nodes[node].Definition
	}
	if d := s.definitions[version]; d != nil {
		return d
	}
	return s.graphs[version].ticket
}

// enter opens a new task, or one with the beginning of a log: ready, or delayed until
// its time.
func (s *Shard) enter(row *NewTask, seq uint64, entries int32) {
	t := s.open(row, seq)
	t.entries = max(t.entries, entries)
	if seq == 0 && (entries > 0 || t.def.Durable && row.RunAt <= s.now) {
		// It has begun, or may have, and was lost with the owner: who runs that attempt still is
		// told apart from who is given the next. Others may be adopted, see adoptable.
		t.attempt = 2
		s.onceBegan(t)
	}
	if row.RunAt > s.now {
		s.delay(t, row.RunAt)
		return
	}
	s.makeReady(t)
}

// enterWaiting opens the task of a node that waits before it begins.
func (s *Shard) enterWaiting(row *NewTask, conditions []Condition) {
	t := s.open(row, s.seq)
	t.state = OpenWaiting
	s.await(t, 0, conditions)
	if s.tasks[row.ID] == t && t.state == OpenWaiting { // or it was over at once
		s.park(t)
	}
}

// open brings a new task to memory; its place is the caller's to give.
func (s *Shard) open(row *NewTask, seq uint64) *task {
	t := s.newTask()
	t.id, t.def, t.seq = row.ID, s.definition(row.Version, row.Run, row.Node), seq
	t.run, t.node = s.runs[row.Run], row.Node
	t.priority, t.attempt, t.young = row.Priority, 1, seq > 0
	t.share, t.flow = row.Key, row.Flow
	if t.run != nil {
		t.flow, t.entries = t.run.flowOf(t.node), t.run.logOf(t.node)
	}
	s.remember(t)
	if t.run == nil {
		s.ledger.enter(t.id, s.now)
	}
	t.counted = t.run != nil && t.run.saved // its row is one commit with the end of its parents
	return t
}

// makeReady has t wait for its places in limits, and for a worker; from now on its
// schedule timeout runs. One of which nobody can say what it needs fails.
func (s *Shard) makeReady(t *task) {
	if t.flow.doomed() {
		s.finish(t, Failed, t.flow.Failed, nil)
		return
	}
	t.state, t.due = OpenReady, 0
	if ms := t.def.ScheduleTimeoutMS; ms > 0 {
		t.due = s.now + Time(ms)
	}
	if t.passed > 0 && s.pausedBy(t) != nil { // a pause lasts longer than a try: others may have its places
		s.letGo(t.id, t.def.Tenant, t.def.Limits, t.flow, t.passed)
		t.passed = 0
	}
	if t.counted { // the row that is written now says where it waits
		s.moveTo(t, s.home(t))
		t.rank = t.lane.place.rank(t)
	}
	s.changed(t)
	s.proceed(t)
}

// home is the lane that t belongs to when it is ready.
func (s *Shard) home(t *task) *lane {
	if p := s.heldBy(t); p != nil {
		return p.lane
	}
	if int(t.passed) < len(t.def.Limits) {
		return s.groupOf(t.def.Tenant, t.def.Limits, t.flow, t.passed).lane
	}
	return s.laneOf(t)
}

// finish gives t its one result and forgets it.
func (s *Shard) finish(t *task, status Status, text string, output Payload) {
	s.finishJudged(t, status, text, output, nil)
}

// finishJudged is finish with what conditions say of the output.
func (s *Shard) finishJudged(t *task, status Status, text string, output Payload, verdicts []Verdict) {
	if t.isTicket() {
		s.tear(t, text)
		return
	}
	r := Result{
		Task: t.id, Tenant: t.def.Tenant, Version: t.def.Version, Status: status,
		Attempt: t.attempt, Suspensions: t.rests, Finished: s.now, Error: text, Output: output,
	}
	if t.state == OpenRunning {
		r.Worker, r.Assigned, r.Started = t.worker.id, t.assigned, t.started
	} else {
		r.Attempt-- // the next one was not started
	}
	graphRun, node := t.run, t.node
	if graphRun != nil {
		graphRun.ran(node, r.Worker)
		r.Run, r.Node, r.Verdicts = graphRun.id, node, verdicts
	}
	s.out.Results = append(s.out.Results, r)
	s.close(t)
	if graphRun != nil {
		graphRun.hear(verdicts)
		s.nodeEnded(graphRun, node, status)
		return
	}
	s.ended(r.Task)
}

// close forgets a task that ended. A running one has left its worker's list, or
// leaves it here with its slot.
func (s *Shard) close(t *task) {
	s.unplace(t)
	s.letGo(t.id, t.def.Tenant, t.def.Limits, t.flow, t.passed)
	if t.saved {
		s.out.Closed = append(s.out.Closed, t.id)
		s.left(t.id, closed)
	}
	s.closeWaits(t.id)
	if t.binds {
		s.closeChildren(Closing{Task: t.id, Tenant: t.def.Tenant, Reason: textParentEnded})
	}
	s.forget(t)
}

// remember and forget are where a task comes to memory, and leaves it.
func (s *Shard) remember(t *task) {
	s.last = max(s.last, t.id)
	s.tasks[t.id] = t
}

func (s *Shard) forget(t *task) {
	s.moveTo(t, nil)
	delete(s.tasks, t.id)
	s.disengage(t)
	*t = task{}
	s.tasksFree.put(t)
}

// unplace takes t out of wherever it waits or runs.
func (s *Shard) unplace(t *task) {
	s.stopTimer(t)
	switch t.state {
	case OpenReady:
		t.lane.leave(t)
	case OpenDelayed, OpenWaiting:
		if s.delayed.has(t) { // or it has just been roused
			s.delayed.remove(t)
		}
	case OpenRunning:
		s.release(t)
	}
}

// startTimer puts t among the timers if it has a due time.
func (s *Shard) startTimer(t *task) {
	if t.due > 0 && !s.timers.has(t) {
		s.timers.add(t)
	}
}

func (s *Shard) stopTimer(t *task) {
	if s.timers.has(t) {
		s.timers.remove(t)
	}
}

// setDue moves t's due time, and its timer.
func (s *Shard) setDue(t *task, due Time) {
	s.stopTimer(t)
	t.due = due
	s.startTimer(t)
}
