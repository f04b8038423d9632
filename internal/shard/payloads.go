package shard

import (
	"slices"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// payloads keeps the inputs of tasks of all shards, so that dispatch need not read them back.
// When it is full, what comes to a deep queue is not taken in: it runs after all that is here.
// Else the oldest make way. Those that are not here are read from Postgres.
type payloads struct {
	bytesMax int64

	mu    sync.Mutex
	bytes int64
	of    map[id.ID]payload
	age   []id.ID // oldest first; those that left before are skipped
	head  int
}

type payload struct {
	input, metadata []byte
	given           []byte // to a child
	event           *Event // nil: none started it
	replayOf        id.ID
	parent          id.ID
	priority        int32
	tenant          id.ID
}

func (p payload) bytes() int64 {
	bytes := int64(len(p.input)+len(p.metadata)+len(p.given)) + payloadOverhead
	if p.event != nil {
		bytes += int64(len(p.event.Key)+len(p.event.Scope)+len(p.event.Given)) + payloadOverhead
	}
	return bytes
}

// payloadOverhead is what an entry costs beside its bytes.
const payloadOverhead = 128

func newPayloads(bytesMax int64) *payloads {
	return &payloads{bytesMax: bytesMax, of: map[id.ID]payload{}}
}

// put adds tasks; events and open have those of the same commit. Of a task whose event is
// another's, which is rare, all is read when it is dispatched.
func (p *payloads) put(tasks []core.NewTask, events map[id.ID]*core.NewEvent, open []core.OpenTask) {
	if len(tasks) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range tasks {
		t := &tasks[i]
		if t.Input == nil { // restored: not read yet
			continue
		}
		entry := payloadOf(t)
		if t.Event != 0 {
			if events[t.Event] == nil {
				continue
			}
			entry.event = newEvent(t, events[t.Event])
		}
		p.of[t.ID] = entry
		p.bytes += entry.bytes()
		p.age = append(p.age, t.ID)
	}
	p.yield(tasks[0].ID, open)
	for p.bytes > p.bytesMax && p.head < len(p.age) {
		p.remove(p.age[p.head])
		p.head++
	}
	p.compact()
}

// yield lets go of what came just now, from first on, and left the core's memory at once:
// the last before others, while there is too much.
func (p *payloads) yield(first id.ID, open []core.OpenTask) {
	for i := len(open) - 1; i >= 0 && p.bytes > p.bytesMax; i-- {
		if o := &open[i]; o.ID >= first && o.State == core.OpenReady {
			p.remove(o.ID)
		}
	}
	for n := len(p.age); n > p.head && !p.has(p.age[n-1]); n-- {
		p.age = p.age[:n-1]
	}
}

func (p *payloads) has(task id.ID) bool {
	_, here := p.of[task]
	return here
}

// payloadOf is what a row brings but for its event.
func payloadOf(t *core.NewTask) payload {
	p := payload{
		input: t.Input, metadata: t.Metadata,
		replayOf: t.ReplayOf, parent: t.Parent, tenant: t.Tenant, priority: t.Priority,
	}
	if t.Event == 0 { // else it is of that
		p.given = t.Given
	}
	return p
}

// keep adds the outputs of tasks of graphs, under their own ids: those after them
// will want them.
func (p *payloads) keep(results []core.Result) {
	for i := range results {
		if r := &results[i]; r.Run != 0 && r.Status == core.Succeeded {
			p.put([]core.NewTask{{ID: r.Task, Input: r.Output}}, nil, nil)
		}
	}
}

// one is the payload of one task or run.
func (p *payloads) one(task id.ID) (payload, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry, ok := p.of[task]
	return entry, ok
}

// dropRun lets go of a run and its tasks.
func (p *payloads) dropRun(first, last id.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for task := first; task <= last; task++ {
		p.remove(task)
	}
	p.compact()
}

// get looks up the payloads of runs of one task and calls found or missing for each.
func (p *payloads) get(assigned []core.Assignment, found func(i int, entry payload), missing func(i int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range assigned {
		if assigned[i].Run != 0 {
			continue // completeNode
		}
		if entry, ok := p.of[assigned[i].Task]; ok {
			found(i, entry)
			continue
		}
		missing(i)
	}
}

func (p *payloads) drop(results []core.Result) {
	if len(results) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range results {
		if results[i].Run == 0 {
			p.remove(results[i].Task)
		}
	}
	p.compact()
}

func (p *payloads) remove(task id.ID) {
	if entry, ok := p.of[task]; ok {
		p.bytes -= entry.bytes()
		delete(p.of, task)
	}
}

// compact lets go of the entries of age that left.
func (p *payloads) compact() {
	for p.head < len(p.age) {
		if p.has(p.age[p.head]) {
			break
		}
		p.head++
	}
	if p.head > len(p.age)/2 {
		p.age = p.age[:copy(p.age, p.age[p.head:])]
		p.head = 0
	}
	if len(p.age)-p.head > 2*len(p.of)+ageSlack { // held up by a long wait in front
		p.age = slices.DeleteFunc(p.age[p.head:], func(task id.ID) bool { return !p.has(task) })
		p.head = 0
	}
}

// ageSlack keeps a small age list from being swept again and again.
const ageSlack = 1_024
