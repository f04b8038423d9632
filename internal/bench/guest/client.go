package guest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// The pings of a connection, which an engine must not mind.
const (
	pingEvery   = 10 * time.Second
	pingWaitMax = 60 * time.Second
)

// Config says where the engine is, and who calls. The token knows the addresses too; the
// explicit ones stand for the environment, which wins.
type Config struct {
	GRPCAddr string // "" = the token's
	HTTPURL  string // "" = the token's
	Token    string
}

// Client calls the services of an engine.
type Client struct {
	Dispatcher wire.DispatcherClient
	Events     wire.EventsServiceClient
	Workflows  wire.WorkflowServiceClient
	Admin      wire.AdminServiceClient
	Durable    wire.V1DispatcherClient
	Tenant     string // its UUID

	config     Config
	connection *grpc.ClientConn
	results    *results
}

// Dial makes a client. It connects when it is first used.
func Dial(c Config) (*Client, error) {
	told, err := readToken(c.Token)
	if err != nil {
		return nil, err
	}
	if c.GRPCAddr == "" {
		c.GRPCAddr = told.Address
	}
	if c.HTTPURL == "" {
		c.HTTPURL = told.Server
	}
	connection, err := grpc.NewClient(c.GRPCAddr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(bearer(c.Token)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingWaitMax, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	if err != nil {
		return nil, fmt.Errorf("dial engine: %w", err)
	}
	on := named{connection}
	client := &Client{
		Dispatcher: wire.NewDispatcherClient(on),
		Events:     wire.NewEventsServiceClient(on),
		Workflows:  wire.NewWorkflowServiceClient(on),
		Admin:      wire.NewAdminServiceClient(on),
		Durable:    wire.NewV1DispatcherClient(on),
		Tenant:     told.Tenant,
		config:     c,
		connection: connection,
	}
	client.results = newResults(client.Dispatcher)
	return client, nil
}

// Close ends the connection and all that waits on it.
func (c *Client) Close() error {
	c.results.close()
	return c.connection.Close()
}

// claims are what a program reads in a token; it checks no signature.
type claims struct {
	Tenant  string `json:"sub"`
	Server  string `json:"server_url"`
	Address string `json:"grpc_broadcast_address"`
}

func readToken(token string) (told claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return told, errors.New("read token: it is not of three parts")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return told, fmt.Errorf("read token: %w", err)
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return told, fmt.Errorf("read token: %w", err)
	}
	return told, nil
}

// bearer puts the token on each call.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (bearer) RequireTransportSecurity() bool { return false }

// named calls services by the names that they have on the wire: those of our generated
// code differ, so that a program may link an SDK as well.
type named struct{ grpc.ClientConnInterface }

// Invoke implements grpc.ClientConnInterface.
func (n named) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	return n.ClientConnInterface.Invoke(ctx, onWire(method), args, reply, options...)
}

// NewStream implements grpc.ClientConnInterface.
func (n named) NewStream(
	ctx context.Context, about *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return n.ClientConnInterface.NewStream(ctx, about, onWire(method), options...)
}

func onWire(method string) string {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/adze.hatchet.v1."), "/")
	if service == "AdminService" || service == "V1Dispatcher" {
		service = "v1." + service
	}
	return "/" + service + "/" + name
}
