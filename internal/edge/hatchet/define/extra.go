package define

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// filters are those of events that come with the workflow.
func filters(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) error {
	for i, from := range req.GetDefaultFilters() {
		to := shard.DeclaredFilter{Scope: from.GetScope()}
		var err error
		if to.Expression, err = Filter(from.GetExpression()); err != nil {
			return fault.At(fmt.Sprintf("default_filters[%d].expression", i), err)
		}
		if text := strings.TrimSpace(string(from.GetPayload())); text != "" && text != "null" {
			to.Payload = json.RawMessage(text)
		}
		w.Filters = append(w.Filters, to)
	}
	return nil
}

// extras are what a version says of itself.
func extras(w *shard.Workflow, req *wire.CreateWorkflowVersionRequest) error {
	w.Label = req.GetVersion()
	if schema := strings.TrimSpace(string(req.GetInputJsonSchema())); schema != "null" {
		w.InputSchema = json.RawMessage(schema)
	}
	return nil
}
