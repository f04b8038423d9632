package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// emptyObject is what stands for no JSON object.
var emptyObject = []byte("{}")

// GetRunDetails implements the AdminService.
func (s *Server) GetRunDetails(ctx context.Context, req *wire.GetRunDetailsRequest) (*wire.GetRunDetailsResponse, error) {
	external, err := view.ParseID("external_id", req.ExternalId)
	if err != nil {
		return nil, s.Status(err)
	}
	var run *view.Run
	err = s.ofRun(ctx, external, func(tenant id.ID) (err error) {
		if run, err = s.runs.Run(ctx, tenant, external, true); err == nil {
			err = s.runs.NameEvents(ctx, tenant, run)
		}
		return err
	})
	if err != nil {
		return nil, s.Status(err)
	}
	details := detailsOf(run)
	if err := fitDetails(details); err != nil {
		return nil, s.Status(err)
	}
	return details, nil
}

func detailsOf(run *view.Run) *wire.GetRunDetailsResponse {
	details := &wire.GetRunDetailsResponse{
		Input: run.Input, AdditionalMetadata: run.ToldMetadata(),
		Status: run.Status, Done: run.Done(), IsEvicted: run.Evicted,
		TaskRuns: make(map[string]*wire.TaskRunDetail, len(run.Tasks)),
	}
	for i := range run.Tasks {
		t := &run.Tasks[i]
		details.TaskRuns[t.Name] = &wire.TaskRunDetail{
			ExternalId: t.External.String(), ReadableId: t.Name, Status: t.Status, IsEvicted: t.Evicted,
			Error: t.Error(), Output: t.Output(),
		}
	}
	return details
}
