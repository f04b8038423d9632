package path_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/e2e/child"
)

// benchWaitMax bounds eight modes, each with an engine of its own, on a busy machine.
const benchWaitMax = 5 * time.Minute

// TestBenchWritesItsFigures keeps the benchmark from rotting. It says nothing of how
// fast anything is: a machine that is busy with tests cannot tell.
func TestBenchWritesItsFigures(t *testing.T) {
	t.Parallel()
	binary, err := child.Build()
	require.NoError(t, err)
	s := &shell{t: t, binary: binary, dir: t.TempDir(), patience: benchWaitMax}
	path := filepath.Join(s.dir, "figures.json")
	s.ok("bench", "--quick", "--mode", "plain,latency,graph,fanout,steps,sleepers,classic,limits", "--json", path)

	written, err := os.ReadFile(path)
	require.NoError(t, err)
	var figures []struct {
		Mode, Figure, Unit string
		Value              float64
	}
	require.NoError(t, json.Unmarshal(written, &figures))
	units := map[string]string{}
	for _, f := range figures {
		units[f.Mode+" "+f.Figure] = f.Unit
		if f.Figure != "tx_per_task" { // it may round to nothing
			require.Positive(t, f.Value, "%s %s", f.Mode, f.Figure)
		}
	}
	for figure, unit := range map[string]string{
		"plain throughput": "tasks/s", "plain floor_throughput": "tasks/s", "plain floor_ratio": "ratio",
		"plain pg_cpu_us_per_task": "µs", "plain tx_per_task": "transactions", "plain wal_bytes_per_task": "bytes",
		"plain table_bytes_per_task": "bytes", "plain engine_cpu_us_per_task": "µs", "plain engine_rss_mb": "MB",
		"latency submit_to_start_ms_p50": "ms", "latency submit_to_start_ms_p99": "ms",
		"latency submit_to_result_ms_p50": "ms", "latency submit_to_result_ms_p95": "ms",
		"graph submit_to_result_ms_p50": "ms", "graph graphs_per_s": "graphs/s",
		"fanout children_per_s": "children/s", "steps us_per_step": "µs", "steps tx_per_task": "transactions",
		"classic-fair-1000-of-16000 us_per_task": "µs", "classic-plain-1000-of-1000 dequeue_ms_p99": "ms",
		"limits without_ratio": "ratio", "limits-without throughput": "tasks/s",
		"sleepers asleep_per_s": "tasks/s", "sleepers-many wake_late_ms_p99": "ms", "sleepers-many engine_rss_mb": "MB",
	} {
		require.Equal(t, unit, units[figure], figure)
	}
}
