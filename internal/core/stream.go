package core

import "github.com/adzehq/adze/internal/base/id"

// Bounds of what one assignment writes. What goes beyond is dropped here: the SDK says
// so to the task, before.
const (
	// LogLinesMax is how many lines it logs. One more may follow, which says
	// that the rest is missing.
	LogLinesMax = 10_000

	// StreamBytesMax is how many bytes its stream has.
	StreamBytesMax = 16 << 20
)

// Emit is what a worker's attempts wrote: lines of their logs and chunks of their
// streams, those of each by ascending number.
type Emit struct {
	Worker id.ID
	Lines  []LogLine
	Chunks []Chunk
}

// Write is what is written of tasks not on their workers' streams: in the order of the
// input, under tokens and numbers that the core gives. Lines may come late, when a task has
// ended or runs again; chunks of a task that does not run are dropped. Whether tasks that
// are not in memory are the tenant's was asked before.
type Write struct {
	Tenant id.ID
	Lines  []LogLine // Attempt 0: the one that runs
	Chunks []Chunk
}

func (*Write) input() {}

// LogLine is one line of an attempt's log, and the row of it that is stored.
type LogLine struct {
	Task    id.ID
	Tenant  id.ID // the core's to say
	Token   Token
	At      Time  // by the worker's clock
	Attempt int32 // the core's to say
	Seq     int32 // counts the lines of the assignment, from 0
	Level   int32 // as in log/slog: -4 debug, 0 info, 4 warn, 8 error, and between
	Message string
	Fields  Payload // JSON object, or nil
}

// Chunk is a piece of an attempt's stream, and the row of it that is stored.
type Chunk struct {
	Task    id.ID
	Tenant  id.ID // the core's to say
	Token   Token
	Attempt int32 // the core's to say
	Seq     int32 // counts the chunks of the assignment, from 0
	Data    Payload
}

// Emitted tells a worker that it need not keep what an attempt wrote: lines and
// chunks with numbers below these are stored, or beyond the bounds.
type Emitted struct {
	Worker id.ID
	Task   id.ID
	Token  Token
	Lines  int32
	Chunks int32
}

// written is how far an attempt has come with what it writes, by the word of its
// worker to this owner.
type written struct {
	lines  int32 // the next number
	chunks int32
	bytes  int32 // of chunks
	called int32 // lines that came by Write
	token  Token // of chunks that come by Write; 0: none came
}

// emit passes on what current attempts wrote. What comes again is not written again;
// what an owner before has written, Postgres leaves as it is. Of an attempt that is not
// current nothing is said: the next owner may take it up, and then wants all of it.
func (s *Shard) emit(in *Emit) {
	for i := range in.Lines {
		line := &in.Lines[i]
		t := s.attempt(in.Worker, line.Task, line.Token)
		if t == nil {
			continue
		}
		if t.written.hasLine(line) {
			s.out.Lines = append(s.out.Lines, *line)
			row := &s.out.Lines[len(s.out.Lines)-1]
			row.Tenant, row.Attempt = t.def.Tenant, t.attempt
		}
		s.emitted(in.Worker, line.Task, line.Token).Lines = line.Seq + 1
	}
	for i := range in.Chunks {
		chunk := &in.Chunks[i]
		t := s.attempt(in.Worker, chunk.Task, chunk.Token)
		if t == nil {
			continue
		}
		if t.written.hasChunk(chunk) {
			s.out.Chunks = append(s.out.Chunks, *chunk)
			row := &s.out.Chunks[len(s.out.Chunks)-1]
			row.Tenant, row.Attempt = t.def.Tenant, t.attempt
		}
		s.emitted(in.Worker, chunk.Task, chunk.Token).Chunks = chunk.Seq + 1
	}
}

// write passes on what is written of tasks. Lines have a token of their own: whatever
// comes when, and whoever owned the shard before, none takes the place of another.
func (s *Shard) write(in *Write) {
	token := s.token()
	for i := range in.Lines {
		line := in.Lines[i]
		line.Tenant, line.Token, line.Seq = in.Tenant, token, int32(i)
		if t := s.tasks[line.Task]; t != nil && !s.mayLog(t, &line) {
			continue
		}
		line.Attempt = max(line.Attempt, 1)
		s.out.Lines = append(s.out.Lines, line)
	}
	for i := range in.Chunks {
		chunk := in.Chunks[i]
		t := s.tasks[chunk.Task]
		if t == nil || t.state != OpenRunning || t.def.Tenant != in.Tenant {
			continue
		}
		chunk.Tenant, chunk.Token, chunk.Attempt, chunk.Seq = in.Tenant, t.writeToken(token), t.attempt, t.written.chunks
		if t.written.hasChunk(&chunk) {
			s.out.Chunks = append(s.out.Chunks, chunk)
		}
	}
}

// writeToken is the token of chunks of t that come by Write: that of its attempt, but for one
// that an owner before assigned. How many chunks that one numbered under it is not known
// here, so they have a token of this owner: the number of one that is stored would be
// taken for the same chunk.
func (t *task) writeToken(fresh Token) Token {
	if t.written.token == 0 {
		t.written.token = t.token
		if t.token.epoch() < fresh.epoch() {
			t.written.token = fresh
		}
	}
	return t.written.token
}

// mayLog completes a line of a task in memory, and tells whether it may be written.
func (s *Shard) mayLog(t *task, line *LogLine) bool {
	if t.def.Tenant != line.Tenant {
		return false
	}
	if line.Attempt == 0 {
		line.Attempt = t.attempt
	}
	t.written.called++
	return t.written.called <= LogLinesMax
}

// hasLine tells whether the line is new and within the bound, and counts it.
func (w *written) hasLine(l *LogLine) bool {
	if l.Seq < w.lines || l.Seq > LogLinesMax {
		return false
	}
	w.lines = l.Seq + 1
	return true
}

// hasChunk tells whether the chunk is new and within the bound, and counts it.
func (w *written) hasChunk(c *Chunk) bool {
	if c.Seq < w.chunks || int(w.bytes)+len(c.Data) > StreamBytesMax {
		return false
	}
	w.chunks = c.Seq + 1
	w.bytes += int32(len(c.Data))
	return true
}

// attempt is the task whose current attempt has token at worker; nil if there is none.
func (s *Shard) attempt(worker, task id.ID, token Token) *task {
	t := s.tasks[task]
	if t == nil || t.state != OpenRunning || t.token != token || t.worker.id != worker {
		return nil
	}
	return t
}

// emitted is the word to the worker about an attempt: the last one, if that is about
// the same.
func (s *Shard) emitted(worker, task id.ID, token Token) *Emitted {
	list := s.out.Emitted
	if n := len(list); n == 0 || list[n-1].Token != token || list[n-1].Worker != worker {
		list = append(list, Emitted{Worker: worker, Task: task, Token: token})
		s.out.Emitted = list
	}
	return &list[len(list)-1]
}
