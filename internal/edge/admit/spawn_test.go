package admit

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/shard"
)

// nursery takes all children.
type nursery struct{}

func (nursery) Spawn(_ context.Context, _ id.ID, _ shard.Parent, children []shard.NewRun, _ shard.Wait) ([]shard.Submitted, error) {
	return make([]shard.Submitted, len(children)), nil
}

func TestAChildIsKnownByAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, refusal string }{
		"plain":     {"order-7", ""},
		"largest":   {strings.Repeat("k", ChildKeyBytesMax), ""},
		"too large": {strings.Repeat("k", ChildKeyBytesMax+1), "runs[0].key"},
		"none":      {"", "runs[0].key"},
		"of a log":  {"#5.0", "runs[0].key"},
		"with NUL":  {"k\x00", "runs[0].key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			children := []shard.NewRun{{Workflow: "w", Key: c.key}}
			_, err := Limits{}.Spawn(t.Context(), nursery{}, 1, shard.Parent{Task: 2}, children, shard.NoWait)
			if c.refusal == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.refusal)
		})
	}
}
