package guest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// bodyBytesMax bounds an answer that is read.
const bodyBytesMax = 8 << 20

// RESTError is an answer that is none of the 200s.
type RESTError struct {
	Code int
	Body string
}

// Error implements error.
func (e *RESTError) Error() string { return fmt.Sprintf("status %d: %s", e.Code, e.Body) }

// REST calls a path and decodes the answer into out, if it is not nil.
func (c *Client) REST(ctx context.Context, method, path string, body, out any) error {
	var sent io.Reader
	if body != nil {
		sent = bytes.NewReader([]byte(text(body)))
	}
	request, err := http.NewRequestWithContext(ctx, method, c.config.HTTPURL+path, sent)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.config.Token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, bodyBytesMax))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, &RESTError{response.StatusCode, string(answer)})
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	return nil
}
