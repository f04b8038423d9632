package view

import (
	"bytes"
	"encoding/json"

	"github.com/adzehq/adze/internal/shard"
)

// Metadata is a run's on this wire: an object, which also names the event that started it,
// if one did.
func Metadata(stored []byte, event *shard.Event) []byte {
	if len(stored) == 0 {
		stored = []byte("{}")
	}
	if event == nil {
		return stored
	}
	about := map[string]string{"hatchet__event_id": event.ID.String()}
	if event.Key != "" { // else it is not at hand
		about["hatchet__event_key"] = event.Key
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
