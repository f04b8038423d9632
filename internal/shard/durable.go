package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Spawn implements Client.
func (r *Runtime) Spawn(context.Context, id.ID, Parent, []NewRun, Wait) ([]Spawned, error) {
	return nil, errNotYet
}

// Fork implements Client.
func (r *Runtime) Fork(context.Context, id.ID, id.ID, int32, []byte) (id.ID, error) {
	return 0, errNotYet
}

// Value implements Client.
func (r *Runtime) Value(context.Context, id.ID, id.ID, string) (core.Value, error) {
	return core.Value{}, errNotYet
}

var errNotYet = fault.New(fault.Unimplemented, "", "is on its way")
