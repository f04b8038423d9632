package grpcapi

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// PutWorkflows implements the service.
func (s *Server) PutWorkflows(
	ctx context.Context, req *wire.PutWorkflowsRequest,
) (*wire.PutWorkflowsResponse, error) {
	definitions, place, err := admit.Definitions(outline.FromWire(req.Workflows))
	if err != nil {
		return nil, s.Status(err)
	}
	defined, err := s.Shards.Define(ctx, auth.Tenant(ctx), definitions)
	if err != nil {
		return nil, s.Status(err)
	}
	response := &wire.PutWorkflowsResponse{Versions: make([]*wire.WorkflowVersion, len(place))}
	for i, at := range place {
		response.Versions[i] = &wire.WorkflowVersion{
			Name:      definitions[at].Name,
			VersionId: uint64(defined[at].Version),
			Created:   defined[at].Created,
		}
	}
	return response, nil
}

// DeleteWorkflow implements the service.
func (s *Server) DeleteWorkflow(ctx context.Context, req *wire.DeleteWorkflowRequest) (*wire.DeleteWorkflowResponse, error) {
	deleted, err := s.Shards.DropWorkflow(ctx, auth.Tenant(ctx), req.Name)
	return &wire.DeleteWorkflowResponse{Deleted: deleted}, s.Status(err)
}

// GetWorkflow implements the service.
func (s *Server) GetWorkflow(
	ctx context.Context, req *wire.GetWorkflowRequest,
) (*wire.GetWorkflowResponse, error) {
	response, err := s.Reader.GetWorkflow(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// GetWorkflow reads the current version of a workflow of the tenant.
func (r *Reader) GetWorkflow(
	ctx context.Context, tenant id.ID, req *wire.GetWorkflowRequest,
) (*wire.GetWorkflowResponse, error) {
	version, err := workflow.Current(ctx, r.DB, tenant, req.Name)
	if err != nil {
		return nil, err
	}
	var w shard.Workflow
	if err := json.Unmarshal(version.JSON, &w); err != nil {
		return nil, fmt.Errorf("decode workflow %s: %w", req.Name, err)
	}
	return &wire.GetWorkflowResponse{Workflow: outline.ToWire(&w), VersionId: uint64(version.ID)}, nil
}
