package shard

import (
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// payloads keeps the inputs of tasks of all shards, so that dispatch need not read them back.
// When it is full, what comes to a deep queue is not taken in: it runs after all that is here.
// Else the oldest make way, a chunk at once. Those that are not here are read from Postgres.
//
// They are packed, one after the other: a million small inputs with a pointer each would
// cost the garbage collector more than all else that their tasks cost the engine.
type payloads struct {
	bytesMax   int64
	chunkBytes int // of a chunk, if none of its payloads is longer

	mu     sync.Mutex
	bytes  int64           // of all chunks, and of blocks
	blocks map[id.ID]block // by the first id that each is for
	chunks map[uint32]*chunk
	oldest uint32 // among chunks, or one that left
	newest uint32 // that is being filled, if it is among chunks
}

// place is where a payload is; the zero place is nowhere.
type place struct{ chunk, offset uint32 }

// block is the places of tasks of consecutive ids. Those that came together mostly run one
// soon after the other, and of a million the place of each alone would be in no cache of the
// processor.
type block [blockLen]place

// chunk is packed payloads. Its bytes are never moved or used again: what is given out lies
// in them.
type chunk struct {
	packed []byte
	live   int // payloads that are still wanted
}

const (
	blockLen = 8

	// blockBytes is what a block takes, with its part of the map.
	blockBytes = 128

	chunkBytesMax = 256 << 10

	// chunksMin is how many chunks there are at least when all room is taken, so that not
	// too much makes way at once.
	chunksMin = 16
)

func newPayloads(bytesMax int64) *payloads {
	return &payloads{
		bytesMax:   bytesMax,
		chunkBytes: int(min(chunkBytesMax, bytesMax/chunksMin)),
		blocks:     map[id.ID]block{},
		chunks:     map[uint32]*chunk{},
	}
}

// put adds tasks; events and open have those of the same commit. Of a task whose event is
// another's, which is rare, all is read when it is dispatched.
func (p *payloads) put(tasks []core.NewTask, events map[id.ID]*core.NewEvent, open []core.OpenTask) {
	if len(tasks) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	deep := latecomers{first: tasks[0].ID, open: open}
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
		p.add(t.ID, &entry, &deep)
	}
	for p.bytes > p.bytesMax && p.dropOldest() {
	}
}

// add packs a payload into the newest chunk, or leaves it out.
func (p *payloads) add(task id.ID, entry *payload, deep *latecomers) {
	size := entry.packedMax()
	c := p.chunks[p.newest]
	if c == nil || len(c.packed)+size > cap(c.packed) {
		bytes := max(size, p.chunkBytes)
		if !p.makeRoom(int64(bytes), task, deep) {
			p.remove(task) // it is of before
			return
		}
		c = p.begin(bytes)
	}
	p.move(task, place{p.newest, uint32(len(c.packed))})
	c.packed = entry.pack(c.packed, task)
}

// move notes where the payload of a task is from now on.
func (p *payloads) move(task id.ID, to place) {
	of, nth := task-task%blockLen, task%blockLen
	b, had := p.blocks[of]
	from := b[nth]
	if from == to {
		return
	}
	if b[nth] = to; b == (block{}) {
		delete(p.blocks, of)
		p.bytes -= blockBytes
	} else {
		p.blocks[of] = b
	}
	if !had {
		p.bytes += blockBytes
	}
	if to != (place{}) {
		p.chunks[to.chunk].live++
	}
	if from != (place{}) {
		p.chunks[from.chunk].live--
		p.shed(from.chunk)
	}
}

// at is where the payload of a task is.
func (p *payloads) at(task id.ID) place {
	b := p.blocks[task-task%blockLen]
	return b[task%blockLen]
}

// latecomers is what a commit, from first on, leaves to Postgres at once: the ends of deep
// queues.
type latecomers struct {
	first id.ID
	open  []core.OpenTask
	tasks map[id.ID]struct{} // of open, once they are asked for
}

func (l *latecomers) has(task id.ID) bool {
	if l.tasks == nil {
		l.tasks = make(map[id.ID]struct{}, len(l.open))
		for i := range l.open {
			if o := &l.open[i]; o.ID >= l.first && o.State == core.OpenReady {
				l.tasks[o.ID] = struct{}{}
			}
		}
	}
	_, late := l.tasks[task]
	return late
}

// makeRoom has older chunks make way for so many bytes. It tells whether there is room: for
// a latecomer none is made.
func (p *payloads) makeRoom(bytes int64, task id.ID, deep *latecomers) bool {
	room := p.bytesMax - bytes
	if p.bytes > room && (room < 0 || deep.has(task)) {
		return false
	}
	for p.bytes > room && p.dropOldest() {
	}
	return p.bytes <= room
}

// begin makes a new chunk.
func (p *payloads) begin(bytes int) *chunk {
	p.newest++
	c := &chunk{packed: make([]byte, 0, bytes)}
	p.chunks[p.newest] = c
	p.bytes += int64(bytes)
	p.shed(p.newest - 1) // all of it may have left while it was filled
	return c
}

// dropOldest lets the oldest chunk go. It tells whether there was one.
func (p *payloads) dropOldest() bool {
	for len(p.chunks) > 0 {
		n := p.oldest
		c := p.chunks[n]
		if c == nil {
			p.oldest++
			continue
		}
		for rest := packed(c.packed); len(rest) > 0; {
			offset := uint32(len(c.packed) - len(rest))
			if task, _ := rest.unpack(); p.at(task) == (place{n, offset}) {
				p.remove(task)
			}
		}
		if p.chunks[n] != nil { // the newest stays when it is empty
			p.release(n, c)
		}
		return true
	}
	return false
}

// shed lets a chunk go that nothing is left of.
func (p *payloads) shed(n uint32) {
	if c := p.chunks[n]; c != nil && c.live == 0 && n != p.newest {
		p.release(n, c)
	}
}

func (p *payloads) release(n uint32, c *chunk) {
	delete(p.chunks, n)
	p.bytes -= int64(cap(c.packed))
}

// remove lets go of the payload of a task, if it is here.
func (p *payloads) remove(task id.ID) { p.move(task, place{}) }

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
	return p.find(task)
}

func (p *payloads) find(task id.ID) (entry payload, here bool) {
	at := p.at(task)
	if here = at != (place{}); here {
		from := packed(p.chunks[at.chunk].packed[at.offset:])
		_, entry = from.unpack()
	}
	return entry, here
}

// get looks up the payloads of runs of one task and calls found or missing for each.
func (p *payloads) get(assigned []core.Assignment, found func(i int, entry payload), missing func(i int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range assigned {
		if assigned[i].Run != 0 {
			continue // completeNode
		}
		if entry, ok := p.find(assigned[i].Task); ok {
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
}

// dropRun lets go of a run and its tasks.
func (p *payloads) dropRun(first, last id.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for task := first; task <= last; task++ {
		p.remove(task)
	}
}
