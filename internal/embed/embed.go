// Package embed is the seam between the SDK and an engine in the same process.
//
// It owns no behaviour: it names what the SDK needs of an engine. It promises that
// a program which embeds an engine passes the same checks and meets the same mind
// as one that calls it over the network; only the wire between them is gone.
package embed

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Engine is an engine in this process, as one tenant sees it.
type Engine struct {
	Tenant id.ID
	Shards shard.Client
	Limits admit.Limits
	Reader Reader
	Close  func() error // ends the engine
}

// Reader reads what is told to clients. What does not exist is fault.NotFound.
type Reader interface {
	GetWorkflow(ctx context.Context, tenant id.ID, request *wire.GetWorkflowRequest) (*wire.GetWorkflowResponse, error)
	GetRun(ctx context.Context, tenant id.ID, request *wire.GetRunRequest) (*wire.GetRunResponse, error)
	ReadStream(ctx context.Context, tenant id.ID, request *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error) error
	ListLogs(ctx context.Context, tenant id.ID, request *wire.ListLogsRequest, send func(*wire.ListLogsResponse) error) error
	ListFailures(ctx context.Context, tenant id.ID, request *wire.ListFailuresRequest) (*wire.ListFailuresResponse, error)
	ListRuns(ctx context.Context, tenant id.ID, request *wire.ListRunsRequest) (*wire.ListRunsResponse, error)
	GetEvent(ctx context.Context, tenant id.ID, request *wire.GetEventRequest) (*wire.GetEventResponse, error)
	ListEvents(ctx context.Context, tenant id.ID, request *wire.ListEventsRequest) (*wire.ListEventsResponse, error)
	ListSchedules(ctx context.Context, tenant id.ID, request *wire.ListSchedulesRequest) (*wire.ListSchedulesResponse, error)
	ListSettings(ctx context.Context, tenant id.ID, request *wire.ListSettingsRequest) (*wire.ListSettingsResponse, error)
	Share(ctx context.Context, tenant id.ID, home string, weight *int32) error
	Unshare(ctx context.Context, tenant id.ID, home string) error
	ListGrants(ctx context.Context, tenant id.ID) (*wire.ListGrantsResponse, error)
	ListFilters(ctx context.Context, tenant id.ID, request *wire.ListFiltersRequest) (*wire.ListFiltersResponse, error)
}
