package adze

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
)

// addressDefault is where `adze dev` listens.
const addressDefault = "127.0.0.1:7077"

// Client submits runs, waits for their results and starts workers. It holds one
// connection, finds the engine again by itself when it breaks, and may be used
// from any goroutine. Close it when it is no longer needed.
type Client struct {
	transport transport
	submits   *submitter
	pushes    *batcher[shard.NewEvent, pushed]
	awaits    *awaiter
	log       *slog.Logger
	own       *background
	known     sync.Map // definitions that the engine has, by ensure
}

// Dial connects to an engine, which may take up to 5 s, and checks the token. Where
// the engine is and who calls is taken from the environment (ADZE_ADDRESS,
// ADZE_TOKEN) unless options say otherwise.
func Dial(ctx context.Context, options ...Option) (*Client, error) {
	c := newConfig(options)
	t, err := dialGRPC(c)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", c.address, err)
	}
	if err := knock(ctx, t); err != nil {
		_ = t.close()
		return nil, fmt.Errorf("dial %s: %w", c.address, err)
	}
	return newClient(t, c.log), nil
}

func newConfig(options []Option) *config {
	c := &config{address: os.Getenv("ADZE_ADDRESS"), token: os.Getenv("ADZE_TOKEN"), log: slog.Default()}
	for _, o := range options {
		o(c)
	}
	c.token = strings.TrimSpace(c.token) // of a file it ends with a line
	c.address = cmp.Or(c.address, auth.Address(c.token), addressDefault)
	return c
}

// dialPatience is how long an engine that is just starting is waited for.
const dialPatience = 5 * time.Second

// knock opens an empty stream of results: the engine answers it at once, having
// looked at the token.
func knock(ctx context.Context, t *grpcTransport) error {
	patient, stop := context.WithTimeout(ctx, dialPatience)
	defer stop()
	var pause pauses
	for {
		err := t.knock(patient)
		if err == nil || !passing(err) {
			return err
		}
		if pause.wait(patient) != nil {
			return err
		}
	}
}

func newClient(t transport, log *slog.Logger) *Client {
	own := newBackground()
	return &Client{
		transport: t, log: log, own: own,
		submits: newSubmitter(t, own),
		pushes: newBatcher(own, eventWeight, func(ctx context.Context, events []shard.NewEvent) ([]pushed, error) {
			return t.push(ctx, events, true)
		}),
		awaits: newAwaiter(t, log, own),
	}
}

// Close ends the connection, or the engine inside the program. Who still waits for
// a result gets ErrClosed. Workers are to be ended before.
func (c *Client) Close() error {
	c.own.stop()
	return c.transport.close()
}

// Work is [Client.NewWorker] and [Worker.Run].
func (c *Client) Work(ctx context.Context, options ...WorkerOption) error {
	return c.NewWorker(options...).Run(ctx)
}

// Cancel ends a run: one that waits is cancelled at once, one that runs is told to
// stop through its context, and is cancelled when it has. The reason becomes part
// of the run's error, at most 1,024 bytes. A run that has ended stays as it is,
// without an error; one that does not exist is ErrNotFound.
func (c *Client) Cancel(ctx context.Context, run ID, reason string) error {
	return c.cancel(ctx, run, reason, false)
}

// CancelTree is Cancel of a run and of all its children, and theirs.
func (c *Client) CancelTree(ctx context.Context, run ID, reason string) error {
	return c.cancel(ctx, run, reason, true)
}

func (c *Client) cancel(ctx context.Context, run ID, reason string, tree bool) error {
	answers, err := c.transport.cancel(ctx, []id.ID{id.ID(run)}, reason, tree)
	if err == nil && len(answers) == 1 && answers[0] == shard.CancelUnknown {
		err = &Error{Kind: KindNotFound, Field: "id", Text: "no run " + run.String()}
	}
	if err != nil {
		return fmt.Errorf("cancel %s: %w", run, ofOneRun(err))
	}
	return nil
}

// Replay submits a run that has ended again, as a new run with the same input, and
// returns the new one's ID. The old one and its result stay as they are.
func (c *Client) Replay(ctx context.Context, run ID) (ID, error) {
	return c.replay(ctx, run, false)
}

// ReplayFailed is Replay of what has to run again: of a run of a [Workflow], the tasks
// that succeeded keep their outputs. A workflow that was changed since is ErrConflict.
func (c *Client) ReplayFailed(ctx context.Context, run ID) (ID, error) {
	return c.replay(ctx, run, true)
}

func (c *Client) replay(ctx context.Context, run ID, fromFailed bool) (ID, error) {
	ids, err := c.transport.replay(ctx, []id.ID{id.ID(run)}, fromFailed)
	if err != nil {
		return 0, fmt.Errorf("replay %s: %w", run, ofOneRun(err))
	}
	return ID(ids[0]), nil
}

// ensure registers d if nobody has: the first worker with it may still be starting.
func (c *Client) ensure(ctx context.Context, d *definition) error {
	if _, known := c.known.Load(d); known || !d.runsHere() {
		return nil
	}
	_, err := c.transport.workflow(ctx, d.name())
	if errors.Is(err, ErrNotFound) {
		err = c.define(ctx, d)
	}
	if err == nil {
		c.known.Store(d, true)
	}
	return err
}

// define registers definitions, all or none.
func (c *Client) define(ctx context.Context, definitions ...*definition) error {
	var workflows []shard.Workflow
	for _, d := range definitions {
		workflows = append(workflows, d.workflow)
		for _, part := range d.parts {
			workflows = append(workflows, part.workflow)
		}
	}
	if err := c.transport.define(ctx, workflows); err != nil {
		return fmt.Errorf("register tasks: %w", err)
	}
	return nil
}
