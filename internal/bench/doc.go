// Package bench measures Adze: how fast, at what cost, and against a floor.
//
// It owns the modes of `adze bench`, each a workload on a fresh database with an
// engine of its own. It promises that every figure was measured in the run that
// prints it: the floor, the same rows written by a bare pgx program, is measured
// beside the modes, so that a figure also stands as a ratio, which the noise of a
// shared machine does not spoil.
package bench
