package child

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// built is the directory of the binary; "" before Build.
var built string

// Build makes the adze binary, once, with the race detector if the test has it, and
// returns its path.
var Build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "adze-e2e-")
	if err != nil {
		return "", fmt.Errorf("build adze: %w", err)
	}
	built = dir
	path := filepath.Join(dir, "adze")
	args := append([]string{"build", "-o", path}, buildFlags...)
	out, err := exec.Command("go", append(args, "github.com/adzehq/adze/cmd/adze")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build adze: %w\n%s", err, out)
	}
	return path, nil
})

// Clean removes what Build made. Call it at the end of TestMain.
func Clean() { _ = os.RemoveAll(built) }
