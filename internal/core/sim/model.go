package sim

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// model is the rules of the engine, written down a second time and as plainly as
// they can be: all open tasks in one map, wherever the core keeps them. It follows
// the core where the rules leave a choice (who is given what, which timer a late
// tick takes first) and says what must be true of the choice.
type model struct {
	draws       bool // there were tasks that draw from rate limits
	definitions map[id.ID]core.Definition
	graphs      map[id.ID]*core.Graph
	tasks       map[id.ID]*task     // open
	runs        map[id.ID]*graphRun // open
	ended       map[id.ID]core.Status
	settings    map[core.SettingKey]core.Setting
	said        map[limitKey]map[int32]bool // what runs said of the maximum of a key
	expected    map[id.ID]bool              // workers of the owner before, of which nothing was heard
	grants      map[pact]bool               // in force
	lent        map[pact]bool               // that this owner found
	crews       map[pact]uint64             // who takes part in which, by the Apply since which it does
	workers     map[id.ID]*worker
	schedules   map[id.ID]*schedule
	once        onceModel
	epoch       int64
	token       core.Token         // the last one given
	written     map[core.Token]pen // by attempt, what this owner has heard of it
	loads       []core.Load
	waits       map[shareName]map[shareName]int // by waiting key: how often others were served meanwhile
	waiting     map[offer]*turn                 // by worker with free slots: who was served meanwhile
	usual       map[lane]bool                   // classes that are those of a definition
	kept        *[]*task                        // keepers of this step; nil: not looked for yet
	now         core.Time
	latest      core.Time // that the clock of an owner before had come to

	events   []core.NewEvent // ascending
	coming   int             // events of the step that are not among them yet
	awaited  map[core.WaitKey]*awaited
	order    int64 // of the last Met
	children []core.Child
	closing  map[id.ID]core.Closing
	whole    map[id.ID]bool // what was cancelled with all its tree
	spawning []*core.Spawn  // wait until it is known which keys are taken
}

// task is an open task.
type task struct {
	row      core.NewTask
	def      core.Definition
	flow     *core.Flow
	held     string       // ready: what of it is paused, or was, and it waits behind; see paused.text
	labels   []core.Label // that its worker should have
	given    bool         // of them, some are said of its run
	wants    id.ID        // sticky: the worker that it is for; 0 = any
	only     id.ID        // in a class: no other worker may have it
	arrived  core.Time    // since when it waits in memory for others of its batch; 0 = it does not
	ripe     bool         // it has waited for the interval
	batch    core.Token   // running: that it was given with; 0 = alone
	limits   []limitKey
	passed   int32     // of them, those that it has a place in
	ticket   *graphRun // that begins when it has them
	lane     lane      // ready
	rank     int64     // in it
	entered  bool      // ready, and rank is known
	gained   core.Time // when it was last given a place
	shelved  core.Time // when it last stepped behind a pause
	state    core.OpenState
	since    core.Time // in this state, or attempt
	due      core.Time // as OpenTask.Due
	attempt  int32
	failures int32
	seq      uint64 // the Apply that submitted it; 0 before a crash
	awaits   uint64 // the Apply whose commit its last assignment waited for
	readied  bool   // ready since this step only

	worker   id.ID // running
	token    core.Token
	assigned core.Time
	started  core.Time
	stop     core.StopReason // running
	stopBy   core.Time       // with stop: the worker's answer is awaited until then
	told     int32           // running: Mets that its worker was told since the assignment
	released bool            // running: it has given its slots back

	entries int32 // the size of its log
	rests   int32 // how often it was suspended
	roused  bool  // waiting, in Postgres only, and its wait is fulfilled
	loaded  bool  // in this step, from there, when it was due: it may go on for nothing
}

func (t *task) losses() int32 { return t.attempt - 1 - t.failures }

// order is where t goes in its lane.
func (t *task) order() core.Order { return core.Order{Rank: t.rank, ID: t.row.ID} }

// worker is a worker that is connected, or expected back.
type worker struct {
	id      id.ID
	tenant  id.ID
	actions []string
	slots   int32
	typed   int32 // of the type slotType
	labels  map[string]string
	paused  bool
	spared  bool      // it is given nothing new
	away    core.Time // until when it is expected back; 0 = connected
	// held are the attempts that it may still run, and what they take up: given to it, and
	// neither reported nor denied by it since.
	held map[core.Token]hold
}

