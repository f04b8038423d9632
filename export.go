package adze

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/adzehq/adze/internal/shard"
)

// Export gives the definition that new runs of a task or workflow get, as JSON: what
// its program registered, with all defaults filled in.
func (c *Client) Export(ctx context.Context, name string) (json.RawMessage, error) {
	w, err := c.transport.workflow(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", name, err)
	}
	definition, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", name, err)
	}
	return definition, nil
}

// Import registers a definition that is given as JSON, and returns its name. Runs that
// are submitted from then on get it, until a worker registers another one of the name.
// Importing what was exported changes nothing. What is wrong is an [*Error] whose Field
// names the place, like "tasks[2].skip_if[0].expression".
func (c *Client) Import(ctx context.Context, definition json.RawMessage) (name string, err error) {
	w, err := readWorkflow(definition)
	if err == nil {
		err = c.transport.define(ctx, []shard.Workflow{w})
	}
	if err != nil {
		return "", fmt.Errorf("import workflow: %w", ofOneRun(err))
	}
	return w.Name, nil
}

// readWorkflow takes known fields only: a misspelt one must not become a default.
func readWorkflow(definition []byte) (w shard.Workflow, err error) {
	decoder := json.NewDecoder(bytes.NewReader(definition))
	decoder.DisallowUnknownFields()
	if err = decoder.Decode(&w); err == nil {
		if _, end := decoder.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the definition")
		}
	}
	if err != nil {
		return w, &Error{Kind: KindInvalid, Field: "definition", Text: jsonFault(definition, err), cause: err}
	}
	return w, nil
}

// jsonFault says what is wrong with JSON, and in which line.
func jsonFault(text []byte, err error) string {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	offset := int64(-1)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mistyped):
		offset = mistyped.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return err.Error()
	}
	return fmt.Sprintf("line %d: %v", 1+bytes.Count(text[:offset], []byte("\n")), err)
}
