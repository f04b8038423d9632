package view

import (
	"bytes"
	"encoding/json"

	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/shard"
)

// skipped is what a task gave on this wire that did not have to run.
const skipped = `{"skipped":true}`

// payloadBytesMore is what a payload has beside what the assignment brings, about.
const payloadBytesMore = 160

// Payload is the action_payload of an assignment: a JSON object. What the assignment
// brings is JSON and goes in as it is.
func Payload(a *shard.Assignment) []byte {
	p := payload{make([]byte, 0, payloadBytesMore+len(a.Input)+parentBytes(a))}
	p.raw(`{"input":`)
	p.object(a.Input)
	p.parents(a)
	p.raw(`,"triggered_by":"manual"`)
	p.triggers(a)
	p.raw(`,"user_data":null,"overrides":null`)
	p.errors(a)
	p.raw(`}`)
	return p.text
}

func parentBytes(a *shard.Assignment) (bytes int) {
	for i := range a.Parents {
		bytes += len(a.Parents[i].Task) + len(a.Parents[i].Output)
	}
	for i := range a.Came {
		bytes += len(a.Came[i].Payload)
	}
	return bytes
}

// payload is a JSON text that is being written.
type payload struct{ text []byte }

func (p *payload) raw(text string) { p.text = append(p.text, text...) }

// object writes JSON if it is an object, else an empty one: the SDKs read no other.
func (p *payload) object(value []byte) {
	if trimmed := bytes.TrimLeft(value, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		p.text = append(p.text, value...)
		return
	}
	p.raw(`{}`)
}

// key begins a member of an object.
func (p *payload) key(name string) {
	if last := p.text[len(p.text)-1]; last != '{' {
		p.raw(`,`)
	}
	quoted, _ := json.Marshal(name) // a string never fails
	p.text = append(p.text, quoted...)
	p.raw(`:`)
}

// parents are the outputs of a step's parents by their names.
func (p *payload) parents(a *shard.Assignment) {
	p.raw(`,"parents":{`)
	for i := range a.Parents {
		p.key(a.Parents[i].Task)
		p.object(a.Parents[i].Output)
	}
	for _, name := range a.Skipped {
		p.key(name)
		p.raw(skipped)
	}
	p.raw(`}`)
}

// triggers is what the filter gave that chose the run, and the events that the step waited
// for, under the keys of its conditions. Trap 9: it is an object always.
func (p *payload) triggers(a *shard.Assignment) {
	p.raw(`,"triggers":{`)
	p.key("filter_payload")
	if a.Event != nil && len(a.Event.Given) > 0 {
		p.object(a.Event.Given)
	} else {
		p.raw(`null`)
	}
	told := map[string]bool{"filter_payload": true}
	for i := range a.Came {
		for _, name := range a.Came[i].Names {
			if !told[name] { // the first event of a name counts
				p.key(name)
				p.object(a.Came[i].Payload)
				told[name] = true
			}
		}
	}
	for _, slept := range a.Slept {
		if name, text := define.CutSleepName(slept); !told[name] {
			p.key(name)
			p.raw(SleepData(text))
			told[name] = true
		}
	}
	p.raw(`}`)
}

// SleepData is what a time gives that passed. Trap 24: the text is as it was asked for, the
// SDKs read no other spelling.
func SleepData(text string) string {
	quoted, _ := json.Marshal(text) // a string never fails
	return `{"sleep_duration":` + string(quoted) + `}`
}

// errors are why tasks failed, for a step that handles failures.
func (p *payload) errors(a *shard.Assignment) {
	if len(a.Failures) == 0 {
		return
	}
	p.raw(`,"step_run_errors":{`)
	for i := range a.Failures {
		p.key(a.Failures[i].Task)
		text, _ := json.Marshal(ErrorText(a.Failures[i].Error)) // a string never fails
		p.text = append(p.text, text...)
	}
	p.raw(`}`)
}
