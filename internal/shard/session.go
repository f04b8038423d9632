package shard

import (
	"cmp"
	"context"
	"sync"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// sessions are the streams of the shard's workers: at most one each, the newest.
type sessions struct {
	mu      sync.Mutex
	of      map[id.ID]*session
	touched []*session // have something new since the last flush
	closed  error      // set when the shard is lost
}

func newSessions() *sessions { return &sessions{of: map[id.ID]*session{}} }

// session is one stream of a worker.
type session struct {
	runtime *Runtime
	tenant  id.ID
	name    string // for people
	sdk     string
	worker  id.ID
	joined  uint64 // the Apply of its Join: what was decided before is not for it

	ready chan struct{} // holds a token while there is something to receive
	over  chan struct{} // closed when the session is over
	once  sync.Once
	err   error // why; read after over

	life    context.Context // ends when the session is over
	endLife context.CancelFunc
	backlog backlog

	// Under sessions.mu.
	assigned []core.Assignment
	stops    []core.Stop
	settled  []core.Settlement
	mets     []core.Met
	emitted  []core.Emitted
	touched  bool
}

var errReplaced = fault.New(fault.Conflict, "hello.worker_id", "another stream of this worker took over")

// Attach implements Client.
func (r *Runtime) Attach(ctx context.Context, tenant id.ID, hello Hello) (Session, error) {
	worker := hello.Worker
	if worker == 0 {
		worker = r.ids.Next(int64(r.now()))
	}
	leave := r.arrivals.enter(worker)
	defer leave()
	paused, err := r.config.Store.Joined(ctx, worker, tenant, hello)
	if err != nil {
		return nil, err
	}
	s := &session{runtime: r, tenant: tenant, name: hello.Name, sdk: hello.SDK, worker: worker, ready: make(chan struct{}, 1), over: make(chan struct{})}
	s.life, s.endLife = context.WithCancel(context.WithoutCancel(ctx))
	err = r.send(message{session: s, input: &core.Join{
		Worker: worker, Tenant: tenant, Actions: hello.Actions, Slots: hello.Slots, Running: hello.Running,
		Labels: hello.Labels, Types: slotUses(hello.Types), Spared: hello.Spared, Paused: paused,
	}})
	if err != nil {
		s.endLife()
		return nil, err
	}
	return s, nil
}

// current tells whether a message of a session still counts: the end of a stream
// says nothing about its worker once a newer one is there.
func (r *Runtime) current(m *message) bool {
	if _, leaves := m.input.(*core.Leave); !leaves || m.session == nil {
		return true
	}
	return r.sessions.remove(m.session)
}

// note registers the session of a Join that was just applied.
func (r *Runtime) note(m *message, seq uint64) {
	if _, joins := m.input.(*core.Join); joins && m.session != nil {
		m.session.joined = seq
		r.sessions.add(m.session)
	}
}

func (ss *sessions) add(s *session) {
	ss.mu.Lock()
	before, closed := ss.of[s.worker], ss.closed
	ss.of[s.worker] = s
	ss.mu.Unlock()
	if before != nil {
		before.end(errReplaced)
	}
	if closed != nil {
		s.end(closed)
	}
}

func (ss *sessions) remove(s *session) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.of[s.worker] != s {
		return false
	}
	delete(ss.of, s.worker)
	return true
}

func (ss *sessions) closeAll(err error) {
	ss.mu.Lock()
	ss.closed = err
	all := make([]*session, 0, len(ss.of))
	for _, s := range ss.of {
		all = append(all, s)
	}
	ss.mu.Unlock()
	for _, s := range all {
		s.end(err)
	}
}

// find is the session of worker, marked as touched; nil if there is none that may
// hear of what was decided in Apply decided.
func (ss *sessions) find(worker id.ID, decided uint64) *session {
	s := ss.of[worker]
	if s == nil || decided < s.joined {
		return nil
	}
	if !s.touched {
		s.touched = true
		ss.touched = append(ss.touched, s)
	}
	return s
}

// assign gives out the assignments of what is committed, and returns the others in their
// room. All are given at once: a batch is received whole.
func (ss *sessions) assign(all []core.Assignment, decided, committed uint64) (kept []core.Assignment) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	kept = all[:0]
	for _, a := range all {
		if a.Seq > committed {
			kept = append(kept, a)
		} else if s := ss.find(a.Worker, decided); s != nil {
			s.assigned = append(s.assigned, a)
		}
	}
	return kept
}

