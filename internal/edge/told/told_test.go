package told_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/told"
)

func TestOnlyWhatIsForUsersIsToldAndTheRestIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))

	own := fault.New(fault.Invalid, "name", "is empty")
	require.Equal(t, own, told.Of(logger, fmt.Errorf("read: %w", own)))
	require.Empty(t, log.String())

	secret := errors.New("row 7 is torn")
	for _, err := range []error{secret, fault.New(fault.Internal, "", "row 7 is torn")} {
		log.Reset()
		e := told.Of(logger, err)
		require.Equal(t, fault.Internal, e.Kind)
		require.NotContains(t, e.Error(), "torn")
		require.Contains(t, log.String(), "torn")
	}
}
