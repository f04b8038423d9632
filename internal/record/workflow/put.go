// Package workflow keeps definitions: a row per workflow and one per version of it.
//
// It owns the tables workflow and workflow_version. It promises that equal bytes
// are the same version for ever, however many workers register them at once.
package workflow

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed insert_workflows.sql
	insertWorkflowsSQL string
	//go:embed lock_workflows.sql
	lockWorkflowsSQL string
	//go:embed known.sql
	knownSQL string
	//go:embed insert_version.sql
	insertVersionSQL string
	//go:embed set_current.sql
	setCurrentSQL string
)

// Definition is a workflow to be registered.
type Definition struct {
	Name string
	JSON []byte // equal bytes are the same version
}

// Put is what came of a Definition.
type Put struct {
	Workflow id.ID
	Version  id.ID
	Changed  bool // false: it was the current version already
}

// Beginner is a database that can be asked at once and in a transaction.
type Beginner interface {
	pg.DB
	pg.Beginner
}

// PutMany registers definitions of a tenant, all or none, and answers in order.
// New rows take their ids from next, and their time from the id.
func PutMany(ctx context.Context, db Beginner, tenant id.ID, definitions []Definition, next func() id.ID) ([]Put, error) {
	r := newRegistration(tenant, definitions, next)
	// The common case is a worker that says what all others said before it: it
	// must neither wait for them nor write.
	if err := r.readKnown(ctx, db); err != nil {
		return nil, err
	}
	if puts, current := r.unchanged(); current {
		return puts, nil
	}
	var puts []Put
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := r.lock(ctx, tx); err != nil {
			return err
		}
		if err := r.readKnown(ctx, tx); err != nil {
			return err
		}
		var err error
		puts, err = r.write(ctx, tx)
		return err
	})
	return puts, err
}

// registration is one call of PutMany.
type registration struct {
	tenant      id.ID
	definitions []Definition
	digests     [][]byte // of the definitions, in their order
	names       []string // sorted, each once: the order of all locks
	next        func() id.ID

	workflows map[string]*row  // by name
	versions  map[string]id.ID // by name and digest
}

type row struct{ id, current id.ID }

func newRegistration(tenant id.ID, definitions []Definition, next func() id.ID) *registration {
	r := &registration{tenant: tenant, definitions: definitions, next: next}
	for _, d := range definitions {
		digest := sha256.Sum256(d.JSON)
		r.digests = append(r.digests, digest[:])
		r.names = append(r.names, d.Name)
	}
	slices.Sort(r.names)
	r.names = slices.Compact(r.names)
	r.forget()
	return r
}

func (r *registration) forget() {
	r.workflows, r.versions = map[string]*row{}, map[string]id.ID{}
}

func versionKey(name string, digest []byte) string { return name + "\x00" + string(digest) }

// readKnown reads the versions that are registered already.
func (r *registration) readKnown(ctx context.Context, db pg.DB) error {
	rows, err := db.Query(ctx, knownSQL, r.tenant, r.names, r.digests)
	if err != nil {
		return fmt.Errorf("read versions of %d workflows: %w", len(r.names), err)
	}
	var (
		name    string
		w       row
		version id.ID
		digest  []byte
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &w.id, &w.current, &version, &digest}, func() error {
		r.workflows[name] = &row{w.id, w.current}
		r.versions[versionKey(name, digest)] = version
		return nil
	})
	if err != nil {
		return fmt.Errorf("read versions of %d workflows: %w", len(r.names), err)
	}
	return nil
}

// unchanged answers without writing, if each definition is the current version.
func (r *registration) unchanged() ([]Put, bool) {
	puts := make([]Put, len(r.definitions))
	for i, d := range r.definitions {
		version, known := r.versions[versionKey(d.Name, r.digests[i])]
		if !known || r.workflows[d.Name].current != version {
			return nil, false
		}
		puts[i] = Put{Workflow: r.workflows[d.Name].id, Version: version}
	}
	return puts, true
}

// lock makes sure that the workflows exist and locks them; what was read before
// is forgotten.
func (r *registration) lock(ctx context.Context, tx pgx.Tx) error {
	ids := make([]id.ID, len(r.names))
	for i := range ids {
		ids[i] = r.next()
	}
	if _, err := tx.Exec(ctx, insertWorkflowsSQL, r.tenant, ids, r.names); err != nil {
		return fmt.Errorf("insert %d workflows: %w", len(r.names), err)
	}
	rows, err := tx.Query(ctx, lockWorkflowsSQL, r.tenant, r.names)
	if err != nil {
		return fmt.Errorf("lock %d workflows: %w", len(r.names), err)
	}
	r.forget()
	var (
		name string
		w    row
	)
	_, err = pgx.ForEachRow(rows, []any{&w.id, &name, &w.current}, func() error {
		r.workflows[name] = &row{w.id, w.current}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lock %d workflows: %w", len(r.names), err)
	}
	return nil
}

// write makes each definition the current version of its workflow.
func (r *registration) write(ctx context.Context, tx pgx.Tx) ([]Put, error) {
	puts := make([]Put, len(r.definitions))
	for i, d := range r.definitions {
		w := r.workflows[d.Name]
		version, err := r.version(ctx, tx, w.id, i)
		if err != nil {
			return nil, err
		}
		puts[i] = Put{Workflow: w.id, Version: version, Changed: w.current != version}
		if !puts[i].Changed {
			continue
		}
		if _, err := tx.Exec(ctx, setCurrentSQL, w.id, version); err != nil {
			return nil, fmt.Errorf("set current version of %s: %w", d.Name, err)
		}
		w.current = version
	}
	return puts, nil
}

// version finds the version of definition i, or writes it.
func (r *registration) version(ctx context.Context, tx pgx.Tx, workflow id.ID, i int) (id.ID, error) {
	d := r.definitions[i]
	key := versionKey(d.Name, r.digests[i])
	if version, known := r.versions[key]; known {
		return version, nil
	}
	version := r.next()
	_, err := tx.Exec(ctx, insertVersionSQL,
		version, workflow, r.tenant, version.Time(), r.digests[i], d.JSON)
	if err != nil {
		return 0, fmt.Errorf("insert version of %s: %w", d.Name, err)
	}
	r.versions[key] = version
	return version, nil
}
