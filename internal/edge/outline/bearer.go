package outline

import (
	"strconv"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// BearerKey is the metadata by which a worker asks for what is another tenant's, whose task
// it runs: the task's number and the attempt's token, with a slash between. It is good for
// the calls that a task makes for itself, and while the attempt is the current one.
const BearerKey = "adze-attempt"

// BearerToWire names an attempt.
func BearerToWire(task id.ID, token core.Token) string {
	return strconv.FormatInt(int64(task), 10) + "/" + strconv.FormatInt(int64(token), 10)
}

// BearerFromWire is the inverse of BearerToWire.
func BearerFromWire(text string) (id.ID, core.Token, bool) {
	number, rest, _ := strings.Cut(text, "/")
	task, errTask := strconv.ParseInt(number, 10, 64)
	token, errToken := strconv.ParseInt(rest, 10, 64)
	return id.ID(task), core.Token(token), errTask == nil && errToken == nil
}
