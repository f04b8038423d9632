// Package sim runs the core through histories drawn from a seed: random work
// and graphs of it, failing workers, a store that lags and crashes at any point. It owns a
// reference model of the rules and a checker for each promise, and no rule of
// the engine itself. It promises that a seed replays exactly: a failure names
// the seed, the checker and the last steps.
//
// One step hands one input to the core, and the effects to everything that
// judges them:
//
//	history (what happens next) ──► core ──► effects ──► model + checkers
//	    ▲                                       │
//	    └── worker, store ◄── commit, late ─────┘
package sim