func (ss *sessions) stop(stop core.Stop, decided uint64) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.find(stop.Worker, decided); s != nil {
		s.stops = append(s.stops, stop)
	}
}

// settle tells any session of the worker: a report is settled whatever stream it
// came by.
func (ss *sessions) settle(settled core.Settlement) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.find(settled.Worker, ^uint64(0)); s != nil {
		s.settled = append(s.settled, settled)
	}
}

func (ss *sessions) met(met core.Met, decided uint64) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.find(met.Worker, decided); s != nil {
		s.mets = append(s.mets, met)
	}
}

// emitted tells any session of the worker, as settle does.
func (ss *sessions) emitted(told core.Emitted) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.find(told.Worker, ^uint64(0)); s != nil {
		s.emitted = append(s.emitted, told)
	}
}

// flush wakes the sessions that have something new.
func (ss *sessions) flush() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for i, s := range ss.touched {
		s.touched = false
		ss.touched[i] = nil
		select {
		case s.ready <- struct{}{}:
		default:
		}
	}
	ss.touched = ss.touched[:0]
}

// Worker implements Session.
func (s *session) Worker() id.ID { return s.worker }

// Recv implements Session.
func (s *session) Recv(ctx context.Context) (Down, error) {
	for {
		select {
		case <-s.over:
			return Down{}, s.err
		case <-ctx.Done():
			return Down{}, ctx.Err()
		case <-s.ready:
		}
		assigned, down := s.takeAll()
		if len(assigned)+len(down.Stops)+len(down.Settled)+len(down.Mets)+len(down.Emitted) == 0 {
			continue
		}
		var err error
		if down.Assignments, err = s.runtime.complete(ctx, assigned); err == nil {
			err = s.nameTenants(ctx, down.Assignments)
		}
		return down, err
	}
}

func (s *session) takeAll() ([]core.Assignment, Down) {
	ss := s.runtime.sessions
	ss.mu.Lock()
	defer ss.mu.Unlock()
	assigned, down := s.assigned, Down{Stops: s.stops, Settled: s.settled, Mets: s.mets, Emitted: s.emitted}
	s.assigned, s.stops, s.settled, s.mets, s.emitted = nil, nil, nil, nil, nil
	return assigned, down
}

// complete gives assignments all that their worker needs. What cannot be read ends the
// session, and its tasks run elsewhere.
func (r *Runtime) complete(ctx context.Context, assigned []core.Assignment) ([]Assignment, error) {
	full, err := r.completeInputs(ctx, assigned)
	if err != nil {
		return nil, err
	}
	return full, r.addLogs(ctx, full)
}

func (r *Runtime) completeInputs(ctx context.Context, assigned []core.Assignment) ([]Assignment, error) {
	full := make([]Assignment, len(assigned))
	var missing []id.ID
	for i := range assigned {
		full[i].Assignment = assigned[i]
		if graph := r.introduce(&full[i]); graph != nil {
			if err := r.completeNode(ctx, &full[i], graph); err != nil {
				return nil, err
			}
		}
	}
	r.payloads.get(assigned,
		func(i int, p payload) { full[i].give(p) },
		func(i int) { missing = append(missing, assigned[i].Task) })
	if len(missing) == 0 {
		return full, nil
	}
	stored, err := r.config.Store.Payloads(ctx, missing)
	if err != nil {
		return nil, err
	}
	of, err := r.payloadsOf(ctx, stored)
	if err != nil {
		return nil, err
	}
	for i := range full {
		if p, read := of[full[i].Task]; read {
			full[i].give(p)
		}
	}
	return full, nil
}

// give gives the assignment what its run was submitted with.
func (a *Assignment) give(p payload) {
	a.Input, a.Metadata, a.Event = p.input, p.metadata, p.event
	a.ReplayOf, a.Parent, a.Given, a.Priority = p.replayOf, p.parent, p.given, p.priority
}

