package define

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Object is the JSON object of a field; an empty text is an empty one. What else it must
// be to be stored, edge/admit says.
func Object(field, text string) ([]byte, error) {
	if strings.TrimSpace(text) == "" {
		return []byte("{}"), nil
	}
	if strings.TrimLeft(text, " \t\r\n")[0] != '{' || !json.Valid([]byte(text)) {
		return nil, invalid(field, "is not a JSON object; write it as {\"key\": …}")
	}
	return []byte(text), nil
}

// ownPrefix begins the keys of metadata that engines add. Those that the SDKs add to what
// a task pushes are among ownKept.
const ownPrefix = "hatchet__"

var ownKept = map[string]bool{
	"hatchet__source_workflow_run_id": true,
	"hatchet__source_step_run_id":     true,
}

// Metadata is what a caller says of an event or a run; nil if nothing. Keys that are the
// engine's to give are left out.
func Metadata(field, text string) ([]byte, error) {
	object, err := Object(field, text)
	if err != nil || string(object) == "{}" {
		return nil, err
	}
	if !bytes.Contains(object, []byte(ownPrefix)) { // as almost always
		return object, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, invalid(field, "is not a JSON object: %s", err)
	}
	for key := range members {
		if strings.HasPrefix(key, ownPrefix) && !ownKept[key] {
			delete(members, key)
		}
	}
	return json.Marshal(members)
}
