package hatchet

import (
	"context"
	"strconv"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/history"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// UpsertWorkerLabels implements the Dispatcher. Labels of other keys stay.
func (s *Server) UpsertWorkerLabels(ctx context.Context, req *wire.UpsertWorkerLabelsRequest) (*wire.UpsertWorkerLabelsResponse, error) {
	number, err := workerID(req.WorkerId)
	if err != nil {
		return nil, s.Status(err)
	}
	labels, err := labelsOf(req.Labels)
	if err != nil {
		return nil, s.Status(err)
	}
	caller := auth.CallerOf(ctx)
	s.roster.labels.Lock() // two calls must not lose each other's
	defer s.roster.labels.Unlock()
	said, err := history.GetWorker(ctx, s.DB, caller.Tenant, number)
	if err != nil {
		return nil, s.Status(err)
	}
	for key, value := range labels {
		said.Labels[key] = value
	}
	if err := admit.Labels(said.Labels); err != nil {
		return nil, s.Status(err)
	}
	if _, err := s.Shards.Introduce(ctx, caller.Tenant, helloOf(&said)); err != nil {
		return nil, s.Status(err)
	}
	if w := s.roster.find(caller.Tenant, number); w != nil {
		if err := w.session.Relabel(ctx, said.Labels); err != nil {
			return nil, s.Status(err)
		}
	}
	return &wire.UpsertWorkerLabelsResponse{TenantId: caller.UUID.String(), WorkerId: req.WorkerId}, nil
}

// labelsOf are labels as texts: a number is one that can be compared as such.
func labelsOf(from map[string]*wire.WorkerLabels) (map[string]string, error) {
	labels := make(map[string]string, len(from))
	for key, label := range from {
		switch {
		case label.GetStrValue() != "" && label.GetIntValue() != 0:
			return nil, fault.New(fault.Invalid, "labels", "%q has two values; give one", key)
		case label != nil && label.IntValue != nil:
			labels[key] = strconv.Itoa(int(*label.IntValue))
		default:
			labels[key] = label.GetStrValue()
		}
	}
	return labels, nil
}
