// Package id makes and reads Adze's 64-bit ids.
//
// An id is 41 bits of milliseconds since Epoch, 10 bits of shard and 12 bits of
// sequence. It is positive, ordered by time within a shard, and made by the
// shard's owner, so that a row needs no round trip for its key. It is primary
// key and partition key in one. The UUID that clients see embeds it.
package id

import (
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ID identifies a task, a run, a worker or a definition. Zero means "none".
type ID int64

const (
	// Epoch is the instant of millisecond zero: 2024-01-01T00:00:00Z. The 41
	// bits last until 2093.
	Epoch int64 = 1_704_067_200_000

	// ShardsMax is how many shards the ten bits can name.
	ShardsMax = 1 << shardBits

	shardBits = 10
	seqBits   = 12
	timeShift = shardBits + seqBits
	seqMask   = 1<<seqBits - 1
)

// First is the smallest id that can be made at t, in any shard. All ids made
// before t are smaller: it is the bound of a partition and of a list.
func First(t time.Time) ID {
	ms := t.UnixMilli() - Epoch
	if ms < 0 {
		return 0
	}
	return ID(ms << timeShift)
}

// Time is when the id was made, to the millisecond. Under a burst of more than
// 4,096 ids a millisecond it runs ahead of the clock by as much as needed.
func (i ID) Time() time.Time { return time.UnixMilli(i.UnixMilli()) }

// UnixMilli is Time in milliseconds since the Unix epoch.
func (i ID) UnixMilli() int64 { return int64(i)>>timeShift + Epoch }

// Shard is the shard whose owner made the id.
func (i ID) Shard() int32 { return int32(i >> seqBits & (ShardsMax - 1)) }

// UUID is the form shown to clients: version 8 (RFC 9562), the id in its first
// 64 free bits and a check of it in the other 58, so that the id can be read
// back and a stranger's UUID is told apart without a query.
func (i ID) UUID() uuid.UUID {
	hi := uint64(i)
	check := Mix(hi) >> 6 // 58 bits
	var u uuid.UUID
	putUint64(u[0:8], hi>>16<<16|8<<12|hi>>4&0xfff)
	putUint64(u[8:16], 0b10<<62|(hi&0xf)<<58|check)
	return u
}

// String is the UUID in its usual notation.
func (i ID) String() string { return i.UUID().String() }

// ErrNotOurs says that a text is no id of Adze's: not a UUID, or one that was
// not made here.
var ErrNotOurs = errors.New("not an Adze id")

// FromUUID reads the id back, or fails with ErrNotOurs.
func FromUUID(u uuid.UUID) (ID, error) {
	a, b := getUint64(u[0:8]), getUint64(u[8:16])
	i := ID(a>>16<<16 | (a&0xfff)<<4 | b>>58&0xf)
	if i <= 0 || i.UUID() != u {
		return 0, ErrNotOurs
	}
	return i, nil
}

// Parse reads an id from the text of its UUID, or fails with ErrNotOurs.
func Parse(s string) (ID, error) {
	u, err := uuid.Parse(s)
	if err != nil {
		return 0, ErrNotOurs
	}
	return FromUUID(u)
}

// Source makes the ids of one shard. It is safe for concurrent use.
type Source struct {
	shard ID

	mu   sync.Mutex
	last ID
}

// NewSource makes ids for shard that are larger than floor, so that a new owner
// whose clock is behind never repeats an id of the one before.
func NewSource(shard int32, floor ID) *Source {
	return &Source{shard: ID(shard) << seqBits, last: floor}
}

// Next is the next id at now, in milliseconds since the Unix epoch. Ids only
// grow: when the clock stands still or goes back, they go on from the last one.
func (s *Source) Next(nowMS int64) ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := ID((nowMS-Epoch)<<timeShift) | s.shard
	if next <= s.last {
		next = s.after(s.last)
	}
	s.last = next
	return next
}

// Block is the first of n consecutive ids at now, n at most 4,096: they are made in
// the same millisecond.
func (s *Source) Block(nowMS int64, n int) ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := ID((nowMS-Epoch)<<timeShift) | s.shard
	if first <= s.last {
		first = s.after(s.last)
	}
	if int(first&seqMask)+n > seqMask+1 {
		first = (first>>timeShift+1)<<timeShift | s.shard
	}
	s.last = first + ID(n) - 1
	return first
}

// after is the smallest id of this shard above i: the next sequence number, or
// the first of the next millisecond when the 12 bits are used up.
func (s *Source) after(i ID) ID {
	ms, seq := i>>timeShift, i&seqMask
	if i>>seqBits&(ShardsMax-1) != s.shard>>seqBits || seq == seqMask {
		return (ms+1)<<timeShift | s.shard
	}
	return ms<<timeShift | s.shard | (seq + 1)
}

// Mix is the finaliser of splitmix64: each bit of the result hangs on all of x.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func putUint64(b []byte, v uint64) {
	for i := range b {
		b[i] = byte(v >> (56 - 8*i))
	}
}

func getUint64(b []byte) (v uint64) {
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}
