// Package grpcapi serves the native protocol, proto/adze/v1.
//
// It owns the translation between the wire and the shard client, and the liveness
// of worker streams. It decides nothing: what comes in is admitted or refused by
// edge/admit, what follows is the shard's. It promises to batch what goes out
// without waiting for a batch, and to allocate by message and not by item.
package grpcapi

import (
	"log/slog"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress
	"google.golang.org/grpc/keepalive"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/drain"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

const (
	// MessageBytesMax is the largest message either way.
	MessageBytesMax = 64 << 20

	// batchBytesMax is where a batch of payloads is cut: a larger one helps nobody
	// and makes the items behind it wait.
	batchBytesMax = 4 << 20

	// payloadBytesMax is the most that one item may bring: a message of it alone must
	// pass. Inputs and outputs have smaller bounds; what many tasks gave together has not.
	payloadBytesMax = MessageBytesMax - 1<<20

	// itemBytes is what an item weighs beside its payloads.
	itemBytes = 64

	// pingMinInterval is how often a client may ping its connection.
	pingMinInterval = 5 * time.Second

	// A connection on which nothing was read for pingAfter is asked whether it
	// lives, and closed when it does not answer.
	pingAfter     = 15 * time.Second
	pingAnswerMax = 10 * time.Second

	// streamsMax bounds the calls that one connection has open at a time.
	streamsMax = 10_000

	// socketBufferBytes lets a batch go to the kernel in few writes.
	socketBufferBytes = 128 << 10
)

// Config is what a Server is made of.
type Config struct {
	Shards shard.Client
	Reader *Reader
	Auth   *auth.Verifier
	Limits admit.Limits
	Clock  clock.Clock
	Log    *slog.Logger
}

// Server implements the service of the native protocol.
type Server struct {
	wire.UnimplementedAdzeServer
	Config
	*drain.Streams
	metrics metrics
}

// NewServer is the service, not yet listening.
func NewServer(c Config) *Server {
	return &Server{Config: c, Streams: drain.New(), metrics: newMetrics()}
}

// GRPC is a gRPC server of the service, with authentication and recovery around
// each call.
func (s *Server) GRPC(options ...grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(append([]grpc.ServerOption{
		grpc.MaxRecvMsgSize(MessageBytesMax),
		grpc.MaxSendMsgSize(MessageBytesMax),
		grpc.MaxConcurrentStreams(streamsMax),
		grpc.ReadBufferSize(socketBufferBytes),
		grpc.WriteBufferSize(socketBufferBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: pingMinInterval, PermitWithoutStream: true,
		}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingAnswerMax}),
		grpc.ChainUnaryInterceptor(plainUnary, s.recoverUnary, s.Auth.UnaryInterceptor(s.Status), s.bearUnary),
		grpc.ChainStreamInterceptor(plainStream, s.recoverStream, s.Auth.StreamInterceptor(s.Status), s.bearStream),
	}, options...)...)
	wire.RegisterAdzeServer(server, s)
	return server
}
