// Package core is the mind of one shard: a deterministic state machine that
// decides everything about the tasks of the tenants that live there.
//
// It takes inputs and the time, and gives effects. It does no I/O, reads no
// clock, starts no goroutine and draws no random number: the same inputs at the
// same times give the same effects, byte for byte. It owns which task is ready,
// who runs it, when a timer is due and what a report means; it promises that an
// attempt has at most one outcome and a task at most one result.
//
// It holds metadata only: payload bytes pass through from an input to an effect
// and are never kept. Its memory is bounded: what does not fit the window of a
// lane stays in Postgres (see lane.go) and is asked for when it is needed.
package core
