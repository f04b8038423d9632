package admit

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Hello checks how a worker introduces itself.
func Hello(h *shard.Hello) error {
	if err := text("name", h.Name, LabelBytesMax); err != nil {
		return err
	}
	if err := text("sdk", h.SDK, LabelBytesMax); err != nil {
		return err
	}
	if err := Count("actions", len(h.Actions), ActionsMax); err != nil {
		return err
	}
	for i, action := range h.Actions {
		if err := name(fmt.Sprintf("actions[%d]", i), action); err != nil {
			return err
		}
	}
	if len(h.Running) > SlotsMax {
		return invalid("running", "has %d entries, at most %s run on one worker", len(h.Running), thousands(SlotsMax))
	}
	if err := Labels(h.Labels); err != nil {
		return err
	}
	if err := types(h.Types); err != nil {
		return err
	}
	// One that comes back may be draining: it has no slots for anything new.
	least := int64(1)
	if h.Worker != 0 {
		least = 0
	}
	return between("slots", int64(h.Slots), least, SlotsMax)
}

// Slots checks the new number of a worker's slots; 0 drains it.
func Slots(slots int32) error { return between("slots", int64(slots), 0, SlotsMax) }

// Refresh checks by how much an attempt's deadline is to move.
func Refresh(byMS int64) error { return between("by_ms", byMS, 1, DurationMSMax) }

// Report checks what a worker says of an attempt and makes it fit to be stored; spawn
// is what an entry spawns.
//
// An output or entry that cannot be stored fails the attempt for good: the task's code
// would bring it again, and to refuse the report would only bring it back. What
// is no report at all is an error.
func (l Limits) Report(item *core.ReportItem, spawn []shard.NewRun) error {
	switch item.Kind {
	case core.ReportStarted, core.ReportSuspended, core.ReportReleased:
		return nil
	case core.ReportCompleted:
		output, err := payload("output", item.Output, l.outputBytesMax())
		item.Output = output
		if err != nil {
			failForGood(item, err.Error())
		}
		return nil
	case core.ReportFailed:
		item.Error = fit(item.Error, ReportErrorBytesMax)
		item.Output = nil
		return duration("retry_after_ms", item.RetryAfterMS)
	case core.ReportEntry:
		if item.Entry == nil {
			return invalid("entry", "is missing")
		}
		if err := l.Entry(item.Entry, spawn); err != nil {
			failForGood(item, fmt.Sprintf("%s %q: %s", item.Entry.Kind, fit(item.Entry.Name, EntryNameBytesMax), err))
		}
		return nil
	default:
		return invalid("kind", "is unknown; say started, completed, failed, entry, suspended or released")
	}
}

// failForGood makes a failure of a report that cannot be stored.
func failForGood(item *core.ReportItem, text string) {
	*item = core.ReportItem{
		Task: item.Task, Attempt: item.Attempt, Token: item.Token,
		Kind: core.ReportFailed, NonRetryable: true, Error: text,
	}
}

// fit makes any text storable: cut to bytesMax between two characters, without
// NUL and broken UTF-8, and never empty.
func fit(s string, bytesMax int) string {
	const cutMark = " … (cut)"
	if s == "" {
		return "failed without saying why"
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
	}
	if len(s) <= bytesMax {
		return s
	}
	end := bytesMax - len(cutMark)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + cutMark
}
