// Package journal writes the effects of all shards of this process to Postgres,
// one transaction at a time.
//
// Natural batching: what is there when a flush begins is one batch, what arrives
// during it is the next; there is no timer. It promises that entries are committed
// in the order of Append, each whole or not at all, each once, and only while its
// shard's lease still has the entry's epoch.
package journal

import (
	"errors"

	"github.com/adzehq/adze/internal/core"
)

// Entry is the effects of one pass of a shard's loop.
type Entry struct {
	Shard   int32
	Epoch   int64
	Effects *core.Effects // read until Done is called, then the owner's again
	// Done is called once: with nil after the commit, in the order of Append; with
	// ErrFenced when the shard is no longer owned with Epoch; with the context's
	// error when the journal stops first. It must not block.
	Done func(error)
}

// ErrFenced says that the shard has another owner: nothing of the entry, nor of any
// later one of that shard and epoch, was or will be written.
var ErrFenced = errors.New("journal: shard has another owner")
