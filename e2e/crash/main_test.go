package crash_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/adzehq/adze/e2e/child"
)

var (
	seedFlag     = flag.Uint64("crash.seed", 0, "seed of the random schedules; 0 takes one from the clock")
	durationFlag = flag.Duration("crash.duration", 5*time.Second, "how long the faults of a random schedule go on")
)

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		runWorker()
		return
	}
	code := m.Run()
	child.Clean()
	os.Exit(code)
}
