package hatchet

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	edge "github.com/adzehq/adze/internal/edge/hatchet"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// workersListedFor is how long workers are listed that left.
const workersListedFor = 24 * time.Hour

func (c Config) workerRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/tenants/{tenant}/worker", c.of(c.listWorkers))
	mux.HandleFunc("GET /api/v1/workers/{worker}", c.of(c.getWorker))
	mux.HandleFunc("PATCH /api/v1/workers/{worker}", c.of(c.updateWorker))
}

func (c Config) listWorkers(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	if q.err != nil {
		return nil, q.err
	}
	statuses := q.texts("statuses")
	for _, s := range statuses {
		if !hatchetrest.WorkerStatus(s).Valid() {
			return nil, fault.New(fault.Invalid, "statuses", "has %q; there are ACTIVE, INACTIVE and PAUSED", s)
		}
	}
	known, err := history.Workers(r.Context(), c.DB, caller.Tenant, c.Clock.Now().Add(-workersListedFor))
	if err != nil {
		return nil, err
	}
	live, err := c.liveWorkers(r, caller)
	if err != nil {
		return nil, err
	}
	rows := []hatchetrest.Worker{}
	for i := range known {
		w := c.workerModel(&known[i], live[known[i].ID], caller)
		if (len(statuses) == 0 || slices.Contains(statuses, string(w.Status))) && labelled(&known[i], q.texts("labels")) {
			rows = append(rows, w)
		}
	}
	list := hatchetrest.WorkerList{
		Pagination: pagination(offset, limit, len(rows), false), Rows: page(rows, offset, limit),
	}
	if err := c.tellWork(r.Context(), caller, list.Rows); err != nil {
		return nil, err
	}
	return list, nil
}

// labelled tells whether a worker has one of these labels, written key:value; none is any.
func labelled(w *history.Worker, wanted []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(text string) bool {
		key, value, _ := strings.Cut(text, ":")
		own, has := w.Labels[key]
		return has && own == value
	})
}

func (c Config) liveWorkers(r *http.Request, caller auth.Caller) (map[id.ID]*shard.Worker, error) {
	workers, err := c.Shards.Workers(r.Context(), caller.Tenant)
	if err != nil {
		return nil, err
	}
	live := make(map[id.ID]*shard.Worker, len(workers))
	for i := range workers {
		live[workers[i].Worker] = &workers[i]
	}
	return live, nil
}

func (c Config) getWorker(r *http.Request, caller auth.Caller) (any, error) {
	number, err := pathID(r, "worker")
	if err != nil {
		return nil, err
	}
	return c.oneWorker(r, caller, number)
}

func (c Config) oneWorker(r *http.Request, caller auth.Caller, number id.ID) (any, error) {
	known, err := history.GetWorker(r.Context(), c.DB, caller.Tenant, number)
	if err != nil {
		return nil, err
	}
	live, err := c.liveWorkers(r, caller)
	if err != nil {
		return nil, err
	}
	one := []hatchetrest.Worker{c.workerModel(&known, live[number], caller)}
	if err := c.tellWork(r.Context(), caller, one); err != nil {
		return nil, err
	}
	return one[0], nil
}

// updateWorker pauses a worker, or resumes it; one that is not there for when it comes.
func (c Config) updateWorker(r *http.Request, caller auth.Caller) (any, error) {
	number, err := pathID(r, "worker")
	if err != nil {
		return nil, err
	}
	change, err := read[struct {
		IsPaused *bool `json:"isPaused"`
	}](r)
	if err != nil {
		return nil, err
	}
	if change.IsPaused != nil {
		known, err := c.Shards.PauseWorkers(r.Context(), caller.Tenant, []id.ID{number}, *change.IsPaused)
		if err != nil {
			return nil, err
		}
		if !known[0] {
			return nil, fault.New(fault.NotFound, "worker", "there is no worker %s", number)
		}
	}
	return c.oneWorker(r, caller, number)
}

// workerModel is a worker as this API tells of it; live is nil of one that is gone.
func (c Config) workerModel(known *history.Worker, live *shard.Worker, caller auth.Caller) hatchetrest.Worker {
	heard := c.Wire.Heard(caller.Tenant, known.ID)
	if heard.IsZero() && known.LeftAt != nil {
		heard = *known.LeftAt
	}
	w := hatchetrest.Worker{
		Metadata:                metaOf(known.ID, known.JoinedAt),
		Name:                    known.Name,
		Type:                    hatchetrest.SELFHOSTED,
		Status:                  hatchetrest.INACTIVE,
		Actions:                 known.Actions,
		LastHeartbeatAt:         heard,
		LastListenerEstablished: known.JoinedAt,
		SlotConfig:              map[string]hatchetrest.WorkerSlotConfig{},
		Labels:                  []hatchetrest.WorkerLabel{},
		RuntimeInfo: hatchetrest.WorkerRuntimeInfo{
			SdkVersion:      known.Runtime[edge.RuntimeVersion],
			Language:        hatchetrest.WorkerRuntimeSDKs(known.Runtime[edge.RuntimeLanguage]),
			LanguageVersion: known.Runtime[edge.RuntimeLanguageVersion],
			Os:              known.Runtime[edge.RuntimeOS],
			RuntimeExtra:    known.Runtime[edge.RuntimeExtra],
		},
	}
	for kind, units := range known.Types {
		w.SlotConfig[kind] = hatchetrest.WorkerSlotConfig{Limit: int64(units)}
	}
	if known.Slots > 0 || len(known.Types) == 0 {
		w.SlotConfig[define.SlotDefault] = hatchetrest.WorkerSlotConfig{Limit: int64(known.Slots)}
	}
	for _, key := range slices.Sorted(maps.Keys(known.Labels)) {
		w.Labels = append(w.Labels, hatchetrest.WorkerLabel{Metadata: w.Metadata, Key: key, Value: known.Labels[key]})
	}
	switch {
	case live != nil:
		present(&w, live)
	case known.Paused:
		w.Status = hatchetrest.PAUSED
	}
	return w
}

// present adds what is known of a worker that is there.
func present(w *hatchetrest.Worker, live *shard.Worker) {
	switch {
	case live.Paused:
		w.Status = hatchetrest.PAUSED
	case live.Until == 0 && !live.Spared:
		w.Status = hatchetrest.ACTIVE
	}
	for _, room := range live.Rooms {
		kind := cmp.Or(room.Type, define.SlotDefault)
		if config, has := w.SlotConfig[kind]; has {
			config.Available = int64(max(room.Slots-room.Used, 0))
			w.SlotConfig[kind] = config
		}
	}
}
