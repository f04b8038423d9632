// Package shard runs the core: one loop per owned shard takes inputs, stamps the
// time, feeds the state machine, hands its effects to the journal and tells the
// world after the commit.
//
// It owns the shard's ids, its sessions with workers, its waiters and its payload
// cache. It promises that nothing the core decided is told to anyone before it is
// committed, and that a lost lease stops the loop.
package shard
