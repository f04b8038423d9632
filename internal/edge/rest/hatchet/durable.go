package hatchet

import (
	"net/http"

	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/ledger"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) durableRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/v1/stable/tasks/{task}/restore", c.of(c.restore))
	mux.HandleFunc("POST /api/v1/stable/tenants/{tenant}/durable-tasks/branch", c.of(c.branch))
}

func (c Config) restore(r *http.Request, _ auth.Caller) (any, error) {
	requeued, err := c.Wire.Restore(r.Context(), r.PathValue("task"))
	return hatchetrest.V1RestoreTaskResponse{Requeued: requeued}, err
}

func (c Config) branch(r *http.Request, _ auth.Caller) (any, error) {
	body, err := read[hatchetrest.V1BranchDurableTaskRequest](r)
	if err != nil {
		return nil, err
	}
	branch, err := c.Wire.Branch(r.Context(), body.TaskExternalId, ledger.Place{Branch: body.BranchId, Node: body.NodeId})
	return hatchetrest.V1BranchDurableTaskResponse{TaskExternalId: body.TaskExternalId, NodeId: body.NodeId, BranchId: branch}, err
}
