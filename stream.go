package adze

import (
	"context"
	"io"

	"github.com/adzehq/adze/internal/edge/admit"
)

// StreamWriter writes the stream of an attempt; see [Stream].
type StreamWriter struct {
	ctx    context.Context
	output *output // nil outside of a task
}

var _ io.Writer = StreamWriter{}

// Stream is where the attempt that runs with ctx writes what others are to read while
// it runs, with [Client.ReadStream], `adze stream` or server-sent events: the tokens
// of a model, the lines of a build. It is stored with the task, and can be read again
// later.
//
// What a task streams is not its output: a retry streams anew, and readers are told.
func Stream(ctx context.Context) StreamWriter {
	if a := attemptOf(ctx); a != nil {
		return StreamWriter{ctx, a.writes()}
	}
	return StreamWriter{ctx: ctx}
}

// Write sends p in the background, as one chunk, or as several of 64 KiB. It waits
// while 3 MiB of the worker's chunks are not stored yet, and gives up with the
// attempt. What was written is stored no later than the attempt's end is; past 16 MiB
// of an attempt it fails with ErrExhausted.
func (w StreamWriter) Write(p []byte) (n int, err error) {
	if w.output == nil {
		return 0, errNoTask
	}
	for len(p) > 0 {
		piece := p[:min(len(p), admit.ChunkBytesMax)]
		if err := w.output.write(w.ctx, piece); err != nil {
			return n, err
		}
		n += len(piece)
		p = p[len(piece):]
	}
	return n, nil
}

// WriteString is Write of a string.
func (w StreamWriter) WriteString(s string) (n int, err error) { return w.Write([]byte(s)) }

// Flush returns once all that was written is stored: it survives a crash of
// everything, and readers are told of it.
func (w StreamWriter) Flush() error {
	if w.output == nil {
		return errNoTask
	}
	return w.output.flush(w.ctx)
}

var errNoTask = &Error{Kind: KindInvalid, Field: "ctx", Text: "is not the context of a task"}
