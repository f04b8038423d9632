package adze

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"time"

	"google.golang.org/grpc"

	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Chunk is a piece of what a task streamed, as [Stream] was written to.
type Chunk struct {
	Task    ID     `json:"task_id"` // who streamed it
	Name    string `json:"task"`    // of the task
	Attempt int    `json:"attempt"` // 1-based
	Data    []byte `json:"data"`
	// Restarted: the task runs again, and this is the first of what it streams anew.
	// What it streamed before came from an attempt that failed, or was lost.
	Restarted bool   `json:"restarted,omitempty"`
	Cursor    string `json:"cursor"` // to go on after this chunk, see StreamFrom
}

// StreamFrom says what ReadStream reads. Its zero value is all of a run.
type StreamFrom struct {
	Task  string // of a run of a Workflow: of this task only
	After string // only what comes after the chunk with this Cursor
}

// ReadStream gives what the tasks of a run stream: what is stored, then what comes,
// each chunk once, until the run has ended. Chunks of one task come in order. A
// connection that breaks is found again, and the reading goes on where it was.
//
// A chunk that is given is stored: it will be given again to who asks again.
func (c *Client) ReadStream(ctx context.Context, run ID, from StreamFrom) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		request := &wire.ReadStreamRequest{RunId: uint64(run), Task: from.Task, After: from.After}
		err := c.read(ctx, func(ctx context.Context) error {
			return c.transport.readStream(ctx, request, func(response *wire.ReadStreamResponse) error {
				for _, one := range response.Chunks {
					request.After = one.Cursor
					if !yield(chunkOf(one), nil) {
						return errBreak
					}
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errBreak) {
			yield(Chunk{}, fmt.Errorf("read stream of %s: %w", run, err))
		}
	}
}

func chunkOf(c *wire.StreamedChunk) Chunk {
	return Chunk{
		Task: ID(c.TaskId), Name: c.Task, Attempt: int(c.Attempt), Data: c.Data,
		Restarted: c.Restarted, Cursor: c.Cursor,
	}
}

// LogLine is a line that a task logged with [Log].
type LogLine struct {
	Task    ID              `json:"task_id"`
	Name    string          `json:"task"` // of the task
	Attempt int             `json:"attempt"`
	Time    time.Time       `json:"time"` // by the worker's clock
	Level   slog.Level      `json:"level"`
	Message string          `json:"message"`
	Fields  json.RawMessage `json:"fields,omitempty"` // its attributes, an object
	Cursor  string          `json:"cursor"`           // to go on after this line, see LogFilter
}

// LogFilter says which lines Logs gives. Its zero value is all of a run that there are.
type LogFilter struct {
	Task     string       // of a run of a Workflow: of this task only
	Attempt  int          // of this attempt only
	Level    slog.Leveler // from this level on
	Contains string       // with this text in the message or the fields; at most 1,024 bytes
	After    string       // only what comes after the line with this Cursor
	Limit    int          // at most so many, up to 100,000
	Follow   bool         // and what comes, until the run has ended
}

// Logs gives the lines that the tasks of a run logged, each once and those of a task in
// order; of several tasks one after the other, but for those that come while it
// follows. A connection that breaks is found again.
func (c *Client) Logs(ctx context.Context, run ID, filter LogFilter) iter.Seq2[LogLine, error] {
	return func(yield func(LogLine, error) bool) {
		request := logsRequest(run, &filter)
		left := filter.Limit
		err := c.read(ctx, func(ctx context.Context) error {
			request.Limit = clamp(left)
			return c.transport.listLogs(ctx, request, func(response *wire.ListLogsResponse) error {
				for _, one := range response.Lines {
					request.After = one.Cursor
					if !yield(lineOf(one), nil) {
						return errBreak
					}
					if left--; left == 0 { // never, without a limit
						return errBreak
					}
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errBreak) {
			yield(LogLine{}, fmt.Errorf("read logs of %s: %w", run, err))
		}
	}
}

func logsRequest(run ID, f *LogFilter) *wire.ListLogsRequest {
	request := &wire.ListLogsRequest{
		RunId: uint64(run), Task: f.Task, Attempt: clamp(f.Attempt), Contains: f.Contains, After: f.After, Follow: f.Follow,
	}
	if f.Level != nil {
		request.LevelMin, request.HasLevelMin = int32(max(math.MinInt32, min(f.Level.Level(), math.MaxInt32))), true
	}
	return request
}

func lineOf(l *wire.LoggedLine) LogLine {
	return LogLine{
		Task: ID(l.TaskId), Name: l.Task, Attempt: int(l.Attempt), Time: timeOf(l.TimeMs), Level: slog.Level(l.Level),
		Message: l.Message, Fields: l.Fields, Cursor: l.Cursor,
	}
}

// errBreak ends a reading that has what was wanted.
var errBreak = errors.New("enough was read")

// read calls once until it ends without an error that may pass. Each call goes on
// where the one before was.
func (c *Client) read(ctx context.Context, once func(context.Context) error) error {
	var pause pauses
	for {
		began := time.Now()
		err := once(ctx)
		switch {
		case err == nil || errors.Is(err, errBreak):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case c.own.life.Err() != nil:
			return ErrClosed
		case !passing(err) || kindOf(err) == KindInternal:
			return err
		}
		if time.Since(began) > pauseMax {
			pause.reset()
		}
		c.log.Warn("lost what was being read", "error", err)
		if pause.wait(ctx) != nil {
			return context.Cause(ctx)
		}
	}
}

func (t *embeddedTransport) readStream(ctx context.Context, r *wire.ReadStreamRequest, take func(*wire.ReadStreamResponse) error) error {
	return publicError(t.Reader.ReadStream(ctx, t.Tenant, r, take))
}

func (t *embeddedTransport) listLogs(ctx context.Context, r *wire.ListLogsRequest, take func(*wire.ListLogsResponse) error) error {
	return publicError(t.Reader.ListLogs(ctx, t.Tenant, r, take))
}

func (t *grpcTransport) readStream(ctx context.Context, r *wire.ReadStreamRequest, take func(*wire.ReadStreamResponse) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := t.engine.ReadStream(ctx, r)
	return drainStream(stream, err, take)
}

func (t *grpcTransport) listLogs(ctx context.Context, r *wire.ListLogsRequest, take func(*wire.ListLogsResponse) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := t.engine.ListLogs(ctx, r)
	return drainStream(stream, err, take)
}

// drainStream takes what comes on a stream, until its end.
func drainStream[M any](stream grpc.ServerStreamingClient[M], err error, take func(*M) error) error {
	for err == nil {
		var message *M
		if message, err = stream.Recv(); err != nil {
			break
		}
		if err := take(message); err != nil {
			return err
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return received(err)
}
