package hatchet_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/hatchettest"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// awkward are texts that somebody will send in an address.
var awkward = []string{
	"", "x", "-1", "99999999999999999999", "null", "\x00", "a/b", "../..", "%", "true", "2026-01-01T00:00:00Z", "not a time",
	"00000000-0000-0000-0000-000000000000", id.ID(1 << 60).String(), "k:v", ":", strings.Repeat("x", 2_000), "\u202e\U0001F600",
}

// anything are values of all kinds, as a field of a body may have them.
func anything() []any {
	nested := any("x")
	for range 200 {
		nested = []any{nested}
	}
	return []any{
		nil, "", "x", "\x00", 7, -1, 1.5, 1e300, true,
		[]any{},
		[]any{nil, 1, "x"},
		map[string]any{},
		map[string]any{"a": nil, "\x00": "\x00"},
		strings.Repeat("x", 200_000), nested, "00000000-0000-0000-0000-000000000000", id.ID(1 << 60).String(), "2026-01-01T00:00:00Z",
		"input.", "* * * * *", "99999999h",
	}
}

// sample is a value that a schema takes.
func sample(schema *openapi3.Schema) any {
	switch {
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Type.Is("array"):
		return []any{sample(schema.Items.Value)}
	case schema.Type.Is("integer"):
		return 1
	case schema.Type.Is("boolean"):
		return true
	case schema.Format == "uuid":
		return id.ID(1 << 50).String()
	case schema.Format == "date-time":
		return "2030-01-01T00:00:00Z"
	case schema.Type.Is("string"):
		return "x"
	}
	object := map[string]any{}
	for name, property := range schema.Properties {
		object[name] = sample(property.Value)
	}
	return object
}

// operation is a call of the API.
type operation struct {
	method, path string
	*openapi3.Operation
}

func operations(t *testing.T) (all []operation) {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(hatchetrest.Document)
	require.NoError(t, err)
	for path, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			all = append(all, operation{method, path, o})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// address is the path with its parameters: those that are not given are what a caller
// would send.
func (o *operation) address(s *hatchettest.Stage, path map[string]string, query url.Values) string {
	parts := map[string]string{"tenant": s.Tenant, "workflow": "w", "cron": id.ID(1 << 50).String(), "webhook": "hook"}
	maps.Copy(parts, path)
	address := o.path
	for _, p := range o.Parameters {
		if p.Value.In == "path" {
			value := parts[p.Value.Name]
			if _, known := parts[p.Value.Name]; !known {
				value = id.ID(1 << 50).String()
			}
			address = strings.ReplaceAll(address, "{"+p.Value.Name+"}", url.PathEscape(value))
		}
	}
	wanted := url.Values{}
	for _, p := range o.Parameters {
		if p.Value.In == "query" && p.Value.Required {
			wanted.Set(p.Value.Name, map[bool]string{true: "2026-01-01T00:00:00Z", false: "false"}[p.Value.Schema.Value.Format == "date-time"])
		}
	}
	maps.Copy(wanted, query)
	return address + "?" + wanted.Encode()
}

// body is a body that the operation takes, or nil.
func (o *operation) body() (*openapi3.Schema, any) {
	if o.RequestBody == nil {
		return nil, nil
	}
	schema := o.RequestBody.Value.Content.Get("application/json").Schema.Value
	return schema, sample(schema)
}

// TestEveryRequestGetsAClearAnswer sends each operation everything that does not belong
// there: the answer is what the document says, and never that the engine is at a loss.
func TestEveryRequestGetsAClearAnswer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a while")
	}
	s := hatchettest.Start(t)
	for _, o := range operations(t) {
		if o.OperationID == "receiveWebhook" || o.OperationID == "getPrometheusMetrics" {
			continue // the one takes any body, the other answers with text; they have tests of their own
		}
		t.Run(o.OperationID, func(t *testing.T) {
			schema, body := o.body()
			o.expectClear(t, s, "as it should be", o.address(s, nil, nil), body)
			for _, p := range o.Parameters {
				for _, text := range awkward {
					switch {
					case p.Value.In == "query":
						o.expectClear(t, s, p.Value.Name, o.address(s, nil, url.Values{p.Value.Name: {text}}), body)
					case text != "" && p.Value.Name != "tenant" && !strings.Contains(text, ".."):
						o.expectClear(t, s, p.Value.Name, o.address(s, map[string]string{p.Value.Name: text}, nil), body)
					}
				}
			}
			if schema != nil {
				o.spoil(t, s, schema)
			}
		})
	}
	code, _ := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant, nil)
	require.Equal(t, http.StatusOK, code)
}

// spoil sends bodies with each field, and each field of an object in it, set to anything
// or left out.
func (o *operation) spoil(t *testing.T, s *hatchettest.Stage, schema *openapi3.Schema) {
	t.Helper()
	address := o.address(s, nil, nil)
	for _, whole := range anything() {
		o.expectClear(t, s, "the whole body", address, whole)
	}
	for name, property := range schema.Properties {
		body := sample(schema).(map[string]any)
		for _, value := range anything() {
			body[name] = value
			o.expectClear(t, s, name, address, body)
		}
		delete(body, name)
		o.expectClear(t, s, name+" left out", address, body)
		for inner := range property.Value.Properties {
			object := sample(property.Value).(map[string]any)
			body[name] = object
			for _, value := range anything() {
				object[inner] = value
				o.expectClear(t, s, name+"."+inner, address, body)
			}
		}
	}
}

func (o *operation) expectClear(t *testing.T, s *hatchettest.Stage, field, address string, body any) {
	t.Helper()
	code, answer := s.REST(t, o.method, address, body)
	if code >= http.StatusInternalServerError {
		t.Errorf("%s %.300s with %s: %d %v\n%.300v", o.method, address, field, code, answer, body)
	}
}
