package adze

import (
	"encoding/json"
	"time"

	"github.com/adzehq/adze/internal/core"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// EntryInfo is an entry of the log of a durable task.
type EntryInfo struct {
	Index int             `json:"index"` // 1-based
	Kind  string          `json:"kind"`  // step, wait, spawn, value, patch, answer
	Name  string          `json:"name"`
	At    time.Time       `json:"at"`
	Data  json.RawMessage `json:"data,omitempty"` // what a step gave, a value, an answer, the ids of children
	Error string          `json:"error,omitzero"` // of a step that failed, and the function went on
	Mets  []MetInfo       `json:"mets,omitempty"` // of a wait: what was met

	Conditions int `json:"conditions,omitzero"` // of a wait: how many things it is for
}

// MetInfo is a condition of a wait that was met.
type MetInfo struct {
	Condition int             `json:"condition"` // its place in the wait
	At        time.Time       `json:"at"`
	Event     ID              `json:"event,omitzero"` // 0 if it was a time or the end of a run
	Data      json.RawMessage `json:"data,omitempty"` // the event's payload
}

// ChildInfo is a run that a task submitted.
type ChildInfo struct {
	ID  ID     `json:"id"`
	Key string `json:"key"` // see Key
}

func logInfo(response *wire.GetRunResponse) []EntryInfo {
	var log []EntryInfo
	for _, e := range response.Log {
		log = append(log, EntryInfo{
			Index: int(e.Index), Kind: core.EntryKind(e.Kind).String(), Name: e.Name,
			At: timeOf(e.AtMs), Data: e.Data, Error: e.Error,
			Conditions: len(e.Conditions),
		})
	}
	for _, m := range response.Mets {
		if at := int(m.Index) - 1; at >= 0 && at < len(log) {
			log[at].Mets = append(log[at].Mets, MetInfo{
				Condition: int(m.Condition), At: timeOf(m.AtMs), Event: ID(m.EventId), Data: m.Data,
			})
		}
	}
	return log
}
