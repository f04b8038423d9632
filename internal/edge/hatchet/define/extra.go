package define

import (
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func extras(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) error {
	return nil
}
