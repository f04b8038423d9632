package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// Figure is one measured number.
type Figure struct {
	Mode   string  `json:"mode"`
	Figure string  `json:"figure"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
}

// Report is the figures of a run, in the order they were measured.
type Report []Figure

func (r *Report) add(mode, figure, unit string, value float64) {
	*r = append(*r, Figure{mode, figure, unit, value})
}

// find is the figure of a mode.
func (r Report) find(mode, figure string) (float64, bool) {
	for _, f := range r {
		if f.Mode == mode && f.Figure == figure {
			return f.Value, true
		}
	}
	return 0, false
}

func (r Report) modes() (modes []string) {
	seen := map[string]bool{}
	for _, f := range r {
		if !seen[f.Mode] {
			seen[f.Mode] = true
			modes = append(modes, f.Mode)
		}
	}
	return modes
}

// column is a figure in the table, under a short head.
type column struct {
	head, figure string
	format       string
}

var columns = []column{
	{"keys", "keys", "%.0f"},
	{"queued", "queued", "%.0f"},
	{"tasks/s", "throughput", "%.0f"},
	{"of floor", "floor_ratio", "%.2f"},
	{"pg µs", "pg_cpu_us_per_task", "%.1f"},
	{"engine µs", "engine_cpu_us_per_task", "%.1f"},
	{"client µs", "client_cpu_us_per_task", "%.1f"},
	{"tx", "tx_per_task", "%.4f"},
	{"WAL B", "wal_bytes_per_task", "%.0f"},
	{"table B", "table_bytes_per_task", "%.0f"},
	{"RSS MB", "engine_rss_mb", "%.0f"},
	{"start ms p50", "submit_to_start_ms_p50", "%.2f"},
	{"p95", "submit_to_start_ms_p95", "%.2f"},
	{"p99", "submit_to_start_ms_p99", "%.2f"},
	{"result ms p50", "submit_to_result_ms_p50", "%.2f"},
	{"p95", "submit_to_result_ms_p95", "%.2f"},
	{"p99", "submit_to_result_ms_p99", "%.2f"},
	{"late ms p50", "wake_late_ms_p50", "%.2f"},
	{"p95", "wake_late_ms_p95", "%.2f"},
	{"p99", "wake_late_ms_p99", "%.2f"},
	{"dequeue ms p50", "dequeue_ms_p50", "%.2f"},
	{"p95", "dequeue_ms_p95", "%.2f"},
	{"p99", "dequeue_ms_p99", "%.2f"},
	{"µs/task", "us_per_task", "%.1f"},
	{"q/s", "queries_per_s", "%.2f"},
}

// WriteTable prints a row a mode. A figure that a mode does not have is a dot, and one
// that none has takes no column.
func (r Report) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		return !slices.ContainsFunc(r, func(f Figure) bool { return f.Figure == c.figure })
	})
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.head
	}
	fmt.Fprintf(table, "mode\t%s\t\n", strings.Join(heads, "\t"))
	for _, mode := range r.modes() {
		fmt.Fprintf(table, "%s\t", mode)
		for _, c := range columns {
			if value, ok := r.find(mode, c.figure); ok {
				fmt.Fprintf(table, c.format+"\t", value)
			} else {
				fmt.Fprint(table, "·\t")
			}
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return r.writeNotes(w)
}

// writeNotes prints the figures that have no column.
func (r Report) writeNotes(w io.Writer) error {
	shown := map[string]bool{"floor_throughput": true}
	for _, c := range columns {
		shown[c.figure] = true
	}
	for _, f := range r {
		if !shown[f.Figure] {
			if _, err := fmt.Fprintf(w, "%s: %s = %.3g %s\n", f.Mode, f.Figure, f.Value, f.Unit); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteJSON writes the figures to a file.
func (r Report) WriteJSON(path string) error {
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode figures: %w", err)
	}
	if err := os.WriteFile(path, append(encoded, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}

// ReadJSON reads the figures that WriteJSON wrote.
func ReadJSON(path string) (report Report, err error) {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	if err := json.Unmarshal(encoded, &report); err != nil {
		return nil, fmt.Errorf("read figures of %s: %w", path, err)
	}
	return report, nil
}
