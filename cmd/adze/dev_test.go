package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What dev prints is pasted into shells: the path of the token may have anything in it.
func TestShellReadsTheTokenWhereverItIs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "two words", "it's", `"$HOME"`, "a`b`", "-n"} {
		folder := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.Mkdir(folder, 0o700))
		path := filepath.Join(folder, "token")
		require.NoError(t, os.WriteFile(path, []byte("secret\n"), 0o600))
		said, err := exec.CommandContext(t.Context(), "sh", "-c", `printf %s "$(cat `+shellQuoted(path)+`)"`).Output()
		require.NoError(t, err, name)
		require.Equal(t, "secret", string(said), name)
	}
}
