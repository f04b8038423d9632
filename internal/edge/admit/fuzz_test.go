package admit_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func storableText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// FuzzRun: what is admitted is JSON that decodes without a NUL in any string.
func FuzzRun(f *testing.F) {
	f.Add("w", []byte(`{"a":["\\u0000"]}`), []byte(`{}`))
	f.Add("w", []byte(`"\\\u0000"`), []byte(` {"k":1}`))
	f.Add("", []byte{}, []byte("null"))
	f.Fuzz(func(t *testing.T, name string, input, metadata []byte) {
		run := shard.NewRun{Workflow: name, Input: input, Metadata: metadata}
		if err := (admit.Limits{}).Run(&run); err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("refused with another kind: %v", err)
			}
			return
		}
		var v any
		if err := json.Unmarshal(run.Input, &v); err != nil {
			t.Fatalf("admitted %q: %v", run.Input, err)
		}
		if hasNUL(v) {
			t.Fatalf("admitted a NUL in %q", run.Input)
		}
		if run.Metadata != nil {
			var object map[string]any
			if err := json.Unmarshal(run.Metadata, &object); err != nil {
				t.Fatalf("admitted metadata %q: %v", run.Metadata, err)
			}
		}
	})
}

func hasNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.IndexByte(v, 0) >= 0
	case []any:
		for _, item := range v {
			if hasNUL(item) {
				return true
			}
		}
	case map[string]any:
		for key, item := range v {
			if hasNUL(key) || hasNUL(item) {
				return true
			}
		}
	}
	return false
}

// FuzzReport: whatever a worker says of an error can be stored as text.
func FuzzReport(f *testing.F) {
	f.Add("a\x00\xff", []byte(`"\u0000"`))
	f.Add(strings.Repeat("ä", 40_000), []byte("1"))
	f.Fuzz(func(t *testing.T, text string, output []byte) {
		for _, item := range []core.ReportItem{
			{Kind: core.ReportFailed, Error: text},
			{Kind: core.ReportCompleted, Output: output},
		} {
			if err := (admit.Limits{}).Report(&item, nil); err != nil {
				t.Fatal(err)
			}
			if !storableText(item.Error) || len(item.Error) > admit.ReportErrorBytesMax {
				t.Fatalf("not storable: %q", item.Error)
			}
			if item.Kind == core.ReportCompleted && !json.Valid(item.Output) {
				t.Fatalf("admitted output %q", item.Output)
			}
		}
	})
}
