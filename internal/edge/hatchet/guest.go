package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/task"
	"github.com/adzehq/adze/internal/record/tenant"
)

// A worker that is shared runs tasks of tenants that have granted its home, the guests. What
// its program asks for comes with the home's token, and is the guest's if it names a task of
// the guest that such a worker has, or a run that such a task spawned.

// bearer is whom a call of the caller about a task speaks for: whose task it is, if a worker
// of the caller has it, else the caller.
func (s *Server) bearer(ctx context.Context, of id.ID) (id.ID, error) {
	home := auth.Tenant(ctx)
	if a, _ := s.roster.attempts.find(of); a != nil {
		if a.worker.tenant == home {
			return a.Owner, nil
		}
		return home, nil
	}
	guest, err := s.Shards.Lodger(ctx, home, of) // this engine may not know its workers yet
	if err != nil || guest == 0 {
		return home, err
	}
	return guest, nil
}

// bearerOf is bearer of a call that may name a task in a field.
func (s *Server) bearerOf(ctx context.Context, field, text string) (id.ID, error) {
	if text == "" {
		return auth.Tenant(ctx), nil
	}
	of, err := view.ParseID(field, text)
	if err != nil {
		return 0, err
	}
	return s.bearer(ctx, of)
}

// writer is bearer of what is written of a task, which may have ended just now: these SDKs
// send lines and chunks on their own time.
func (s *Server) writer(ctx context.Context, of id.ID) (id.ID, error) {
	home := auth.Tenant(ctx)
	if lodged := s.roster.attempts.lodged(of); lodged.home == home {
		return lodged.guest, nil
	}
	return s.bearer(ctx, of)
}

// sorted tells ids of tasks of guests, which workers of the home have, from others.
func (s *Server) sorted(home id.ID, ids []string) (others []string, lodged map[id.ID][]string) {
	for _, text := range ids {
		var a *attempt
		if external, err := view.ParseID("", text); err == nil {
			a, _ = s.roster.attempts.find(external)
		}
		if a == nil || a.worker.tenant != home || a.Owner == home {
			others = append(others, text)
			continue
		}
		if lodged == nil {
			lodged = map[id.ID][]string{}
		}
		lodged[a.Owner] = append(lodged[a.Owner], text)
	}
	return others, lodged
}

// ofRun does something about a run of the caller's tenant or, if it has no such run, of a
// guest whose task at a worker of the caller spawned it.
func (s *Server) ofRun(ctx context.Context, external id.ID, do func(tenant id.ID) error) error {
	err := do(auth.Tenant(ctx))
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	guest, kinErr := s.kin(ctx, external)
	if kinErr != nil {
		return kinErr
	}
	if guest == 0 {
		return err
	}
	return do(guest)
}

// kin is the guest whose run it is, if a task of the guest spawned it that a worker of the
// caller has; else 0.
func (s *Server) kin(ctx context.Context, external id.ID) (id.ID, error) {
	rows, err := task.Inputs(ctx, s.DB, []id.ID{external})
	if err == nil && len(rows) == 0 {
		rows, err = run.ByID(ctx, s.DB, []id.ID{external})
	}
	if err != nil || len(rows) == 0 || rows[0].Parent == 0 {
		return 0, err
	}
	guest, err := s.bearer(ctx, rows[0].Parent)
	if guest != rows[0].Tenant {
		return 0, err
	}
	return guest, err
}

// nameOwner says whose task an attempt is, as it is told.
func (s *Server) nameOwner(ctx context.Context, a *attempt) error {
	if a.owner = a.worker.owner; a.Owner == a.worker.tenant {
		return nil
	}
	if known, is := s.owners.Load(a.Owner); is {
		a.owner = known.(string)
		return nil
	}
	found, err := tenant.ByID(ctx, s.DB, []id.ID{a.Owner})
	if err != nil {
		return err
	}
	a.owner = found[a.Owner].UUID.String()
	s.owners.Store(a.Owner, a.owner)
	return nil
}
