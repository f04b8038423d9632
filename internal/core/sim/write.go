package sim

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// writtenKey is the primary key of a line, and of a chunk.
type writtenKey struct {
	task  id.ID
	token core.Token
	seq   int32
}

// pen is what an attempt has written, in its worker's hands.
type pen struct {
	lines, chunks int32 // how many
}

// unstored is what a worker wrote and has not been told to be stored.
type unstored struct {
	lines  []core.LogLine
	chunks []core.Chunk
	sent   pen // how many of them were said on this stream
}

// write has an attempt write a few lines and chunks. Sometimes its worker says so at
// once, sometimes with its next word.
func (h *history) write(a *agent) *Violation {
	if len(a.running) == 0 {
		return nil
	}
	r := pick(h, a.running)
	if h.torn[r.Token] { // it does not know which numbers it has used
		return nil
	}
	for range h.rand.IntN(3) {
		a.unstored.lines = append(a.unstored.lines, core.LogLine{
			Task: r.Task, Token: r.Token, Seq: r.wrote.lines, Message: fmt.Sprint(r.Token, r.wrote.lines),
			At: h.now, Level: 4 * int32(h.rand.IntN(3)), Fields: core.Payload(`{}`),
		})
		r.wrote.lines++
	}
	for range h.rand.IntN(3) {
		a.unstored.chunks = append(a.unstored.chunks, core.Chunk{
			Task: r.Task, Token: r.Token, Seq: r.wrote.chunks, Data: fmt.Append(nil, r.Token, r.wrote.chunks),
		})
		r.wrote.chunks++
	}
	if h.rand.IntN(3) == 0 {
		return nil
	}
	return h.emit(a)
}

// call has lines written not on a stream: of an attempt, which may be over, and of a task
// that ended long ago. What is streamed of that comes too late.
func (h *history) call(a *agent) *Violation {
	const gone = id.ID(1)
	in := &core.Write{Tenant: a.tenant, Chunks: []core.Chunk{{Task: gone, Data: core.Payload("late")}}}
	in.Lines = append(in.Lines, core.LogLine{Task: gone, Attempt: 2, At: h.now, Level: 4, Message: "late", Fields: core.Payload(`{}`)})
	if len(a.running) > 0 {
		r := pick(h, a.running)
		in.Lines = append(in.Lines, core.LogLine{Task: r.Task, Message: "by call"}, core.LogLine{Task: r.Task, Attempt: 1})
	}
	return h.apply(in)
}

// takeWrite: lines are stored, in order, under a token that nothing else has, but for those
// of another tenant's task in memory; chunks of what does not run are not.
func (m *model) takeWrite(st *step, in *core.Write) *Violation {
	var lines []core.LogLine
	var token core.Token
	if len(st.out.Lines) > 0 {
		token = st.out.Lines[0].Token
	}
	for i, want := range in.Lines {
		t, here := m.tasks[want.Task], st.live(want.Task).State != 0
		if here && t.row.Tenant != in.Tenant {
			continue
		}
		if want.Attempt == 0 && here {
			want.Attempt = t.attempt
		}
		want.Tenant, want.Token, want.Seq, want.Attempt = in.Tenant, token, int32(i), max(want.Attempt, 1)
		lines = append(lines, want)
	}
	if !reflect.DeepEqual(st.out.Lines, lines) || len(st.out.Chunks) > 0 {
		return broken(writtenRight, "rows %+v %+v of %+v", st.out.Lines, st.out.Chunks, in)
	}
	if _, used := m.written[token]; used {
		return broken(writtenRight, "token %d of %+v is of an attempt", token, in)
	}
	return nil
}

// emit says what the worker wrote and has not said on this stream.
func (h *history) emit(a *agent) *Violation {
	u := &a.unstored
	in := &core.Emit{
		Worker: a.id,
		Lines:  slices.Clone(u.lines[u.sent.lines:]), Chunks: slices.Clone(u.chunks[u.sent.chunks:]),
	}
	if len(in.Lines)+len(in.Chunks) == 0 {
		return nil
	}
	u.sent = pen{int32(len(u.lines)), int32(len(u.chunks))}
	return h.apply(in)
}

// stored has the worker forget what need not be kept.
func (u *unstored) stored(e core.Emitted) {
	before := len(u.lines)
	u.lines = slices.DeleteFunc(u.lines, func(l core.LogLine) bool { return l.Token == e.Token && l.Seq < e.Lines })
	u.sent.lines -= int32(before - len(u.lines)) // what is stored was said
	before = len(u.chunks)
	u.chunks = slices.DeleteFunc(u.chunks, func(c core.Chunk) bool { return c.Token == e.Token && c.Seq < e.Chunks })
	u.sent.chunks -= int32(before - len(u.chunks))
}

