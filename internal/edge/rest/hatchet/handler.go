// Package hatchet serves the REST API that the official Hatchet SDKs call.
//
// It owns the routes below /api and the JSON of their answers. It decides nothing:
// what is asked is read from history and the shard, what is changed goes through the
// shard client. It promises what the models of these SDKs insist on: required fields
// are there, lists are never null, enums are closed, and an error has a description.
package hatchet

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	edge "github.com/adzehq/adze/internal/edge/hatchet"
	"github.com/adzehq/adze/internal/edge/told"
	"github.com/adzehq/adze/internal/shard"
)

// Config is what the routes read and change.
type Config struct {
	Shards shard.Client
	DB     pg.DB // for what is committed
	Limits admit.Limits
	Clock  clock.Clock
	Log    *slog.Logger
	Auth   Bearers
	Wire   *edge.Server // what REST asks for that gRPC does too
}

// Bearers tells whose a call is (auth.Verifier).
type Bearers interface {
	Bearer(ctx context.Context, header string) (auth.Caller, error)
}

// Handler are the routes.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	c.metaRoutes(mux)
	c.metricRoutes(mux)
	c.runRoutes(mux)
	c.taskRoutes(mux)
	c.durableRoutes(mux)
	c.traceRoutes(mux)
	c.webhookRoutes(mux)
	c.workflowRoutes(mux)
	c.filterRoutes(mux)
	c.rateLimitRoutes(mux)
	c.workerRoutes(mux)
	c.expressionRoutes(mux)
	c.eventRoutes(mux)
	c.cronRoutes(mux)
	c.scheduleRoutes(mux)
	mux.HandleFunc("/api/", c.unknown)
	return c.storable(mux)
}

// storable serves requests whose address a database can hold as text. No name has a NUL,
// so that none is looked for.
func (c Config) storable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if text := r.URL.Path + query; err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			c.refuse(w, fault.New(fault.Invalid, "url", "has a NUL, or is not UTF-8"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ask is a call whose caller is known: it answers with what is to be encoded as JSON, nil
// for no content, an http.Handler that answers in its own way, or an error.
type ask func(r *http.Request, caller auth.Caller) (any, error)

// of serves a call of a tenant: the one in its path, if it has one, must be the caller's.
func (c Config) of(next ask) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller, err := c.Auth.Bearer(r.Context(), r.Header.Get("Authorization"))
		if err != nil {
			c.refuse(w, err)
			return
		}
		if tenant := r.PathValue("tenant"); tenant != "" && tenant != caller.UUID.String() {
			c.refuse(w, fault.New(fault.Forbidden, "tenant", "is not the one that the token is for"))
			return
		}
		answer, err := next(r.WithContext(auth.WithCaller(r.Context(), caller)), caller)
		if err != nil {
			c.refuse(w, err)
			return
		}
		switch answer := answer.(type) {
		case nil:
			w.WriteHeader(http.StatusNoContent)
		case http.Handler:
			answer.ServeHTTP(w, r)
		default:
			c.say(w, http.StatusOK, answer)
		}
	}
}

// say answers with JSON.
func (c Config) say(w http.ResponseWriter, code int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		c.Log.Error("answer was not encoded", "error", err)
		code, body = http.StatusInternalServerError, []byte(`{"errors":[{"description":"internal error: the engine's log says more"}]}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(body) // who asked may be gone
}

// problem is an error as these SDKs read it.
type problem struct {
	Description string `json:"description"`
	Field       string `json:"field,omitempty"`
}

// kindCodes is the one table from our kinds of errors to HTTP's codes, as these SDKs
// know them: what is in the way of a request is its fault.
var kindCodes = [...]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.Exhausted:       http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Unimplemented:   http.StatusNotImplemented,
}

// refuse answers with an error.
func (c Config) refuse(w http.ResponseWriter, err error) {
	e := told.Of(c.Log, err)
	c.say(w, kindCodes[e.Kind], map[string][]problem{"errors": {{Description: e.Error(), Field: e.Field}}})
}

func (c Config) unknown(w http.ResponseWriter, r *http.Request) {
	c.refuse(w, fault.New(fault.NotFound, "", "there is no %s %s", r.Method, r.URL.Path))
}
