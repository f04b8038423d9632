// Package crash kills, freezes and cuts off the real processes while work is under
// way, and looks at what is left. It owns the scenarios, their random schedules and
// the checkers that run after each. What it promises is in the names of its tests;
// `-crash.seed` repeats a schedule, `-crash.duration` makes each last longer.
package crash
