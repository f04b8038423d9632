// Package span keeps what the programs of runs measured.
//
// It owns the table span. It promises that a span which comes again changes nothing, and
// that one which names a run that its tenant does not have is nowhere.
package span

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed insert_many.sql
	insertManySQL string
	//go:embed list.sql
	listSQL string
)

// Span is a row.
type Span struct {
	Run        id.ID
	StartedNS  int64 // since the Unix epoch
	DurationNS int64
	RetryCount int32 // of the attempt, from 0
	Kind       int32 // as OTLP numbers them
	Status     int32 // likewise
	Trace      []byte
	ID         []byte
	Parent     []byte // nil: the root of its trace
	Name       string
	Service    string
	ScopeName  string
	ScopeVer   string
	Message    string // of the status
	Resource   []byte // attributes: JSON object of texts
	Attributes []byte // likewise
}

// Insert stores the spans of the tenant's runs, in one statement.
func Insert(ctx context.Context, db pg.DB, tenant id.ID, spans []Span) error {
	var c columns
	for i := range spans {
		c.add(&spans[i])
	}
	if _, err := db.Exec(ctx, insertManySQL, c.args(tenant)...); err != nil {
		return fmt.Errorf("insert %d spans: %w", len(spans), err)
	}
	return nil
}

// List reads spans of a run of the tenant, earliest first: at most limit, after the first
// offset.
func List(ctx context.Context, db pg.DB, tenant, run id.ID, offset, limit int) ([]Span, error) {
	rows, err := db.Query(ctx, listSQL, tenant, run, limit, offset)
	if err != nil {
		return nil, fmt.Errorf("list spans of run %s: %w", run, err)
	}
	spans, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Span])
	if err != nil {
		return nil, fmt.Errorf("list spans of run %s: %w", run, err)
	}
	return spans, nil
}

// columns are spans as the statement takes them.
type columns struct {
	runs, started, durations              []int64
	retries, kinds, statuses              []int32
	traces, ids, parents                  [][]byte
	names, services, scopes, versions, ms []string
	resources, attributes                 [][]byte
}

func (c *columns) add(s *Span) {
	c.runs, c.started, c.durations = append(c.runs, int64(s.Run)), append(c.started, s.StartedNS), append(c.durations, s.DurationNS)
	c.retries, c.kinds, c.statuses = append(c.retries, s.RetryCount), append(c.kinds, s.Kind), append(c.statuses, s.Status)
	c.traces, c.ids, c.parents = append(c.traces, s.Trace), append(c.ids, s.ID), append(c.parents, s.Parent)
	c.names, c.services = append(c.names, s.Name), append(c.services, s.Service)
	c.scopes, c.versions, c.ms = append(c.scopes, s.ScopeName), append(c.versions, s.ScopeVer), append(c.ms, s.Message)
	c.resources, c.attributes = append(c.resources, s.Resource), append(c.attributes, s.Attributes)
}

func (c *columns) args(tenant id.ID) []any {
	return []any{
		tenant, c.runs, c.started, c.durations, c.retries, c.kinds, c.statuses, c.traces, c.ids, c.parents,
		c.names, c.services, c.scopes, c.versions, c.ms, c.resources, c.attributes,
	}
}
