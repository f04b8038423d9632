package shard

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Config is what the shards of a process share.
type Config struct {
	Epochs  map[int32]int64 // the shards owned, with the epochs of their leases
	ShardOf func(ctx context.Context, tenant id.ID) (int32, error)
	// TenantName is what a tenant is called, for workers that are given tasks of several.
	TenantName func(ctx context.Context, tenant id.ID) (string, error)
	Store      Store
	Journal    Journal
	Submits    Gate // bounds what submits may have in flight
	Reports    Gate // and reports; apart, so that new work cannot keep old work from ending
	Emits      Gate // and what attempts write; likewise
	Clock      clock.Clock
	Log        *slog.Logger

	CacheBytesMax int64 // payloads kept in memory, of all shards; 0 = CacheBytesDefault
	Window        int   // 0 = core.WindowMax
	OnceKeys      int   // once keys kept in memory, of a shard; 0 = core.OnceKeysMax
}

// CacheBytesDefault is the payload cache of a process.
const CacheBytesDefault = 64 << 20

// Gate bounds what is in flight to the journal (journal.Gate).
type Gate interface {
	// Reserve takes room for bytes of a tenant, or fails: with ctx, or with
	// fault.Exhausted at once when wait is false.
	Reserve(ctx context.Context, tenant id.ID, bytes int64, wait bool) error
	// Release gives them back.
	Release(tenant id.ID, bytes int64)
}

func (c *Config) window() int {
	if c.Window > 0 {
		return c.Window
	}
	return core.WindowMax
}

// Set is the shards that this process owns. It is the Client of all of them.
type Set struct {
	config   *Config
	runtimes map[int32]*Runtime
}

// NewSet makes the shards of config.Epochs; Run serves them.
func NewSet(config Config) *Set {
	if config.CacheBytesMax == 0 {
		config.CacheBytesMax = CacheBytesDefault
	}
	set := &Set{config: &config, runtimes: make(map[int32]*Runtime, len(config.Epochs))}
	cache := newPayloads(config.CacheBytesMax)
	for number, epoch := range config.Epochs {
		set.runtimes[number] = newRuntime(number, epoch, &config, cache)
	}
	return set
}

// Run restores all shards and serves them until ctx ends, or one is lost.
func (s *Set) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range s.runtimes {
		group.Go(func() error { return r.Run(ctx) })
	}
	return group.Wait()
}

// Ready returns once all shards are restored, or with why one is not.
func (s *Set) Ready(ctx context.Context) error {
	for _, r := range s.runtimes {
		select {
		case <-r.restored:
		case <-r.failed:
			return r.failure
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Stats counts what the shards hold, by shard.
func (s *Set) Stats(ctx context.Context) (map[int32]core.Stats, error) {
	all := make(map[int32]core.Stats, len(s.runtimes))
	for number, r := range s.runtimes {
		stats, err := r.stats(ctx)
		if err != nil {
			return nil, err
		}
		all[number] = stats
	}
	return all, nil
}

func (r *Runtime) stats(ctx context.Context) (core.Stats, error) {
	var stats core.Stats
	if err := r.look(ctx, func(mind *core.Shard) { stats = mind.Stats() }); err != nil {
		return core.Stats{}, err // who looks late writes there still
	}
	return stats, nil
}

// Sharers tells where the tenants stand that share workers.
func (s *Set) Sharers(ctx context.Context) (all []core.SharerStat, err error) {
	for _, r := range s.runtimes {
		if !r.sharing.Load() {
			continue
		}
		var here []core.SharerStat
		if err := r.look(ctx, func(mind *core.Shard) { here = mind.Sharers(r.now()) }); err != nil {
			return nil, err
		}
		all = append(all, here...)
	}
	return all, nil
}

// of is the tenant's shard, once it is restored.
func (s *Set) of(ctx context.Context, tenant id.ID) (*Runtime, error) {
	number, err := s.config.ShardOf(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("find shard of tenant %s: %w", tenant, err)
	}
	r := s.runtimes[number]
	if r == nil {
		return nil, fault.New(fault.Unavailable, "", "shard %d is owned by another engine", number)
	}
	select {
	case <-r.restored:
		return r, nil
	default:
	}
	select {
	case <-r.restored:
		return r, nil
	case <-r.failed:
		return nil, r.unavailable()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Define implements Client.
func (s *Set) Define(ctx context.Context, tenant id.ID, definitions []Definition) ([]Defined, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Define(ctx, tenant, definitions)
}

// DropWorkflow implements Client.
func (s *Set) DropWorkflow(ctx context.Context, tenant id.ID, name string) (bool, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return false, err
	}
	return r.DropWorkflow(ctx, tenant, name)
}

// Submit implements Client.
func (s *Set) Submit(ctx context.Context, tenant id.ID, runs []NewRun, wait Wait) ([]Submitted, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Submit(ctx, tenant, runs, wait)
}

// Await implements Client.
func (s *Set) Await(ctx context.Context, tenant id.ID, ids []id.ID, deliver func(Outcome)) error {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return err
	}
	return r.Await(ctx, tenant, ids, deliver)
}

// Spawn implements Client.
func (s *Set) Spawn(ctx context.Context, tenant id.ID, parent Parent, children []NewRun, wait Wait) ([]Submitted, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Spawn(ctx, tenant, parent, children, wait)
}

// Fork implements Client.
func (s *Set) Fork(ctx context.Context, tenant, run id.ID, index int32, input []byte) (id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return 0, err
	}
	return r.Fork(ctx, tenant, run, index, input)
}

// Wake implements Client.
func (s *Set) Wake(ctx context.Context, tenant id.ID, ids []id.ID) ([]Woken, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Wake(ctx, tenant, ids)
}

// Value implements Client.
func (s *Set) Value(ctx context.Context, tenant, run id.ID, name string) (core.Value, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return core.Value{}, err
	}
	return r.Value(ctx, tenant, run, name)
}

// Cancel implements Client.
func (s *Set) Cancel(ctx context.Context, tenant id.ID, ids []id.ID, reason string, tree bool) ([]Cancelled, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Cancel(ctx, tenant, ids, reason, tree)
}

// Replay implements Client.
func (s *Set) Replay(ctx context.Context, tenant id.ID, ids []id.ID, fromFailed bool) ([]id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Replay(ctx, tenant, ids, fromFailed)
}

// Repeat implements Client.
func (s *Set) Repeat(ctx context.Context, tenant id.ID, wanted []Repeat) ([]id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Repeat(ctx, tenant, wanted)
}

// Write implements Client.
func (s *Set) Write(ctx context.Context, tenant id.ID, lines []core.LogLine, chunks []core.Chunk) error {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return err
	}
	return r.Write(ctx, tenant, lines, chunks)
}

