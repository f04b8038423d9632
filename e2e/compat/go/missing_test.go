package compat_test

import "testing"

// What the engine's history of a task does not tell: each is a scenario that is not
// passed yet.

func TestAMovedDeadlineIsInTheHistory(t *testing.T) {
	t.Skip("the engine keeps no event TIMEOUT_REFRESHED: its history is worked out from attempts and results")
}

func TestAReleasedSlotIsInTheHistory(t *testing.T) {
	t.Skip("the engine keeps no event SLOT_RELEASED: its history is worked out from attempts and results")
}
