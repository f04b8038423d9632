package hatchet

import (
	"fmt"
	"net/http"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	edge "github.com/adzehq/adze/internal/edge/hatchet"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) metaRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/version", c.version)
	mux.HandleFunc("GET /api/v1/meta", c.meta)
	mux.HandleFunc("GET /api/live", c.lives)
	mux.HandleFunc("GET /api/ready", c.lives) // /readyz says what is missing; here nobody reads it
	mux.HandleFunc("GET /api/v1/tenants/{tenant}", c.of(c.tenant))
}

func (c Config) version(w http.ResponseWriter, _ *http.Request) {
	c.say(w, http.StatusOK, hatchetrest.Version{Version: edge.Version})
}

func (c Config) meta(w http.ResponseWriter, _ *http.Request) {
	c.say(w, http.StatusOK, hatchetrest.APIMeta{Version: edge.Version})
}

func (c Config) lives(w http.ResponseWriter, _ *http.Request) {
	c.say(w, http.StatusOK, struct{}{})
}

// tenant tells whose token it is. SDKs want it to be of their second generation.
func (c Config) tenant(r *http.Request, caller auth.Caller) (any, error) {
	t, err := tenant.ByUUID(r.Context(), c.DB, caller.UUID)
	if err != nil {
		return nil, err
	}
	return hatchetrest.Tenant{
		Metadata: metaAt(t.UUID, t.CreatedAt, t.CreatedAt),
		Name:     t.Name, Slug: t.Name, Version: hatchetrest.V1,
	}, nil
}

// metaAt is what all that has an id tells of itself.
func metaAt(of fmt.Stringer, created, updated time.Time) hatchetrest.APIResourceMeta {
	if updated.Before(created) {
		updated = created
	}
	return hatchetrest.APIResourceMeta{Id: of.String(), CreatedAt: created.UTC(), UpdatedAt: updated.UTC()}
}

// metaOf is metaAt of what was made when its id was.
func metaOf(of id.ID, updated time.Time) hatchetrest.APIResourceMeta {
	return metaAt(of, of.Time(), updated)
}
