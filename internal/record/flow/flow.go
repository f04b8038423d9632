// Package flow keeps how queues and limits work, and writes down what is said of a run.
//
// It owns the tables setting and rate_state, and the encoding of the columns named flow, which stand in
// the rows of tasks and runs. It promises that what was encoded is decoded as it was, by
// any later version too: fields are added, never renamed.
package flow

import (
	"encoding/json"
	"fmt"

	"github.com/adzehq/adze/internal/core"
)

// Encode writes f as JSON; nil for nil.
func Encode(f *core.Flow) []byte {
	if f == nil {
		return nil
	}
	encoded, err := json.Marshal(f)
	if err != nil { // it has numbers and texts only
		panic(err)
	}
	return encoded
}

// Decode is the inverse of Encode.
func Decode(encoded []byte) (*core.Flow, error) {
	if len(encoded) == 0 {
		return nil, nil
	}
	var f core.Flow
	if err := json.Unmarshal(encoded, &f); err != nil {
		return nil, fmt.Errorf("decode flow: %w", err)
	}
	return &f, nil
}
