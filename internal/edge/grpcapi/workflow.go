package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// PutWorkflows implements the service.
func (s *Server) PutWorkflows(
	ctx context.Context, req *wire.PutWorkflowsRequest,
) (*wire.PutWorkflowsResponse, error) {
	definitions, place, err := admit.Definitions(workflows(req.Workflows))
	if err != nil {
		return nil, s.status(err)
	}
	defined, err := s.Shards.Define(ctx, auth.Tenant(ctx), definitions)
	if err != nil {
		return nil, s.status(err)
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

func workflows(from []*wire.Workflow) []shard.Workflow {
	list := make([]shard.Workflow, len(from))
	for i, w := range from {
		list[i] = shard.Workflow{Name: w.GetName(), Description: w.GetDescription()}
		for _, t := range w.GetTasks() {
			list[i].Tasks = append(list[i].Tasks, shard.Task{
				Name:    t.GetName(),
				Action:  t.GetAction(),
				Queue:   t.GetQueue(),
				Retries: t.GetRetries(),
				Backoff: shard.Backoff{
					InitialMS: t.GetBackoff().GetInitialMs(),
					Factor:    t.GetBackoff().GetFactor(),
					MaxMS:     t.GetBackoff().GetMaxMs(),
				},
				ScheduleTimeoutMS:  t.GetScheduleTimeoutMs(),
				ExecutionTimeoutMS: t.GetExecutionTimeoutMs(),
			})
		}
	}
	return list
}
