package adze

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
)

const (
	// lineRoomBytes and chunkRoomBytes bound what the worker keeps until the engine has
	// stored it, apart so that a stream does not keep lines out.
	lineRoomBytes  = admit.UnstoredBytesMax / 4
	chunkRoomBytes = admit.UnstoredBytesMax - lineRoomBytes
)

// emissions are the lines and chunks of a worker's attempts that the engine is not
// known to have stored, in the order they were written. Those that a session took
// with it when it broke go with the next one.
type emissions struct {
	mu      sync.Mutex
	lines   []core.LogLine
	chunks  []core.Chunk
	sent    struct{ lines, chunks int } // how many of each the current session has
	bytes   struct{ lines, chunks int }
	outputs map[core.Token]*output
	changed chan struct{} // closed, and made anew, when there is more room
}

func newEmissions() *emissions {
	return &emissions{outputs: map[core.Token]*output{}, changed: make(chan struct{})}
}

// output is what one attempt writes. The emissions' mu guards it.
type output struct {
	emissions *emissions
	attempt   *attempt
	logger    *slog.Logger

	lines   int32 // the next number
	chunks  int32
	bytes   int // of chunks
	dropped int // lines that found no room since the last that did
	stored  struct{ lines, chunks int32 }
	over    bool // the attempt ended: what comes now would come after its report
}

// sealed is the output of an attempt that ended without one.
var sealed = &output{emissions: newEmissions(), over: true, logger: slog.New(slog.DiscardHandler)}

// writes is the attempt's output, made when it is first asked for.
func (a *attempt) writes() *output {
	if o := a.output.Load(); o != nil {
		return o
	}
	e := a.worker.emissions
	o := &output{emissions: e, attempt: a}
	o.logger = slog.New(newLogHandler(o, a.worker.logs))
	e.mu.Lock()
	defer e.mu.Unlock()
	if !a.output.CompareAndSwap(nil, o) {
		return a.output.Load()
	}
	e.outputs[a.Token] = o
	return o
}

// seal ends what the attempt writes, before its end is reported.
func (a *attempt) seal() {
	if a.output.CompareAndSwap(nil, sealed) {
		return
	}
	o := a.output.Load()
	o.emissions.mu.Lock()
	defer o.emissions.mu.Unlock()
	o.over = true
	o.tellDropped()
	o.emissions.wake()
}

// counted is what a line or chunk counts, as the engine counts it.
func counted(payload int) int { return payload + admit.UnstoredRowBytes }

