package hatchet

import (
	"net/http"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) taskRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/stable/tasks/{task}", c.of(c.task))
	mux.HandleFunc("GET /api/v1/stable/tasks/{task}/logs", c.of(c.taskLogs))
}

// attemptsMax bounds the number of an attempt that may be asked for.
const attemptsMax = 1_000_000

func (c Config) task(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	attempt := q.number("attempt", 0, 0, attemptsMax)
	external, err := pathID(r, "task")
	if err == nil {
		err = q.err
	}
	if err != nil {
		return nil, err
	}
	run, t, err := c.Wire.Runs().Task(r.Context(), caller.Tenant, external, attempt)
	if err == nil {
		err = c.Wire.Runs().NameEvents(r.Context(), caller.Tenant, run)
	}
	if err != nil {
		return nil, err
	}
	models := models{caller: caller, payloads: true}
	if models.children, err = c.Wire.Runs().Children(r.Context(), caller.Tenant, run); err != nil {
		return nil, err
	}
	return models.task(run, t), nil
}

// logsDefault is how many lines are told if nobody says, logsMax how many at most.
const (
	logsDefault = 1_000
	logsMax     = 10_000
)

func (c Config) taskLogs(r *http.Request, caller auth.Caller) (any, error) {
	external, err := pathID(r, "task")
	if err != nil {
		return nil, err
	}
	f, err := logFilter(r)
	if err != nil {
		return nil, err
	}
	lines, err := c.Wire.Runs().Lines(r.Context(), caller.Tenant, external, f)
	if err != nil {
		return nil, err
	}
	list := hatchetrest.V1LogLineList{
		Rows: make([]hatchetrest.V1LogLine, len(lines)), Pagination: pagination(0, f.Limit, len(lines), false),
	}
	for i := range lines {
		l := &lines[i]
		list.Rows[i] = hatchetrest.V1LogLine{
			CreatedAt: instant(l.At), Message: l.Message, Metadata: emptyObject,
			Level:          hatchetrest.V1LogLineLevel(view.LevelName(l.Level)),
			TaskExternalId: external.String(), TaskDisplayName: displayName(l.Name, external),
			RetryCount: int64(l.Retries), Attempt: int64(l.Retries) + 1,
		}
		if isObject(l.Fields) {
			list.Rows[i].Metadata = hatchetrest.JSONObject(l.Fields)
		}
	}
	return list, nil
}

// logFilter reads which lines are wanted.
func logFilter(r *http.Request) (f view.LineFilter, err error) {
	q := queryOf(r)
	f.Limit = q.number("limit", logsDefault, 1, logsMax)
	f.Attempt = int32(q.number("attempt", 0, 0, attemptsMax))
	f.Search = q.text("search")
	if since := q.time("since"); !since.IsZero() {
		f.Since = core.Time(since.UnixMilli())
	}
	if until := q.time("until"); !until.IsZero() {
		f.Until = core.Time(until.UnixMilli())
	}
	switch order := q.text("order_by_direction"); order {
	case "", "ASC", "asc":
	case "DESC", "desc":
		f.NewestFirst = true
	default:
		q.refuse("order_by_direction", "is %q; there are ASC, DESC", order)
	}
	for _, name := range q.texts("levels") {
		level, known := view.ParseLevel(name)
		if !known {
			return f, fault.New(fault.Invalid, "levels", "has %q; there are DEBUG, INFO, WARN, ERROR", name)
		}
		f.Levels = append(f.Levels, level)
	}
	return f, q.err
}
