package fault

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFieldNamesThePlaceInTheList(t *testing.T) {
	t.Parallel()
	err := At("runs[3]", New(Invalid, "input", "not JSON"))
	require.EqualError(t, err, "runs[3].input: not JSON")
	require.EqualError(t, At("runs[3]", New(NotFound, "", "gone")), "runs[3]: gone")
	plain := errors.New("plain")
	require.Equal(t, plain, At("runs[3]", plain))
}

func TestKindIsFoundThroughWraps(t *testing.T) {
	t.Parallel()
	require.Equal(t, Conflict, KindOf(fmt.Errorf("put workflow: %w", New(Conflict, "", "clash"))))
	require.Equal(t, Internal, KindOf(errors.New("plain")))
}

func TestKindNamesGoBothWays(t *testing.T) {
	t.Parallel()
	for k := Internal; k <= Unimplemented; k++ {
		require.Equal(t, k, Parse(k.String()))
	}
	require.Equal(t, Internal, Parse("nonsense"))
	require.Equal(t, "internal", Kind(200).String())
}