// introduce says of what definition an assignment is, and whose that is, and returns the
// graph of one of a graph.
func (r *Runtime) introduce(a *Assignment) *graph {
	v := r.catalog.version(a.Version)
	a.WorkflowID, a.Owner = v.id, v.Tenant
	if v.graph == nil {
		a.Action, a.Workflow, a.Name, a.Durable = v.Action, v.Workflow, v.Task, v.Durable
		return nil
	}
	node := &v.graph.Nodes[a.Node]
	a.Action, a.Workflow, a.Name, a.Durable = node.Action, v.graph.Workflow, node.Name, node.Durable
	return v.graph
}

// nameTenants says whose tasks are given to the worker that are not its home's.
func (s *session) nameTenants(ctx context.Context, full []Assignment) (err error) {
	for i := range full {
		if full[i].Owner == s.tenant {
			continue
		}
		if full[i].Tenant, err = s.runtime.config.TenantName(ctx, full[i].Owner); err != nil {
			return err
		}
	}
	return nil
}

// bearer is whose children an attempt of the worker spawns.
func (s *session) bearer(ctx context.Context, item *core.ReportItem) (id.ID, error) {
	if !s.runtime.sharing.Load() {
		return s.tenant, nil
	}
	tenant, err := s.runtime.Bearer(ctx, s.tenant, item.Task, item.Token)
	return cmp.Or(tenant, s.tenant), err // the core refuses what is not the worker's
}

// Report implements Session.
func (s *session) Report(ctx context.Context, items []core.ReportItem, spawns ...EntrySpawn) error {
	if len(spawns) > 1 && s.runtime.sharing.Load() {
		return s.reportApart(ctx, items, spawns)
	}
	spawnings, err := s.spawnings(ctx, items, spawns)
	if err != nil {
		return err
	}
	items, spawnings = s.overtaking(items, spawnings)
	if len(items) == 0 {
		return nil
	}
	m := s.reported(items, spawnings)
	if err := m.gate.Reserve(ctx, s.tenant, m.bytes, true); err != nil {
		return err
	}
	return s.runtime.send(m)
}

// reportApart hands over items with the children of one at a time: a message can want the
// idempotency keys of one tenant only.
func (s *session) reportApart(ctx context.Context, items []core.ReportItem, spawns []EntrySpawn) error {
	from := 0
	for i, spawn := range spawns {
		to := spawn.Item + 1
		if i == len(spawns)-1 {
			to = len(items)
		}
		spawn.Item -= from
		if err := s.Report(ctx, items[from:to], spawn); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// reported is the message of a report.
func (s *session) reported(items []core.ReportItem, spawnings []spawning) message {
	bytes := int64(0)
	for i := range items {
		bytes += rowBytes + int64(len(items[i].Output)+len(items[i].Error))
		if e := items[i].Entry; e != nil {
			bytes += rowBytes + int64(len(e.Data)+len(e.Error))
		}
	}
	m := message{input: &core.Report{Worker: s.worker, Items: items}, gate: s.runtime.config.Reports, holder: s.tenant}
	if len(spawnings) > 0 {
		for i := range spawnings {
			bytes += bytesOf(spawnings[i].rows)
			m.wanted = m.wanted.and(wantedBy(spawnings[i].tenant, spawnings[i].rows))
		}
		m.prepare = func(now core.Time) {
			for i := range spawnings {
				spawnings[i].enumerate(s.runtime, now)
			}
		}
	}
	m.bytes = bytes
	return m
}

// Relabel implements Session.
func (s *session) Relabel(_ context.Context, labels map[string]string) error {
	return s.runtime.send(message{input: &core.Relabel{Worker: s.worker, Labels: labels}})
}

// Resize implements Session.
func (s *session) Resize(_ context.Context, slots int32) error {
	return s.runtime.send(message{input: &core.Resize{Worker: s.worker, Slots: slots}})
}

// Close implements Session.
func (s *session) Close(reason core.LeaveReason) {
	s.once.Do(func() {
		s.err = fault.New(fault.Unavailable, "", "the session is closed")
		close(s.over)
		s.endLife()
		_ = s.runtime.send(message{session: s, input: &core.Leave{Worker: s.worker, Reason: reason}}) // a lost shard knows its workers are gone
	})
}

// end is Close without a word to the core, which knows.
func (s *session) end(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.over)
		s.endLife()
	})
}
