package history

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed failed_window.sql
	failedWindowSQL string
	//go:embed failed.sql
	failedSQL string
	//go:embed failed_names.sql
	failedNamesSQL string
	//go:embed failed_texts.sql
	failedTextsSQL string
)

const (
	// FailureGroupsMax is how many groups a page has at most.
	FailureGroupsMax = 1_000

	// FailureTextMax is how many characters of a group's error are told.
	FailureTextMax = 1_024

	// failuresMax is how many failures are looked at for one page: less than 100 ms.
	failuresMax = 5_000
)

// FailureFilter chooses failures. Its zero value chooses all.
type FailureFilter struct {
	Workflow    string    // "" = all
	Task        string    // its name in the workflow; "" = all
	Fingerprint int64     // 0 = all
	Since       core.Time // of runs submitted at or after; 0 = ever
	Until       core.Time // submitted before; 0 = ever
	Before      id.ID     // Next of the page before; 0 = from the newest
}

// Failure is a task that failed, of a run that has.
type Failure struct {
	ID          id.ID // of the task
	Run         id.ID // the same for a run of one task
	Finished    core.Time
	Fingerprint int64
	Workflow    string
	Task        string

	version id.ID
	node    int32
}

// FailureGroup is runs of a workflow that failed in the same task for the same reason, as
// far as its text tells (base/fingerprint).
type FailureGroup struct {
	Workflow    string
	Task        string
	Fingerprint int64
	Runs        int64
	First, Last core.Time // when runs of them failed
	Sample      Failure   // the newest run of them
	Text        string    // its error, or the beginning of it
}

// FailurePage is some failures in groups, those with the newest runs first.
type FailurePage struct {
	Groups []FailureGroup
	// Next is FailureFilter.Before of the next page; 0 = no more. It may have more runs of
	// the same groups; a page with a Next may be empty.
	Next id.ID
}

// Failures reads a page of the tenant's failures.
func Failures(ctx context.Context, db pg.DB, tenant id.ID, f FailureFilter) (FailurePage, error) {
	found, next, err := failures(ctx, db, tenant, f)
	if err != nil {
		return FailurePage{}, fmt.Errorf("list failures: %w", err)
	}
	groups, grouped := GroupFailures(found)
	if grouped < len(found) {
		next = found[grouped-1].ID
	}
	if err := addTexts(ctx, db, groups); err != nil {
		return FailurePage{}, fmt.Errorf("list failures: %w", err)
	}
	return FailurePage{groups, next}, nil
}

// GroupFailures puts failures, newest first, into groups without texts. It tells how many
// it has put there: not all, if there would be more than FailureGroupsMax groups.
func GroupFailures(list []Failure) (groups []FailureGroup, grouped int) {
	type key struct {
		workflow, task string
		fingerprint    int64
	}
	at := map[key]int{}
	for i := range list {
		f := &list[i]
		place, known := at[key{f.Workflow, f.Task, f.Fingerprint}]
		if !known {
			if place = len(groups); place == FailureGroupsMax {
				return groups, i
			}
			at[key{f.Workflow, f.Task, f.Fingerprint}] = place
			groups = append(groups, FailureGroup{
				Workflow: f.Workflow, Task: f.Task, Fingerprint: f.Fingerprint, Sample: *f, First: f.Finished, Last: f.Finished,
			})
		}
		g := &groups[place]
		g.Runs++
		g.First, g.Last = min(g.First, f.Finished), max(g.Last, f.Finished)
	}
	return groups, len(list)
}

// Failed reads which runs of the tenant have failed so, newest first, each once: at most
// limit, and where to go on, as of FailurePage.
func Failed(ctx context.Context, db pg.DB, tenant id.ID, f FailureFilter, limit int) (runs []id.ID, next id.ID, err error) {
	found, next, err := failures(ctx, db, tenant, f)
	if err != nil {
		return nil, 0, fmt.Errorf("read failed runs: %w", err)
	}
	runs, cut := FailedRuns(found, limit)
	if len(runs) > 0 && (cut || next != 0) {
		// The rest of the last run's failures come next, and are of no more interest.
		last := runs[len(runs)-1]
		if cut || next > last {
			next = last
		}
	}
	return runs, next, nil
}

// FailedRuns are the runs of failures, newest first, each once; cut if there are more than
// limit.
func FailedRuns(list []Failure, limit int) (runs []id.ID, cut bool) {
	for i := range list {
		run := list[i].Run
		if n := len(runs); n > 0 && runs[n-1] == run { // failures of a run lie together
			continue
		}
		if len(runs) == limit {
			return runs, true
		}
		runs = append(runs, run)
	}
	return runs, false
}

// failures reads those of the next window, newest first, and where the one after begins.
func failures(ctx context.Context, db pg.DB, tenant id.ID, f FailureFilter) (found []Failure, next id.ID, err error) {
	from, below := (&Filter{Since: f.Since, Until: f.Until, Before: f.Before}).bounds()
	var lowest id.ID
	var inWindow int
	err = db.QueryRow(ctx, failedWindowSQL, tenant, below, from, failuresMax).Scan(&lowest, &inWindow)
	if err != nil || inWindow == 0 {
		return nil, 0, err
	}
	if inWindow == failuresMax {
		next = lowest
	}
	rows, err := db.Query(ctx, failedSQL, tenant, below, lowest, f.Workflow, f.Fingerprint, failuresMax)
	if err != nil {
		return nil, 0, err
	}
	if found, err = pgx.CollectRows(rows, scanFailure); err != nil {
		return nil, 0, err
	}
	found, err = named(ctx, db, found, f.Task)
	return found, next, err
}

func scanFailure(row pgx.CollectableRow) (f Failure, err error) {
	err = row.Scan(&f.ID, &f.Run, &f.version, &f.Fingerprint, &f.Finished, &f.node)
	return f, err
}

// named adds the names of tasks and workflows, and leaves out all but those of the task,
// unless that is empty.
func named(ctx context.Context, db pg.DB, list []Failure, task string) ([]Failure, error) {
	type place struct {
		version id.ID
		node    int32
	}
	type names struct{ workflow, task string }
	known := map[place]names{}
	var versions []id.ID
	var nodes []int32
	for i := range list {
		at := place{list[i].version, list[i].node}
		if _, asked := known[at]; !asked {
			known[at] = names{}
			versions, nodes = append(versions, at.version), append(nodes, at.node)
		}
	}
	rows, err := db.Query(ctx, failedNamesSQL, versions, nodes)
	if err != nil {
		return nil, err
	}
	var n names
	next := 0
	_, err = pgx.ForEachRow(rows, []any{&n.workflow, &n.task}, func() error {
		known[place{versions[next], nodes[next]}] = n
		next++
		return nil
	})
	kept := list[:0]
	for _, f := range list {
		n := known[place{f.version, f.node}]
		if f.Workflow, f.Task = n.workflow, n.task; task == "" || f.Task == task {
			kept = append(kept, f)
		}
	}
	return kept, err
}

// addTexts reads the errors of the samples.
func addTexts(ctx context.Context, db pg.DB, groups []FailureGroup) error {
	ids := make([]id.ID, len(groups))
	at := make(map[id.ID]*FailureGroup, len(groups))
	for i := range groups {
		ids[i] = groups[i].Sample.ID
		at[ids[i]] = &groups[i]
	}
	rows, err := db.Query(ctx, failedTextsSQL, ids, FailureTextMax)
	if err != nil {
		return err
	}
	var task id.ID
	var text string
	_, err = pgx.ForEachRow(rows, []any{&task, &text}, func() error {
		at[task].Text = text
		return nil
	})
	return err
}
