package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// PutWorkflow implements the AdminService. One that is unchanged keeps its version,
// however many workers register it at once.
func (s *Server) PutWorkflow(
	ctx context.Context, req *wire.CreateWorkflowVersionRequest,
) (*wire.CreateWorkflowVersionResponse, error) {
	workflow, err := define.Workflow(req)
	if err != nil {
		return nil, s.Status(err)
	}
	definitions, _, err := admit.Definitions([]shard.Workflow{workflow})
	if err != nil {
		return nil, s.Status(err)
	}
	defined, err := s.Shards.Define(ctx, auth.Tenant(ctx), definitions)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.CreateWorkflowVersionResponse{
		Id: defined[0].Version.String(), WorkflowId: defined[0].Workflow.String(),
	}, nil
}
