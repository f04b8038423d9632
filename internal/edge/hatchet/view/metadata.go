package view

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Cause is what started a run: an event, or a tick of a cron. Its zero value is a call.
type Cause struct {
	Event id.ID
	Key   string    // of the event; empty: it is not at hand
	Tick  core.Time // of a schedule
}

// cronMark is in the metadata of all runs of crons that were made on this wire.
var cronMark = []byte(`"hatchet__cron_expression"`)

// OfCron tells whether metadata is that of a run of a cron that was made on this wire.
func OfCron(metadata []byte) bool { return bytes.Contains(metadata, cronMark) }

// Metadata is a run's on this wire: an object, which also says what started it.
func Metadata(stored []byte, by Cause) []byte {
	if len(stored) == 0 {
		stored = []byte("{}")
	}
	about := map[string]string{}
	if by.Event != 0 {
		about["hatchet__event_id"] = by.Event.String()
	}
	if by.Key != "" {
		about["hatchet__event_key"] = by.Key
	}
	if by.Tick != 0 && OfCron(stored) {
		about["hatchet__cron_scheduled_at"] = time.UnixMilli(int64(by.Tick)).UTC().Format(time.RFC3339)
	}
	if len(about) == 0 {
		return stored
	}
	added, err := json.Marshal(about)
	if err != nil { // texts always can be
		return stored
	}
	rest := bytes.TrimLeft(bytes.TrimLeft(stored, " \t\r\n")[1:], " \t\r\n")
	if rest[0] == '}' {
		return added
	}
	added[len(added)-1] = ','
	return append(added, rest...)
}

// ToldMetadata is what is told of the run's metadata; NameEvents adds the key of its event.
func (r *Run) ToldMetadata() []byte {
	by := Cause{Event: r.Event, Key: r.eventKey}
	if r.Schedule != 0 {
		by.Tick = r.RunAt
	}
	return Metadata(r.Metadata, by)
}
