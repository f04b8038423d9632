// Package hatchet serves the gRPC services that the official Hatchet SDKs speak.
//
// It owns the translation between that wire and the shard client, and which worker
// listens on which stream. It decides nothing, and what it keeps of a worker it can
// read from the shard again. It promises that a program on such an SDK need not know
// what engine it talks to: the oddities of the wire end here.
package hatchet

import (
	"context"
	"log/slog"
	"sync"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/drain"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Version is what workers are told when they ask for the engine's. The SDKs compare it
// with those that brought a feature of the wire: it is above all of these, for Adze has
// them all. It is three numbers because they read nothing else.
const Version = "v0.120.0"

// Config is what a Server is made of.
type Config struct {
	Shards shard.Client
	DB     pg.DB // for what is committed
	Limits admit.Limits
	Clock  clock.Clock
	Log    *slog.Logger
	Status func(error) error // makes a gRPC error of one of ours
}

// Every service is whole: a missing method is found here and not at the first call.
var (
	_ wire.DispatcherServer      = (*Server)(nil)
	_ wire.EventsServiceServer   = (*Server)(nil)
	_ wire.WorkflowServiceServer = (*Server)(nil)
	_ wire.AdminServiceServer    = (*Server)(nil)
	_ wire.V1DispatcherServer    = (*Server)(nil)
)

// Server implements the services. They share one listener, one authentication and one
// recovery with the native one.
type Server struct {
	wire.UnimplementedDispatcherServer
	wire.UnimplementedEventsServiceServer
	wire.UnimplementedWorkflowServiceServer
	wire.UnimplementedAdminServiceServer
	wire.UnimplementedV1DispatcherServer
	Config
	*drain.Streams
	runs   *view.Reader
	turns  turns
	roster *roster
	owners sync.Map // id.ID of a guest to its UUID, as text; no more than there are tenants
}

// NewServer is the services, not yet registered.
func NewServer(c Config) *Server {
	s := &Server{Config: c, Streams: drain.New(), runs: view.NewReader(c.DB, c.Shards)}
	s.roster = newRoster(s)
	return s
}

// RegisterOn adds the services to a gRPC server, under the names that they have on the
// wire: those of the generated code differ, see the .proto files.
func (s *Server) RegisterOn(to grpc.ServiceRegistrar) {
	for name, service := range map[string]grpc.ServiceDesc{
		"Dispatcher":      wire.Dispatcher_ServiceDesc,
		"EventsService":   wire.EventsService_ServiceDesc,
		"WorkflowService": wire.WorkflowService_ServiceDesc,
		"v1.AdminService": wire.AdminService_ServiceDesc,
		"v1.V1Dispatcher": wire.V1Dispatcher_ServiceDesc,
	} {
		service.ServiceName = name
		to.RegisterService(&service, s)
	}
	to.RegisterService(&traceService, s)
}

// GetVersion implements the Dispatcher.
func (s *Server) GetVersion(context.Context, *wire.GetVersionRequest) (*wire.GetVersionResponse, error) {
	return &wire.GetVersionResponse{Version: Version}, nil
}

// PutOverridesData implements the Dispatcher: nothing reads such data.
func (s *Server) PutOverridesData(context.Context, *wire.OverridesData) (*wire.OverridesDataResponse, error) {
	return &wire.OverridesDataResponse{}, nil
}
