package lease

import (
	_ "embed"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/adzehq/adze/internal/base/bulk"
)

//go:embed fence.sql
var fenceSQL string

var fence = bulk.Statement{Name: "lease_fence", SQL: fenceSQL}

// Statements are those that Fence queues: they must be prepared on the
// connection that sends them.
func Statements() []bulk.Statement { return []bulk.Statement{fence} }

// Fence are the shards that a transaction writes for, with the epochs it holds
// them by.
type Fence struct {
	shard bulk.Int4
	epoch bulk.Int8
}

// Add appends a shard. Shards come in ascending order, in all transactions: two
// that share shards must lock them alike.
func (f *Fence) Add(shard int32, epoch int64) {
	f.shard.Add(shard)
	f.epoch.Add(epoch)
}

// Queue adds the check to b, before anything that it guards, and empties the fence.
func (f *Fence) Queue(b *bulk.Batch) {
	b.Add(fence, &f.shard, &f.epoch)
	f.shard.Reset()
	f.epoch.Reset()
}

// fencedCode is what adze.fence raises.
const fencedCode = "ADZ01"

// FencedShard says which shard made a transaction fail because it is no longer
// owned with the expected epoch; ok is false for any other error.
func FencedShard(err error) (shard int32, ok bool) {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != fencedCode {
		return 0, false
	}
	n, err := strconv.ParseInt(refused.Detail, 10, 32)
	return int32(n), err == nil
}
