// Package view shows runs as the Hatchet wire does, to its gRPC and its REST API alike.
//
// It owns the ids, statuses and texts of that wire: a run goes by the id of the first of
// its replays and stands for the newest, a run of one task is its task, what waited too
// long for a worker was cancelled. It reads what is committed, then asks the shard for what is
// open. It promises one answer to one question, whichever API asks.
package view