// write adds a chunk, once there is room for it.
func (o *output) write(ctx context.Context, data []byte) error {
	e := o.emissions
	for {
		e.mu.Lock()
		if err := o.refuses(len(data)); err != nil {
			e.mu.Unlock()
			return err
		}
		if e.bytes.chunks+counted(len(data)) <= chunkRoomBytes {
			e.chunks = append(e.chunks, core.Chunk{
				Task: o.attempt.Task, Token: o.attempt.Token, Seq: o.chunks, Data: slices.Clone(data),
			})
			e.bytes.chunks += counted(len(data))
			o.chunks++
			o.bytes += len(data)
			e.mu.Unlock()
			o.attempt.worker.reports.signal()
			return nil
		}
		changed := e.changed
		e.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// refuses says why a chunk cannot be written, ever. Called with mu held.
func (o *output) refuses(bytes int) error {
	if o.over {
		return errOver
	}
	if o.bytes+bytes > core.StreamBytesMax {
		return &Error{Kind: KindExhausted, Field: "stream", Text: fmt.Sprintf(
			"has %d bytes, at most %d MiB are kept of an attempt; store it elsewhere and stream a reference",
			o.bytes, core.StreamBytesMax>>20)}
	}
	return nil
}

var errOver = &Error{Kind: KindConflict, Field: "stream", Text: "belongs to an attempt that has ended: write before the task returns"}

// flush returns once all chunks written before are stored.
func (o *output) flush(ctx context.Context) error {
	e := o.emissions
	e.mu.Lock()
	until := o.chunks
	for o.stored.chunks < until {
		if o.over {
			e.mu.Unlock()
			return errOver
		}
		changed := e.changed
		e.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		e.mu.Lock()
	}
	e.mu.Unlock()
	return nil
}

// log adds a line if there is room. What finds none is counted, and told by the next
// line that does.
func (o *output) log(at time.Time, level slog.Level, message string, fields []byte) {
	e := o.emissions
	line := core.LogLine{At: core.Time(at.UnixMilli()), Level: int32(level), Message: message, Fields: fields}
	_ = admit.Line(&line) // it cuts, and refuses a wrong number only
	e.mu.Lock()
	defer e.mu.Unlock()
	if o.over || o.lines > core.LogLinesMax {
		return
	}
	if e.bytes.lines+counted(len(line.Message)+len(line.Fields)) > lineRoomBytes {
		o.dropped++
		return
	}
	o.tellDropped()
	o.add(line)
}

// tellDropped adds a line that says how many are missing. Called with mu held.
func (o *output) tellDropped() {
	if o.dropped == 0 {
		return
	}
	text := fmt.Sprintf("%d lines are missing here: the engine could not take them as fast as they came", o.dropped)
	o.dropped = 0
	o.add(core.LogLine{At: core.Time(time.Now().UnixMilli()), Level: int32(slog.LevelWarn), Message: text})
}

// add numbers a line; the one past the bound says that no more follow. Called with mu
// held.
func (o *output) add(line core.LogLine) {
	if o.lines > core.LogLinesMax {
		return
	}
	if o.lines == core.LogLinesMax {
		line.Level, line.Fields = int32(slog.LevelWarn), nil
		line.Message = fmt.Sprintf("no more lines are kept of this attempt: %d are the most", core.LogLinesMax)
	}
	line.Task, line.Token, line.Seq = o.attempt.Task, o.attempt.Token, o.lines
	o.lines++
	e := o.emissions
	e.lines = append(e.lines, line)
	e.bytes.lines += counted(len(line.Message) + len(line.Fields))
	o.attempt.worker.reports.signal()
}

// take is what the current session has not been given yet. It is the session's.
func (e *emissions) take() (lines []core.LogLine, chunks []core.Chunk) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines, chunks = slices.Clone(e.lines[e.sent.lines:]), slices.Clone(e.chunks[e.sent.chunks:])
	e.sent.lines, e.sent.chunks = len(e.lines), len(e.chunks)
	return lines, chunks
}

// sendAgain is for a new session: it has been given nothing.
func (e *emissions) sendAgain() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent.lines, e.sent.chunks = 0, 0
}

// stored forgets what the engine has.
func (e *emissions) stored(told []core.Emitted) {
	if len(told) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range told {
		if o := e.outputs[t.Token]; o != nil {
			o.stored.lines = max(o.stored.lines, t.Lines)
			o.stored.chunks = max(o.stored.chunks, t.Chunks)
		}
	}
	e.sweep()
}

// forget lets go of an attempt that the engine wants to hear nothing more of.
func (e *emissions) forget(a *attempt) {
	if o := a.output.Load(); o == nil || o == sealed {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.outputs, a.Token)
	e.sweep()
}

// sweep drops what need not be kept. Called with mu held.
func (e *emissions) sweep() {
	lines := slices.DeleteFunc(e.lines[:e.sent.lines], func(l core.LogLine) bool {
		o := e.outputs[l.Token]
		gone := o == nil || l.Seq < o.stored.lines
		if gone {
			e.bytes.lines -= counted(len(l.Message) + len(l.Fields))
		}
		return gone
	})
	e.lines = append(lines, e.lines[e.sent.lines:]...)
	e.sent.lines = len(lines)
	chunks := slices.DeleteFunc(e.chunks[:e.sent.chunks], func(c core.Chunk) bool {
		o := e.outputs[c.Token]
		gone := o == nil || c.Seq < o.stored.chunks
		if gone {
			e.bytes.chunks -= counted(len(c.Data))
		}
		return gone
	})
	e.chunks = append(chunks, e.chunks[e.sent.chunks:]...)
	e.sent.chunks = len(chunks)
	e.wake()
}

// wake tells who waits that something changed. Called with mu held.
func (e *emissions) wake() {
	close(e.changed)
	e.changed = make(chan struct{})
}
