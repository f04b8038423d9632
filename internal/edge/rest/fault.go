package rest

import (
	"errors"
	"net/http"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/pg"
)

// kindCodes is the one table from our kinds of errors to HTTP's.
var kindCodes = [...]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.Exhausted:       http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Unimplemented:   http.StatusNotImplemented,
}

type errorJSON struct {
	Kind  string `json:"kind"`
	Field string `json:"field,omitempty"`
	Text  string `json:"text"`
}

// refuse answers with an error. What has no kind is logged here, and the caller learns
// no more than that.
func (c Config) refuse(w http.ResponseWriter, err error) {
	var e *fault.Error
	switch {
	case errors.As(err, &e) && e.Kind != fault.Internal:
	case pg.Unreachable(err):
		c.Log.Warn("request found no database", "error", err)
		e = fault.New(fault.Unavailable, "", "the engine's database does not answer: try again")
	default:
		c.Log.Error("request failed", "error", err)
		e = fault.New(fault.Internal, "", "internal error: the engine's log says more")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(kindCodes[e.Kind])
	_, _ = w.Write(encode(map[string]errorJSON{"error": {e.Kind.String(), e.Field, e.Text}})) // who asked may be gone
}