// Latest implements Client.
func (s *Set) Latest(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Latest(ctx, tenant, ids)
}

// Given implements Client.
func (s *Set) Given(ctx context.Context, tenant, run id.ID) (Given, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return Given{}, err
	}
	return r.Given(ctx, tenant, run)
}

// Redrive implements Client.
func (s *Set) Redrive(ctx context.Context, tenant id.ID, want Redrive) (Redriven, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return Redriven{}, err
	}
	return r.Redrive(ctx, tenant, want)
}

// Push implements Client.
func (s *Set) Push(ctx context.Context, tenant id.ID, events []NewEvent, wait Wait) ([]Pushed, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Push(ctx, tenant, events, wait)
}

// ReplayEvents implements Client.
func (s *Set) ReplayEvents(ctx context.Context, tenant id.ID, ids []id.ID) ([]Pushed, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.ReplayEvents(ctx, tenant, ids)
}

// PutFilter implements Client.
func (s *Set) PutFilter(ctx context.Context, tenant id.ID, filter Filter) (id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return 0, err
	}
	return r.PutFilter(ctx, tenant, filter)
}

// DeleteFilters implements Client.
func (s *Set) DeleteFilters(ctx context.Context, tenant id.ID, ids []id.ID) ([]bool, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.DeleteFilters(ctx, tenant, ids)
}

// Keyless implements Client.
func (s *Set) Keyless(ctx context.Context, tenant id.ID, runs []NewRun) ([]bool, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Keyless(ctx, tenant, runs)
}

// PutSchedules implements Client.
func (s *Set) PutSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule) ([]id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.PutSchedules(ctx, tenant, schedules)
}

// AddSchedules implements Client.
func (s *Set) AddSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule) ([]id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.AddSchedules(ctx, tenant, schedules)
}

// ChangeSchedules implements Client.
func (s *Set) ChangeSchedules(ctx context.Context, tenant id.ID, ids []id.ID, change ScheduleChange) error {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return err
	}
	return r.ChangeSchedules(ctx, tenant, ids, change)
}

// DropSchedules implements Client.
func (s *Set) DropSchedules(ctx context.Context, tenant id.ID, ids []id.ID) ([]bool, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.DropSchedules(ctx, tenant, ids)
}

// TriggerSchedules implements Client.
func (s *Set) TriggerSchedules(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.TriggerSchedules(ctx, tenant, ids)
}

// PutSettings implements Client.
func (s *Set) PutSettings(ctx context.Context, tenant id.ID, changes []SettingChange) error {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return err
	}
	return r.PutSettings(ctx, tenant, changes)
}

// Refresh implements Client.
func (s *Set) Refresh(ctx context.Context, tenant id.ID, order core.Refresh) (core.Time, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return 0, err
	}
	return r.Refresh(ctx, tenant, order)
}

// Release implements Client.
func (s *Set) Release(ctx context.Context, tenant, task id.ID, token core.Token) error {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return err
	}
	return r.Release(ctx, tenant, task, token)
}

// Attach implements Client.
func (s *Set) Attach(ctx context.Context, tenant id.ID, hello Hello) (Session, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Attach(ctx, tenant, hello)
}

// Follow implements Client.
func (s *Set) Follow(ctx context.Context, tenant id.ID, tasks []id.ID, kinds ...Written) (Follower, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Follow(ctx, tenant, tasks, kinds...)
}

// Live implements Client.
func (s *Set) Live(ctx context.Context, tenant id.ID, ids []id.ID) ([]core.Live, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Live(ctx, tenant, ids)
}

// Why implements Client.
func (s *Set) Why(ctx context.Context, tenant, run id.ID) (Explained, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return Explained{}, err
	}
	return r.Why(ctx, tenant, run)
}

// Overview implements Client.
func (s *Set) Overview(ctx context.Context, tenant id.ID) (Overview, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return Overview{}, err
	}
	return r.Overview(ctx, tenant)
}

var _ Client = (*Set)(nil)
