package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheChartShowsEachSeriesThatWasMeasured(t *testing.T) {
	t.Parallel()
	var r Report
	for i, queued := range []int{1_000_000, 10_000, 100_000} {
		p := point{classicKeys, queued}
		r.at(p, "classic-fair")
		r.add(p.mode("classic-fair"), "us_per_task", "µs", []float64{2243, 41.3, 216}[i])
	}
	path := filepath.Join(t.TempDir(), "chart.svg")
	require.NoError(t, r.WriteChart(path))
	drawn, err := os.ReadFile(path)
	require.NoError(t, err)
	wellFormed(t, string(drawn))
	require.Contains(t, string(drawn), "SQL, window function: 2,200 µs")
	require.Contains(t, string(drawn), ">1,000,000</text>")
	require.NotContains(t, string(drawn), "no fairness")
	require.Contains(t, string(drawn), `points="70.0,`, "the line begins at the least depth")
}

func TestAChartOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, Report{}.WriteChart(filepath.Join(t.TempDir(), "chart.svg")), "keys and classic")
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}
