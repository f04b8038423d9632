package flow

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed put.sql
	putSQL string
	//go:embed drop.sql
	dropSQL string
	//go:embed of_shard.sql
	ofShardSQL string
	//go:embed get.sql
	getSQL string
	//go:embed of_tenant.sql
	ofTenantSQL string
	//go:embed grants_to.sql
	grantsToSQL string

	put  = bulk.Statement{Name: "flow_put", SQL: putSQL}
	drop = bulk.Statement{Name: "flow_drop", SQL: dropSQL}
)

// Statements are those that the columns of this package queue: they must be prepared on
// the connection that sends them. All may be repeated as they are.
func Statements() []bulk.Statement { return []bulk.Statement{put, drop, putRate, closeRate} }

// Columns are settings on their way to Postgres.
type Columns struct {
	tenant          bulk.Int8
	shard           bulk.Int4
	declared        bulk.Bool
	kind, name, key bulk.Text
	setting         bulk.Bytea

	dropped dropColumns
}

type dropColumns struct {
	tenant          bulk.Int8
	declared        bulk.Bool
	kind, name, key bulk.Text
}

// Add appends a setting, or that it is taken back; it must not come twice.
func (c *Columns) Add(shard int32, s *core.Setting) {
	if s.Dropped {
		c.dropped.tenant.Add(int64(s.Tenant))
		c.dropped.declared.Add(s.Declared)
		c.dropped.kind.Add(kinds[s.Kind])
		c.dropped.name.Add(s.Name)
		c.dropped.key.Add(s.Key)
		return
	}
	c.tenant.Add(int64(s.Tenant))
	c.shard.Add(shard)
	c.declared.Add(s.Declared)
	c.kind.Add(kinds[s.Kind])
	c.name.Add(s.Name)
	c.key.Add(s.Key)
	c.setting.Add(encode(s))
}

// Queue adds the statements to b, unless there are no settings, and empties the columns.
func (c *Columns) Queue(b *bulk.Batch) {
	d := &c.dropped
	queue(b, drop, d.name.Rows(), &d.tenant, &d.declared, &d.kind, &d.name, &d.key)
	queue(b, put, c.name.Rows(), &c.tenant, &c.shard, &c.declared, &c.kind, &c.name, &c.key, &c.setting)
}

func queue(b *bulk.Batch, s bulk.Statement, rows int, columns ...bulk.Column) {
	if rows == 0 {
		return
	}
	b.Add(s, columns...)
	for _, c := range columns {
		c.Reset()
	}
}

// kinds are the kinds of settings as they are stored.
var kinds = map[core.SettingKind]string{
	core.SettingQueue:    "queue",
	core.SettingLimit:    "limit",
	core.SettingRate:     "rate",
	core.SettingWorkflow: "workflow",
	core.SettingGrant:    "grant",
	core.SettingBatch:    "batch",
	core.SettingOnce:     "once",
	core.SettingAge:      "age",
	core.SettingLimitAge: "limit_age",
}

func encode(s *core.Setting) []byte {
	var value any
	switch s.Kind {
	case core.SettingLimit:
		value = &s.Limit
	case core.SettingRate:
		value = &s.Rate
	case core.SettingGrant:
		value = &s.Grant
	case core.SettingBatch:
		value = &s.Batch
	case core.SettingOnce:
		value = &s.Once
	case core.SettingAge, core.SettingLimitAge:
		value = &s.Age
	default:
		value = &s.Queue
	}
	encoded, err := json.Marshal(value)
	if err != nil { // it has numbers and texts only
		panic(err)
	}
	return encoded
}

// decode fills in s, whose kind has that name.
func decode(s *core.Setting, kind string, encoded []byte) error {
	for k, name := range kinds {
		if name == kind {
			s.Kind = k
		}
	}
	switch s.Kind {
	case core.SettingLimit:
		return json.Unmarshal(encoded, &s.Limit)
	case core.SettingRate:
		return json.Unmarshal(encoded, &s.Rate)
	case core.SettingGrant:
		return json.Unmarshal(encoded, &s.Grant)
	case core.SettingBatch:
		return json.Unmarshal(encoded, &s.Batch)
	case core.SettingOnce:
		return json.Unmarshal(encoded, &s.Once)
	case core.SettingAge, core.SettingLimitAge:
		return json.Unmarshal(encoded, &s.Age)
	default:
		return json.Unmarshal(encoded, &s.Queue)
	}
}

// OfShard reads the settings of all tenants of a shard: those for all keys of a thing
// before those for single ones.
func OfShard(ctx context.Context, db pg.DB, shard int32) ([]core.Setting, error) {
	rows, err := db.Query(ctx, ofShardSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read settings of shard %d: %w", shard, err)
	}
	settings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s core.Setting, err error) {
		var kind string
		var encoded []byte
		if err = row.Scan(&s.Tenant, &s.Declared, &kind, &s.Name, &s.Key, &encoded); err == nil {
			err = decode(&s, kind, encoded)
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read settings of shard %d: %w", shard, err)
	}
	return settings, nil
}

// Get reads how a key of a thing works as it was set, or fails with fault.NotFound.
func Get(ctx context.Context, db pg.DB, want core.SettingKey) (core.Setting, error) {
	s := core.Setting{Tenant: want.Tenant}
	var kind string
	var encoded []byte
	err := db.QueryRow(ctx, getSQL, want.Tenant, kinds[want.Kind], want.Name, want.Key).
		Scan(&s.Declared, &kind, &s.Name, &s.Key, &encoded)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, fault.New(fault.NotFound, "key", "nothing is set for %q", want.Key)
	}
	if err == nil {
		err = decode(&s, kind, encoded)
	}
	if err != nil {
		return s, fmt.Errorf("read setting of %s: %w", want.Name, err)
	}
	return s, nil
}

// OfTenant reads at most limit settings of a kind, by name, key and by whom, after one of
// them; of one name only, unless it is empty.
func OfTenant(ctx context.Context, db pg.DB, kind core.SettingKind, name string, after core.SettingKey, limit int) ([]core.Setting, error) {
	rows, err := db.Query(ctx, ofTenantSQL, after.Tenant, kinds[kind], name, after.Name, after.Key, after.Declared, limit)
	if err != nil {
		return nil, fmt.Errorf("list settings: %w", err)
	}
	settings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s core.Setting, err error) {
		var kind string
		var encoded []byte
		s.Tenant = after.Tenant
		if err = row.Scan(&s.Declared, &kind, &s.Name, &s.Key, &encoded); err == nil {
			err = decode(&s, kind, encoded)
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list settings: %w", err)
	}
	return settings, nil
}

// GrantsTo reads at most limit grants to a home, which lives in a shard, by tenant.
func GrantsTo(ctx context.Context, db pg.DB, shard int32, home id.ID, limit int) ([]core.Setting, error) {
	rows, err := db.Query(ctx, grantsToSQL, shard, core.GrantName(home), limit)
	if err != nil {
		return nil, fmt.Errorf("list grants to %s: %w", home, err)
	}
	settings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s core.Setting, err error) {
		var encoded []byte
		if err = row.Scan(&s.Tenant, &s.Name, &encoded); err == nil {
			err = decode(&s, kinds[core.SettingGrant], encoded)
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list grants to %s: %w", home, err)
	}
	return settings, nil
}