func newModel() *model {
	return &model{
		definitions: map[id.ID]core.Definition{},
		graphs:      map[id.ID]*core.Graph{},
		tasks:       map[id.ID]*task{},
		runs:        map[id.ID]*graphRun{},
		ended:       map[id.ID]core.Status{},
		settings:    map[core.SettingKey]core.Setting{},
		said:        map[limitKey]map[int32]bool{},
		expected:    map[id.ID]bool{},
		grants:      map[pact]bool{},
		lent:        map[pact]bool{},
		workers:     map[id.ID]*worker{},
		schedules:   map[id.ID]*schedule{},
		once:        newOnceModel(),
		written:     map[core.Token]pen{},
		waiting:     map[offer]*turn{},
		usual:       map[lane]bool{},
		waits:       map[shareName]map[shareName]int{},

		awaited: map[core.WaitKey]*awaited{},
		closing: map[id.ID]core.Closing{},
		whole:   map[id.ID]bool{},
	}
}

// cause is why an attempt, or a task that waits, ends.
type cause uint8

const (
	completed cause = iota + 1
	failed
	failedForGood
	timedOut
	cancelled
	lost
	waitedTooLong
)

// outcome is what a cause leads to: a result, or another attempt.
type outcome struct {
	status core.Status         // 0: another attempt
	ended  core.AttemptOutcome // with another attempt
}

// outcomeOf is the rule of how things end.
func outcomeOf(t *task, c cause) outcome {
	retry := t.failures < t.def.Retries
	switch {
	case c == completed:
		return outcome{status: core.Succeeded}
	case c == cancelled || c == waitedTooLong:
		return outcome{status: core.Cancelled}
	case c == failed && retry:
		return outcome{ended: core.AttemptFailed}
	case c == timedOut && retry:
		return outcome{ended: core.AttemptTimedOut}
	case c == lost && t.losses() < core.LossesMax:
		return outcome{ended: core.AttemptLost}
	}
	return outcome{status: core.Failed}
}

// causeAtStop is what a stopped attempt ends as, when its worker is silent or gone.
func causeAtStop(t *task, otherwise cause) cause {
	switch t.stop {
	case core.StopTimedOut:
		return timedOut
	case core.StopCancelled:
		return cancelled
	}
	return otherwise
}

// causeOfReport is what a worker's word ends its attempt as.
func causeOfReport(t *task, item *core.ReportItem) cause {
	switch {
	case t.stop == core.StopTimedOut:
		return timedOut
	case item.Kind == core.ReportCompleted:
		return completed
	case t.stop == core.StopCancelled:
		return cancelled
	case item.NonRetryable:
		return failedForGood
	}
	return failed
}

// sorted are the open tasks in ascending order.
func (m *model) sorted() []*task {
	all := make([]*task, 0, len(m.tasks))
	for _, t := range m.tasks {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *task) int { return cmp.Compare(a.row.ID, b.row.ID) })
	return all
}

func (m *model) submit(row core.NewTask, now core.Time, seq uint64) {
	row.Input, row.Metadata = nil, nil
	def := m.definition(&row)
	t := &task{row: row, def: def, flow: row.Flow, attempt: 1, seq: seq}
	if r := m.runs[row.Run]; r != nil {
		t.flow, t.entries = nodeFlow(r.row.Flow, r.graph, row.Node), r.logOf(row.Node)
	}
	m.draws = m.draws || len(def.Rates) > 0
	t.limits = limitsOf(row.Tenant, def.Limits, t.flow)
	m.hearMax(t.limits, t.flow)
	t.route(m.runs[row.Run])
	m.tasks[row.ID] = t
	if row.RunAt > now {
		t.delay(now, row.RunAt)
		return
	}
	t.ready(now)
}

func (t *task) ready(now core.Time) {
	t.state, t.since, t.due, t.readied, t.roused = core.OpenReady, now, 0, true, false
	t.entered, t.held, t.batch = false, "", 0
	t.worker, t.token, t.assigned, t.started, t.stop, t.stopBy = 0, 0, 0, 0, 0, 0
	if t.def.ScheduleTimeoutMS > 0 {
		t.due = now + core.Time(t.def.ScheduleTimeoutMS)
	}
}

