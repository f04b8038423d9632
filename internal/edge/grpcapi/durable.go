package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/record/moment"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Fork implements the service.
func (s *Server) Fork(ctx context.Context, req *wire.ForkRequest) (*wire.ForkResponse, error) {
	input, err := s.Limits.Fork(req.Index, req.Input)
	if err != nil {
		return nil, s.Status(err)
	}
	run, err := s.Shards.Fork(ctx, auth.Tenant(ctx), id.ID(req.RunId), req.Index, input)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.ForkResponse{RunId: uint64(run)}, nil
}

// GetValue implements the service.
func (s *Server) GetValue(ctx context.Context, req *wire.GetValueRequest) (*wire.GetValueResponse, error) {
	if err := admit.ValueName(req.Name); err != nil {
		return nil, s.Status(err)
	}
	value, err := s.Shards.Value(ctx, auth.Tenant(ctx), id.ID(req.RunId), req.Name)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.GetValueResponse{Found: value.Task != 0, Data: value.Data, AtMs: int64(value.At)}, nil
}

// deedsOf is deeds of the task of a graph that is asked for.
func (r *Reader) deedsOf(ctx context.Context, tenant id.ID, response *wire.GetRunResponse, req *wire.GetRunRequest) error {
	for _, t := range response.Tasks {
		if t.Name == req.Task {
			return r.deeds(ctx, tenant, response, id.ID(t.TaskId), req.Payloads)
		}
	}
	return fault.New(fault.NotFound, "task", "run %s has no task %q", id.ID(req.RunId), req.Task)
}

// deeds tells what the task of a run did: its log, if it is durable, its children, and what
// happened to its attempts.
func (r *Reader) deeds(ctx context.Context, tenant id.ID, response *wire.GetRunResponse, task id.ID, payloads bool) error {
	log, err := durable.Log(ctx, r.DB, task)
	if err != nil {
		return err
	}
	mets, err := durable.Mets(ctx, r.DB, task)
	if err != nil {
		return err
	}
	children, err := history.Children(ctx, r.DB, tenant, task)
	if err != nil {
		return err
	}
	moments, err := moment.Of(ctx, r.DB, tenant, task)
	if err != nil {
		return err
	}
	response.Moments = outline.MomentsToWire(moments)
	response.Log, response.Mets = outline.LogToWire(log), outline.MetsToWire(mets)
	for _, e := range response.Log {
		if !payloads {
			e.Data = nil
		}
	}
	for _, m := range response.Mets {
		if !payloads {
			m.Data = nil
		}
	}
	for _, child := range children {
		response.Children = append(response.Children, &wire.Child{
			RunId: uint64(child.Run), Key: child.Key, ParentId: uint64(task),
		})
	}
	return nil
}
