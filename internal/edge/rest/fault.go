package rest

import (
	"errors"
	"log/slog"
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

// Told is what the caller of a request is told of an error. What has no kind is logged
// here, and the caller learns no more than that.
func Told(log *slog.Logger, err error) *fault.Error {
	var e *fault.Error
	switch {
	case errors.As(err, &e) && e.Kind != fault.Internal:
		return e
	case pg.Unreachable(err):
		log.Warn("request found no database", "error", err)
		return fault.New(fault.Unavailable, "", "the engine's database does not answer: try again")
	default:
		log.Error("request failed", "error", err)
		return fault.New(fault.Internal, "", "internal error: the engine's log says more")
	}
}

// refuse answers with an error.
func (c Config) refuse(w http.ResponseWriter, err error) {
	e := Told(c.Log, err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(kindCodes[e.Kind])
	_, _ = w.Write(encode(map[string]errorJSON{"error": {e.Kind.String(), e.Field, e.Text}})) // who asked may be gone
}