// takeEmit: rows are those of current attempts, once and in order, and the worker is
// told how far. Of others it is told nothing: the next owner may take them up.
func (m *model) takeEmit(st *step, in *core.Emit) *Violation {
	var lines []core.LogLine
	var chunks []core.Chunk
	var told []core.Emitted
	tell := func(task id.ID, token core.Token) *core.Emitted {
		if n := len(told); n == 0 || told[n-1].Token != token {
			told = append(told, core.Emitted{Worker: in.Worker, Task: task, Token: token})
		}
		return &told[len(told)-1]
	}
	for _, l := range in.Lines {
		t := m.writer(in.Worker, l.Task, l.Token)
		if t == nil {
			continue
		}
		if l.Seq >= m.written[l.Token].lines {
			m.written[l.Token] = pen{l.Seq + 1, m.written[l.Token].chunks}
			l.Tenant, l.Attempt = t.row.Tenant, t.attempt
			lines = append(lines, l)
		}
		tell(l.Task, l.Token).Lines = l.Seq + 1
	}
	for _, c := range in.Chunks {
		t := m.writer(in.Worker, c.Task, c.Token)
		if t == nil {
			continue
		}
		if c.Seq >= m.written[c.Token].chunks {
			m.written[c.Token] = pen{m.written[c.Token].lines, c.Seq + 1}
			c.Tenant, c.Attempt = t.row.Tenant, t.attempt
			chunks = append(chunks, c)
		}
		tell(c.Task, c.Token).Chunks = c.Seq + 1
	}
	if !reflect.DeepEqual(lines, st.out.Lines) || !reflect.DeepEqual(chunks, st.out.Chunks) {
		return broken(writtenRight, "rows %+v %+v, want %+v %+v", st.out.Lines, st.out.Chunks, lines, chunks)
	}
	if !slices.Equal(told, st.out.Emitted) {
		return broken(answered, "told %+v of what was written, want %+v", st.out.Emitted, told)
	}
	return nil
}

// writer is the task whose current attempt it is; what others write is refused.
func (m *model) writer(worker, target id.ID, token core.Token) *task {
	if t := m.tasks[target]; t != nil && t.state == core.OpenRunning && t.token == token && t.worker == worker {
		return t
	}
	return nil
}

// checkWrittenWhole: with the end of an attempt, by the word of its worker, all is
// stored that it wrote before.
func (h *history) checkWrittenWhole(e *entry) *Violation {
	in, ok := e.in.(*core.Report)
	if !ok {
		return nil
	}
	for _, item := range in.Items {
		wrote, ended := h.wrote[item.Token]
		taken := slices.ContainsFunc(e.out.Settled, func(told core.Settlement) bool { return told.Token == item.Token && !told.Stale })
		if item.Kind != core.ReportCompleted && item.Kind != core.ReportFailed || !ended || !taken || h.torn[item.Token] {
			continue
		}
		if v := h.checkWritten(item.Task, item.Token, wrote); v != nil {
			return v
		}
	}
	return nil
}

// checkWrittenFirst: a worker is told to forget what it wrote once that is stored.
func (h *history) checkWrittenFirst(a *agent, e core.Emitted) *Violation {
	if h.torn[e.Token] {
		return nil
	}
	for _, r := range a.running {
		if r.Token == e.Token {
			return h.checkWritten(e.Task, e.Token, pen{e.Lines, e.Chunks})
		}
	}
	return nil
}

func (h *history) checkWritten(task id.ID, token core.Token, wrote pen) *Violation {
	for seq := range wrote.lines {
		if _, ok := h.committed.lines[writtenKey{task, token, seq}]; !ok {
			return broken(writtenWhole, "line %d of task %d under token %d is not stored", seq, task, token)
		}
	}
	for seq := range wrote.chunks {
		if _, ok := h.committed.chunks[writtenKey{task, token, seq}]; !ok {
			return broken(writtenWhole, "chunk %d of task %d under token %d is not stored", seq, task, token)
		}
	}
	return nil
}

// applyWritten inserts what attempts wrote. A row that is there is the same row.
func (s *store) applyWritten(e *core.Effects) *Violation {
	for _, l := range e.Lines {
		key := writtenKey{l.Task, l.Token, l.Seq}
		if first, twice := s.lines[key]; twice && !reflect.DeepEqual(first, l) {
			return broken(writtenRight, "line %+v comes after %+v", l, first)
		}
		s.lines[key] = l
	}
	for _, c := range e.Chunks {
		key := writtenKey{c.Task, c.Token, c.Seq}
		if first, twice := s.chunks[key]; twice && !reflect.DeepEqual(first, c) {
			return broken(writtenRight, "chunk %+v comes after %+v", c, first)
		}
		s.chunks[key] = c
	}
	return nil
}
