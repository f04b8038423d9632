package adze

import (
	"github.com/adzehq/adze/internal/base/id"
)

// ID names a run. IDs are ordered by the time of the submit, to the millisecond.
// People see the UUID that embeds it, which is also its form in JSON and text.
// Zero is no run.
type ID int64

// ParseID reads an ID from its UUID. A UUID that no engine made is an error of
// KindInvalid.
func ParseID(s string) (ID, error) {
	i, err := id.Parse(s)
	if err != nil {
		return 0, &Error{Kind: KindInvalid, Field: "id", Text: "is " + err.Error() + ": " + s, cause: err}
	}
	return ID(i), nil
}

// String is the UUID.
func (i ID) String() string { return id.ID(i).String() }

// MarshalText is the UUID.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText is ParseID.
func (i *ID) UnmarshalText(text []byte) (err error) {
	*i, err = ParseID(string(text))
	return err
}
