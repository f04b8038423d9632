package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// What is cancelled with all it spawned is closed once more, while the children of its
// own end are being read.
func TestChildrenThatAreReadTwiceAreDoneWithOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	parent := r.ids.Next(int64(r.now))
	var asked Effects
	r.out = &asked
	r.closeChildren(Closing{Task: parent, Tenant: tenant, Reason: textParentEnded})
	r.closeChildren(Closing{Task: parent, Tenant: tenant, Reason: "changed my mind", Whole: true})
	require.Len(t, asked.Loads, 2)

	require.Equal(t, []id.ID{parent}, r.apply(&Loaded{Load: asked.Loads[0]}).ClosedChildren)
	require.Empty(t, r.apply(&Loaded{Load: asked.Loads[1]}).ClosedChildren)
}
