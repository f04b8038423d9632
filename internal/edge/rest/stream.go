package rest

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/drain"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

const (
	// beginWithin is when a stream begins if there is nothing to send and no error yet.
	beginWithin = 200 * time.Millisecond

	// heartbeatEvery keeps proxies from taking a quiet stream for a dead one.
	heartbeatEvery = 15 * time.Second

	// writeTimeout is how long a client may take nothing.
	writeTimeout = 30 * time.Second
)

// Streams reads what runs stream (tail.Reader).
type Streams interface {
	ReadStream(ctx context.Context, tenant id.ID, request *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error) error
}

// Bearers tells whose a stream is (auth.Verifier).
type Bearers interface {
	Stream(ctx context.Context, header string) (context.Context, func(), error)
}

// stream serves what a run streams as server-sent events, until the run has ended:
// "restart" where a task begins anew, "chunk" for each piece, "end". Who comes back
// with a Last-Event-ID gets what comes after it.
func (c Config) stream(w http.ResponseWriter, r *http.Request) {
	ctx, release, err := c.Auth.Stream(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		c.refuse(w, err)
		return
	}
	defer release()
	ctx, cancel := c.untilStop(ctx)
	defer cancel()
	run, err := id.Parse(r.PathValue("run"))
	if err != nil {
		c.refuse(w, fault.New(fault.NotFound, "run", "no run %s", r.PathValue("run")))
		return
	}
	out := newEvents(w)
	err = c.Streams.ReadStream(ctx, auth.Tenant(ctx), &wire.ReadStreamRequest{
		RunId: uint64(run), Task: r.FormValue("task"),
		After: cmp.Or(r.Header.Get("Last-Event-ID"), r.FormValue("after")),
	}, out.chunks)
	switch begun := out.close(); {
	case err == nil:
		_ = out.write("event: end\ndata: {}\n\n")
	case !begun:
		c.refuse(w, drain.Why(ctx, err))
	case ctx.Err() == nil: // else the client is gone, or comes back
		c.Log.Warn("stream broke", "run", run, "error", err)
	}
}

// untilStop is ctx that ends when the server stops, too.
func (c Config) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.open == nil {
		return ctx, func() {}
	}
	return c.open.Bounded(ctx)
}

// events is a stream of server-sent events.
type events struct {
	to      http.ResponseWriter
	control *http.ResponseController
	beating sync.WaitGroup
	closed  chan struct{}
	once    sync.Once

	mu    sync.Mutex
	begun bool // the head is written: what goes wrong now cannot be said by a status
}

func newEvents(w http.ResponseWriter) *events {
	e := &events{to: w, control: http.NewResponseController(w), closed: make(chan struct{})}
	e.beating.Go(e.beat)
	return e
}

// close ends the heartbeat and tells whether the stream was begun.
func (e *events) close() bool {
	e.once.Do(func() { close(e.closed) })
	e.beating.Wait()
	return e.begun
}

// beat writes a comment now and then, the first one soon.
func (e *events) beat() {
	timer := time.NewTimer(beginWithin)
	defer timer.Stop()
	for {
		select {
		case <-e.closed:
			return
		case <-timer.C:
		}
		if e.write(": here\n\n") != nil {
			return // the reader will see it too
		}
		timer.Reset(heartbeatEvery)
	}
}

// write sends text, and the head before it.
func (e *events) write(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.begun {
		e.begun = true
		e.to.Header().Set("Content-Type", "text/event-stream")
		e.to.Header().Set("Cache-Control", "no-store")
		e.to.Header().Set("X-Accel-Buffering", "no") // proxies that keep answers back until they are whole
		e.to.WriteHeader(http.StatusOK)
	}
	if err := e.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := e.to.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}

// chunkJSON is a chunk as it is told. What is no text goes as base64: so does one that
// ends within a character.
type chunkJSON struct {
	Task    string  `json:"task"`
	Attempt int32   `json:"attempt"`
	Text    *string `json:"text,omitempty"`
	Base64  string  `json:"base64,omitempty"`
}

func (e *events) chunks(response *wire.ReadStreamResponse) error {
	for _, c := range response.Chunks {
		text := ""
		if c.Restarted {
			text = fmt.Sprintf("event: restart\ndata: %s\n\n", encode(chunkJSON{Task: c.Task, Attempt: c.Attempt}))
		}
		one := chunkJSON{Task: c.Task, Attempt: c.Attempt}
		if data := string(c.Data); utf8.ValidString(data) {
			one.Text = &data
		} else {
			one.Base64 = base64.StdEncoding.EncodeToString(c.Data)
		}
		text += fmt.Sprintf("event: chunk\nid: %s\ndata: %s\n\n", c.Cursor, encode(one))
		if err := e.write(text); err != nil {
			return err
		}
	}
	return nil
}

// encode never fails: what it is given is plain.
func encode(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}
