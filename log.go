package adze

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
)

// Log is the logger of the attempt that runs with ctx: its lines are stored with the
// task, to be read with [Client.Logs] and `adze logs`. Lines are sent in the
// background and never hold the task up; what an attempt logs is stored no later than
// its end.
//
// Of an attempt 10,000 lines are kept, of a line 8 KiB. Lines that come faster than
// the engine can store them are dropped, and a line says how many. What is below the
// worker's [LogLevel] is not sent; [LogTo] passes lines on to the process's own log
// besides.
//
// Outside of a task it is slog.Default.
func Log(ctx context.Context) *slog.Logger {
	if a := attemptOf(ctx); a != nil {
		return a.writes().logger
	}
	return slog.Default()
}

// logging is what a worker does with the lines of its tasks.
type logging struct {
	level slog.Leveler
	to    slog.Handler // nil = nothing besides
}

// LogLevel is from which level on lines of [Log] are stored; slog.LevelInfo if it is
// not given.
func LogLevel(level slog.Leveler) WorkerOption {
	return workerOption(func(c *workerConfig) { c.logs.level = level })
}

// LogTo hands the lines of [Log] to h too, with the run, the task and the attempt.
func LogTo(h slog.Handler) WorkerOption {
	return workerOption(func(c *workerConfig) { c.logs.to = h })
}

// logHandler sends the lines of one attempt. Handlers made of it by With share its
// encoder's buffer.
type logHandler struct {
	output  *output
	logging logging // its handler has the attributes of With too
	encode  slog.Handler
	line    *encoded
}

// encoded is one record in JSON, as an encoder writes it.
type encoded struct {
	mu sync.Mutex
	bytes.Buffer
}

// fieldsGroup keeps a task's attributes apart from what a record has of its own, in
// the JSON that is taken from the encoder.
const (
	fieldsGroup  = "f"
	fieldsPrefix = `{"` + fieldsGroup + `":`
	fieldsSuffix = "}\n"
)

func newLogHandler(o *output, l logging) *logHandler {
	line := &encoded{}
	encode := slog.NewJSONHandler(line, &slog.HandlerOptions{
		Level: l.level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 {
				return slog.Attr{} // time, level and message have columns of their own
			}
			return a
		},
	})
	if l.to != nil {
		a := o.attempt
		l.to = l.to.WithAttrs([]slog.Attr{
			slog.String("run", RunID(a.ctx).String()), slog.String("task", a.Name), slog.Int("attempt", int(a.Assignment.Attempt)),
		})
	}
	return &logHandler{output: o, logging: l, encode: encode.WithGroup(fieldsGroup), line: line}
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.logging.level.Level() || h.logging.to != nil && h.logging.to.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= h.logging.level.Level() {
		h.output.log(r.Time, r.Level, r.Message, h.fields(ctx, r))
	}
	if h.logging.to != nil && h.logging.to.Enabled(ctx, r.Level) {
		return h.logging.to.Handle(ctx, r)
	}
	return nil
}

// fields are the attributes of a record as a JSON object; nil if it has none.
func (h *logHandler) fields(ctx context.Context, r slog.Record) []byte {
	h.line.mu.Lock()
	defer h.line.mu.Unlock()
	h.line.Reset()
	_ = h.encode.Handle(ctx, r) // a buffer takes everything
	fields, some := bytes.CutPrefix(h.line.Bytes(), []byte(fieldsPrefix))
	if !some {
		return nil
	}
	return bytes.Clone(bytes.TrimSuffix(fields, []byte(fieldsSuffix)))
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.encode = h.encode.WithAttrs(attrs)
	if h.logging.to != nil {
		with.logging.to = h.logging.to.WithAttrs(attrs)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.encode = h.encode.WithGroup(name)
	if h.logging.to != nil {
		with.logging.to = h.logging.to.WithGroup(name)
	}
	return &with
}
