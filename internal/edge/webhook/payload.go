package webhook

import (
	"encoding/json"
	"mime"
	"net/url"

	"github.com/adzehq/adze/internal/base/fault"
)

// Payload is the object that a request brings, by the field: JSON, or a form for the
// sources that send one.
func Payload(source, contentType string, body []byte) (map[string]json.RawMessage, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind == "application/x-www-form-urlencoded" {
		return form(source, body)
	}
	return object(body)
}

func object(body []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, fault.New(fault.Invalid, "body", "is not a JSON object")
	}
	return fields, nil
}

// form reads the fields of a form, of each the first value. Slack sends JSON in one of
// them.
func form(source string, body []byte) (map[string]json.RawMessage, error) {
	if source != Slack && source != "GENERIC" {
		return nil, fault.New(fault.Invalid, "body", "is a form; a webhook of %s takes JSON", source)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "body", "is a form that cannot be read")
	}
	if inner := values.Get("payload"); source == Slack && inner != "" {
		return object([]byte(inner))
	}
	fields := make(map[string]json.RawMessage, len(values))
	for name := range values {
		text, err := json.Marshal(values.Get(name))
		if err != nil {
			return nil, fault.New(fault.Invalid, "body", "has a field %q that is no text", name)
		}
		fields[name] = text
	}
	return fields, nil
}

// Challenge is what Slack asks to have said back, before it sends anything; "" if it asks
// nothing.
func Challenge(source string, body []byte) string {
	if source != Slack {
		return ""
	}
	var asked struct{ Challenge string }
	if json.Unmarshal(body, &asked) != nil {
		return ""
	}
	return asked.Challenge
}
