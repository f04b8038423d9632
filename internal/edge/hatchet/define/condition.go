package define

import (
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// conditions are those of a task.
func conditions(t *shard.Task, from *wire.TaskConditions) error {
	return nil
}
