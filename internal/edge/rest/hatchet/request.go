package hatchet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

const (
	// bodyBytesMax bounds the body of a request: an input of the largest size, with room
	// for what stands around it.
	bodyBytesMax = 8 << 20

	// pageDefault is how many rows a list has if nobody says, pageMax how many at most.
	pageDefault = 50
	pageMax     = 1_000

	// offsetMax is how far a list can be paged through: whoever wants more narrows it down.
	offsetMax = 100_000
)

// read decodes the body of a request. Unknown fields are ignored: newer SDKs have more.
func read[T any](r *http.Request) (model T, err error) {
	body, err := bodyOf(r)
	if err != nil {
		return model, err
	}
	if err := admit.JSON("body", body); err != nil {
		return model, err
	}
	if err := json.Unmarshal(body, &model); err != nil {
		return model, unreadable(err)
	}
	return model, nil
}

// bodyOf is the body of a request, if it is not too large.
func bodyOf(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, bodyBytesMax))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, fault.New(fault.Invalid, "body", "is larger than %d bytes", bodyBytesMax)
	case err != nil:
		return nil, fault.New(fault.Invalid, "body", "could not be read to its end")
	}
	return body, nil
}

// unreadable says which field of a body is of the wrong kind.
func unreadable(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fault.New(fault.Invalid, kind.Field, "is a %s, wanted is a %s", kind.Value, kind.Type)
	}
	return fault.New(fault.Invalid, "body", "is not the JSON that is wanted: %v", err)
}

// given tells whether an optional object was sent.
func given(object hatchetrest.JSONObject) bool {
	return len(object) > 0 && !bytes.Equal(bytes.TrimSpace(object), []byte("null"))
}

// query reads the parameters of a request. The first that cannot be read is err; the
// answers after it mean nothing.
type query struct {
	values url.Values
	err    error
}

func queryOf(r *http.Request) *query { return &query{values: r.URL.Query()} }

func (q *query) refuse(name, format string, args ...any) {
	if q.err == nil {
		q.err = fault.New(fault.Invalid, name, format, args...)
	}
}

// text is a parameter that may be missing.
func (q *query) text(name string) string { return q.values.Get(name) }

// texts is a parameter that may stand several times.
func (q *query) texts(name string) []string {
	return q.values[name]
}

// number is a parameter between two bounds.
func (q *query) number(name string, otherwise, least, most int) int {
	text := q.values.Get(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		q.refuse(name, "is %q, allowed is a number from %d to %d", text, least, most)
	}
	return n
}

// page is which rows of a list are wanted.
func (q *query) page() (offset, limit int) {
	return q.number("offset", 0, 0, offsetMax), q.number("limit", pageDefault, 1, pageMax)
}

// flag is a parameter that is true or false.
func (q *query) flag(name string, otherwise bool) bool {
	text := q.values.Get(name)
	if text == "" {
		return otherwise
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		q.refuse(name, "is %q, not true or false", text)
	}
	return yes
}

// time is an instant; zero if it is missing.
func (q *query) time(name string) time.Time {
	text := q.values.Get(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		q.refuse(name, "is %q, not a time like 2026-01-31T12:00:00Z", text)
	}
	return at
}

// wantedTime is time for a parameter that must be there.
func (q *query) wantedTime(name string) time.Time {
	if q.values.Get(name) == "" {
		q.refuse(name, "is missing: a time like 2026-01-31T12:00:00Z")
	}
	return q.time(name)
}

// ids are UUIDs of which those that are none of ours are left out: nothing has them.
func (q *query) ids(name string) (ids []id.ID) {
	for _, text := range q.texts(name) {
		if _, err := uuid.Parse(text); err != nil {
			q.refuse(name, "is %q, not a UUID", text)
		}
		if one, err := id.Parse(text); err == nil {
			ids = append(ids, one)
		}
	}
	return ids
}

// nobody is the id of nothing: what is asked for by an id that is none of ours has it.
const nobody id.ID = -1

// chosen are ids of which one must fit. Those that are all none of ours fit nothing, and
// not everything.
func (q *query) chosen(name string) []id.ID {
	ids := q.ids(name)
	if len(q.texts(name)) > 0 && len(ids) == 0 {
		return []id.ID{nobody}
	}
	return ids
}

// one is an id that may be missing.
func (q *query) one(name string) id.ID {
	if q.text(name) == "" {
		return 0
	}
	if ids := q.ids(name); len(ids) > 0 {
		return ids[0]
	}
	return nobody
}

// pathID is an id in the path, or fault.NotFound: what is none of ours does not exist.
func pathID(r *http.Request, name string) (id.ID, error) {
	one, err := id.Parse(r.PathValue(name))
	if err != nil {
		return 0, fault.New(fault.NotFound, name, "there is no %s %s", name, r.PathValue(name))
	}
	return one, nil
}

// page is the part of a list that is wanted.
func page[T any](list []T, offset, limit int) []T {
	offset = min(offset, len(list))
	return list[offset:min(offset+limit, len(list))]
}

// pagination tells where a page of a list stands. rows is how many there are in all; −1 if
// nobody counted: then more tells whether there are some after it.
func pagination(offset, limit, rows int, more bool) hatchetrest.PaginationResponse {
	p := hatchetrest.PaginationResponse{CurrentPage: int64(offset/limit) + 1}
	if rows >= 0 {
		p.NumPages = max(int64(rows+limit-1)/int64(limit), 1)
		more = p.CurrentPage < p.NumPages
	}
	if more {
		p.NextPage = p.CurrentPage + 1
	}
	return p
}

// pairs is a parameter of keys with values, like color:red; the first colon parts them.
func (q *query) pairs(name string) map[string]string {
	pairs := map[string]string{}
	for _, text := range q.texts(name) {
		key, value, found := strings.Cut(text, ":")
		if !found || key == "" {
			q.refuse(name, "is %q, not a key and a value like color:red", text)
		}
		pairs[key] = value
	}
	return pairs
}
