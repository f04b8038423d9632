package adze

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// WorkerInfo is where a worker stands.
type WorkerInfo struct {
	ID        ID                `json:"id"`
	Name      string            `json:"name,omitempty"` // empty: it is away
	SDK       string            `json:"sdk,omitempty"`
	Actions   []string          `json:"actions"`
	Labels    map[string]string `json:"labels,omitempty"`
	Slots     []SlotsInfo       `json:"slots"`            // those of no type first
	Running   int               `json:"running"`          // of another tenant's worker: tasks of this one
	Guests    int               `json:"guests,omitempty"` // of them, those of tenants that share it
	Tenant    string            `json:"tenant,omitempty"` // whose it is that runs this tenant's tasks too; empty = its own
	Paused    bool              `json:"paused,omitempty"`
	AwayUntil time.Time         `json:"away_until,omitzero"` // its stream closed, and it is expected back until then
}

// SlotsInfo is how many slots of a type a worker has.
type SlotsInfo struct {
	Type string `json:"type,omitempty"`
	Max  int    `json:"max"`
	Used int    `json:"used"`
}

// Workers tells which workers are connected, or expected back, oldest first.
func (c *Client) Workers(ctx context.Context) ([]WorkerInfo, error) {
	response, err := c.transport.workers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	workers := make([]WorkerInfo, len(response.Workers))
	for i, w := range response.Workers {
		workers[i] = WorkerInfo{
			ID: ID(w.WorkerId), Tenant: w.Tenant, Name: w.Name, SDK: w.Sdk, Actions: w.Actions, Labels: w.Labels,
			Running: int(w.Running), Guests: int(w.Guests), Paused: w.Paused, AwayUntil: timeOf(w.AwayUntilMs),
		}
		for _, room := range w.Rooms {
			workers[i].Slots = append(workers[i].Slots, SlotsInfo{Type: room.Type, Max: int(room.Slots), Used: int(room.Used)})
		}
	}
	return workers, nil
}

// PauseWorker has a worker be given nothing new, until [Client.ResumeWorker] or until it is
// gone for good. What it runs goes on, and it stays connected. [ErrNotFound] says that no
// such worker is connected or expected back.
func (c *Client) PauseWorker(ctx context.Context, worker ID) error {
	return c.pauseWorker(ctx, "pause", worker, true)
}

// ResumeWorker has a paused worker be given tasks again.
func (c *Client) ResumeWorker(ctx context.Context, worker ID) error {
	return c.pauseWorker(ctx, "resume", worker, false)
}

// drainPollEvery is how often a worker that is drained is looked at.
const drainPollEvery = 250 * time.Millisecond

// DrainWorker pauses a worker and returns when it runs nothing more: it may be stopped, and
// nothing is lost or tried again. It stays paused, also when ctx ends before; one that is
// gone for good meanwhile runs nothing.
func (c *Client) DrainWorker(ctx context.Context, worker ID) error {
	if err := c.pauseWorker(ctx, "drain", worker, true); err != nil {
		return err
	}
	poll := time.NewTicker(drainPollEvery)
	defer poll.Stop()
	for {
		workers, err := c.Workers(ctx)
		if err != nil {
			return fmt.Errorf("drain worker %s: %w", worker, err)
		}
		at := slices.IndexFunc(workers, func(w WorkerInfo) bool { return w.ID == worker })
		if at < 0 || workers[at].Running == 0 {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("drain worker %s: it still runs %d tasks: %w", worker, workers[at].Running, ctx.Err())
		}
	}
}

func (c *Client) pauseWorker(ctx context.Context, what string, worker ID, paused bool) error {
	known, err := c.transport.pauseWorkers(ctx, []id.ID{id.ID(worker)}, paused)
	if err == nil && !known[0] {
		err = &Error{Kind: KindNotFound, Text: "no such worker is connected, or expected back"}
	}
	if err != nil {
		return fmt.Errorf("%s worker %s: %w", what, worker, err)
	}
	return nil
}

func (t *grpcTransport) workers(ctx context.Context) (*wire.ListWorkersResponse, error) {
	response, err := t.engine.ListWorkers(ctx, &wire.ListWorkersRequest{})
	return response, received(err)
}

func (t *grpcTransport) pauseWorkers(ctx context.Context, ids []id.ID, paused bool) ([]bool, error) {
	request := &wire.PauseWorkersRequest{Paused: paused}
	for _, worker := range ids {
		request.WorkerIds = append(request.WorkerIds, uint64(worker))
	}
	response, err := t.engine.PauseWorkers(ctx, request)
	if err != nil {
		return nil, received(err)
	}
	return response.Known, nil
}

func (t *embeddedTransport) workers(ctx context.Context) (*wire.ListWorkersResponse, error) {
	workers, err := t.Shards.Workers(ctx, t.Tenant)
	if err != nil {
		return nil, publicError(err)
	}
	return outline.WorkersToWire(workers), nil
}

func (t *embeddedTransport) pauseWorkers(ctx context.Context, ids []id.ID, paused bool) ([]bool, error) {
	known, err := t.Shards.PauseWorkers(ctx, t.Tenant, ids, paused)
	return known, publicError(err)
}