func (t *task) delay(now, due core.Time) {
	t.ready(now)
	t.state, t.due = core.OpenDelayed, due
}

func (m *model) run(t *task, w *worker, token core.Token, now core.Time) {
	m.onceBegins(t)
	t.state, t.since, t.due, t.held = core.OpenRunning, now, 0, ""
	t.worker, t.token, t.assigned, t.started, t.stop, t.stopBy, t.told = w.id, token, now, 0, 0, 0, 0
	t.released = false
	if t.def.ExecutionTimeoutMS > 0 {
		t.due = now + core.Time(t.def.ExecutionTimeoutMS)
	}
	w.hold(token, t.grip())
	t.passed = int32(len(t.limits))
}

// recover is the model of what a crash leaves: each accepted task without a result
// stands where its checkpoint row says, or where its submit put it.
func (m *model) recover(s *store, restore *core.Restore, now core.Time) *model {
	r := newModel()
	r.definitions, r.graphs, r.epoch, r.now = m.definitions, m.graphs, restore.Epoch, now
	r.latest = max(m.latest, m.now)
	r.token = core.Token(restore.Epoch << tokenEpochShift)
	for task, result := range s.results {
		r.ended[task] = result.Status
	}
	maps.Copy(r.settings, s.settings)
	r.recoverGrants()
	for _, w := range restore.Workers {
		r.expected[w.Worker] = true
		r.workers[w.Worker] = &worker{id: w.Worker, tenant: w.Tenant, paused: w.Paused, away: now + core.RecoveryGraceMS, held: map[core.Token]hold{}}
	}
	r.recoverRuns(s, now)
	for task, row := range s.tasks {
		if _, ended := r.ended[task]; ended {
			continue
		}
		r.submit(row, now, 0)
		r.tasks[task].entries = int32(len(s.logs[task]))
		if t := r.tasks[task]; t.entries > 0 || t.def.Durable && row.RunAt <= now {
			t.attempt = 2 // it had begun, or may have
		}
		if o, ok := s.open[task]; ok {
			r.resume(r.tasks[task], o, now)
		}
	}
	r.recoverSchedules(restore.Schedules)
	r.recoverWaits(s)
	r.recoverFamily(s)
	r.recoverOnce(s)
	for _, t := range r.tasks {
		t.roused = t.state == core.OpenWaiting && len(r.awaitedBy(t)) == 0
	}
	return r
}

// toldUnknown is of an attempt whose worker was told things by the owner before.
const toldUnknown = 1 << 30

// tokenEpochShift is where the epoch stands in a token.
const tokenEpochShift = 40

func epochOf(t core.Token) int64 { return int64(t) >> tokenEpochShift }

// resume has t stand where its checkpoint row says. The worker of a running one
// may come back.
func (m *model) resume(t *task, o core.OpenTask, now core.Time) {
	t.state, t.since, t.due = o.State, now, o.Due
	t.attempt, t.failures, t.passed, t.rests = o.Attempt, o.Failures, o.Passed, o.Suspensions
	t.held = ""
	if o.State == core.OpenReady {
		t.held = strings.TrimPrefix(o.Queue, pausePlace)
		if t.held == o.Queue {
			t.held = ""
		}
	}
	t.entered, t.rank, t.readied = true, o.Rank, false
	t.join(laneOf(o.Tenant, o.Queue, o.Key))
	if o.State != core.OpenRunning {
		return
	}
	w := m.workers[o.Worker]
	if w == nil {
		w = &worker{id: o.Worker, tenant: o.Tenant, away: now + core.RecoveryGraceMS, held: map[core.Token]hold{}}
		m.workers[o.Worker] = w
	}
	t.worker, t.token, t.assigned, t.told = o.Worker, o.Token, o.Assigned, toldUnknown
	t.batch = o.Batch
	w.hold(o.Token, t.grip())
	if o.Cancel != "" { // whoever cancelled it was told so
		t.stop, t.stopBy = core.StopCancelled, o.Due
	}
}

func (m *model) sortedWorkers() []*worker {
	all := make([]*worker, 0, len(m.workers))
	for _, w := range m.workers {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b *worker) int { return cmp.Compare(a.id, b.id) })
	return all
}
