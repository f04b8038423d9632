package rest

import (
	"net/http"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/told"
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

// refuse answers with an error.
func (c Config) refuse(w http.ResponseWriter, err error) {
	e := told.Of(c.Log, err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(kindCodes[e.Kind])
	_, _ = w.Write(encode(map[string]errorJSON{"error": {e.Kind.String(), e.Field, e.Text}})) // who asked may be gone
}
