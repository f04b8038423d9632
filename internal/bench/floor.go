package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/id"
)

// floorBatch is how many tasks the bare program writes in one transaction.
const floorBatch = 1_000

const (
	floorTasks = `
insert into adze.task (id, tenant_id, version_id, run_at, priority, key, input)
select id, 1, 1, 0, 0, '', input from unnest($1::bigint[], $2::bytea[]) as new (id, input)`
	floorResults = `
insert into adze.task_result (id, tenant_id, worker_id, assigned_at, started_at, finished_at, attempt, status, output)
select id, 1, 1, 1, 1, 1, 1, 'succeeded', output from unnest($1::bigint[], $2::bytea[]) as new (id, output)`
)

// floor is how fast a bare program writes the rows of a task: two inserts each, in
// large batches one after the other, and nothing else.
func floor(ctx context.Context, db *pgxpool.Pool, last time.Duration) (perSecond float64, err error) {
	ids := id.NewSource(0, 0)
	keys := make([]int64, floorBatch)
	payloads := make([][]byte, floorBatch)
	begin, n := time.Now(), 0
	for ; time.Since(begin) < last; n += floorBatch {
		now := time.Now().UnixMilli()
		for i := range keys {
			keys[i], payloads[i] = int64(ids.Next(now)), []byte(`{"sent":1700000000000000000}`)
		}
		for _, statement := range []string{floorTasks, floorResults} {
			if _, err := db.Exec(ctx, statement, keys, payloads); err != nil {
				return 0, fmt.Errorf("write floor rows: %w", err)
			}
		}
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}
