package hatchet

import (
	"errors"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/adzehq/adze/internal/base/fault"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// CollisionText is the message of a run whose idempotency key another one holds: SDKs
// compare it.
const CollisionText = "idempotency key collision"

// collided is the status of a run that another one is in the way of.
func collided(err error) error {
	return collision("v1.IdempotencyCollisionError", newCollision(err))
}

// bulkCollided is the status of a call of which some runs were not started.
func bulkCollided(answers []Triggered) error {
	detail := &wire.BulkTriggerIdempotencyCollisionError{}
	for i := range answers {
		switch a := &answers[i]; {
		case a.Err != nil:
			detail.Collisions = append(detail.Collisions, newCollision(a.Err))
		case !a.LeftOut:
			detail.SuccessfulWorkflowRunExternalIds = append(detail.SuccessfulWorkflowRunExternalIds, a.External())
		}
	}
	return collision("v1.BulkTriggerIdempotencyCollisionError", detail)
}

// newCollision names the run that holds a key, and the one that was not started: an id
// that nothing has.
func newCollision(err error) *wire.IdempotencyCollisionError {
	c := &wire.IdempotencyCollisionError{CollidingRunExternalId: uuid.NewString()}
	var e *fault.Error
	if errors.As(err, &e) && e.Run != 0 {
		c.ExistingRunExternalId = e.Run.String()
	}
	return c
}

// collision is a status with a detail. Its type is named by hand, for the messages of the
// generated code have another package than those on the wire.
func collision(kind string, detail proto.Message) error {
	value, err := proto.Marshal(detail)
	if err != nil {
		return grpcstatus.Error(codes.AlreadyExists, CollisionText)
	}
	return grpcstatus.FromProto(&status.Status{
		Code: int32(codes.AlreadyExists), Message: CollisionText,
		Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/" + kind, Value: value}},
	}).Err()
}
