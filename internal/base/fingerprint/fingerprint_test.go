package fingerprint

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestShapeLeavesOutWhatVaries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, shape string }{
		"empty":             {"", ""},
		"plain":             {"connection refused", "connection refused"},
		"spaces":            {"  a \t\n b  ", "a b"},
		"number":            {"order 12 has -3 items", "order # has # items"},
		"fraction":          {"took 1.25 s", "took # s"},
		"with unit":         {"took 250ms, at most 1.5s", "took #, at most #"},
		"percent":           {"disk is 93% full", "disk is #% full"},
		"thousands":         {"1,000,000 rows", "# rows"},
		"list":              {"rows [1, 2, 3] differ", "rows [#] differ"},
		"hex":               {"at 0xc000123abc", "at #"},
		"hash":              {"commit deadbeef12 is gone", "commit # is gone"},
		"uuid":              {"no run cafe8400-e29b-41d4-a716-bedeadbeef00", "no run #"},
		"prefixed id":       {"no such customer: cus_Q2x8fLkA9", "no such customer: #"},
		"ulid":              {"event 01J9ZX4Q2N7B3KTWY5V8M6C1DE", "event #"},
		"double quotes":     {`unknown field "na\"me"`, "unknown field #"},
		"single quotes":     {"column 'a b' is missing", "column # is missing"},
		"backquotes":        {"run `rm -r` as root", "run # as root"},
		"quotes in a row":   {`fields "a", "b" and "c"`, "fields # and #"},
		"apostrophe":        {"can't open the users' file", "can't open the users' file"},
		"open quote":        {"say \"hello\nthere", "say \"hello there"},
		"address":           {"dial tcp 10.0.0.1:5432: connection refused", "dial tcp #: connection refused"},
		"IPv6":              {"dial tcp [fe80::1]:5432: refused", "dial tcp [#]:#: refused"},
		"host":              {"lookup web-7f9c4.svc: no such host", "lookup web-#.svc: no such host"},
		"time":              {"deadline 2026-11-22T12:00:00.123Z passed", "deadline # passed"},
		"time with zone":    {"deadline 2026-11-22 12:00:00+01:00 passed", "deadline # passed"},
		"HTTP date":         {"expired Sun, 22 Nov 2026 12:00:00 GMT", "expired # GMT"},
		"clock":             {"at 12:00:00 sharp", "at # sharp"},
		"path":              {"open /srv/build-31/x.go:12: gone", "open /srv/build-#/x.go:#: gone"},
		"no hex":            {"add a bad cab: dead-letter", "add a bad cab: dead-letter"},
		"colons of C++":     {"std::bad_alloc", "std::bad_alloc"},
		"hyphen":            {"re-tried - gave up", "re-tried - gave up"},
		"beyond ASCII":      {"Größe 5 überschritten", "Größe # überschritten"},
		"not UTF-8":         {"a\xff 5", "a\xff #"},
		"placeholder":       {"# of #", "# of #"},
		"stack":             {"panic: x\n\ngoroutine 7 [running]:\nmain.f(0xc0, 0x1)\n\t/a/b.go:9 +0x1d", "panic: x goroutine # [running]: main.f(#) /a/b.go:#"},
		"of a chain":        {"charge 9: post: EOF", "charge #: post: EOF"},
		"number in a joint": {"shard-3/part-9", "shard-#/part-#"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.shape, Shape(c.text))
		})
	}
}

func TestTextsThatDifferInWhatVariesHaveOneFingerprint(t *testing.T) {
	t.Parallel()
	values := map[string]*rapid.Generator[string]{
		"number": rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,6})?`),
		"hex":    rapid.StringMatching(`0x[0-9a-f]{1,16}`),
		"uuid":   rapid.StringMatching(`[0-9a-f]{7}[0-9]-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
		"quoted": rapid.StringMatching(`"[a-z 0-9]*"|'[a-z 0-9]*'`),
		"time":   rapid.StringMatching(`20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?`),
		"IPv4":   rapid.StringMatching(`[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]{2,5})?`),
	}
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.StringMatching(`[g-z]{1,9}( [g-z]{1,9}){0,5}:? `).Draw(t, "before")
		after := rapid.StringMatching(`( [g-z]{2,9}){0,5}`).Draw(t, "after")
		kind := rapid.SampledFrom([]string{"number", "hex", "uuid", "quoted", "time", "IPv4"}).Draw(t, "kind")
		one, two := values[kind].Draw(t, "one"), values[kind].Draw(t, "two")
		require.Equal(t, Of(before+one+after), Of(before+two+after))
		require.NotEqual(t, Of(before+one+after), Of(before+one+after+" else"))
	})
}

func TestOnlyTheBeginningOfALongTextCounts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x ", shapeBytesMax/2)
	require.Equal(t, Of(long), Of(long+"and more"))
	require.NotEqual(t, Of(long[2:]), Of(long[2:]+"y"))
	word := strings.Repeat("x", shapeBytesMax)
	require.Equal(t, word, Shape(word+"xx"))
	require.Equal(t, Of(strings.Repeat("x ", 64<<10)), Of(long))
}

// What is stored must be found again by later versions.
func TestAFingerprintIsForEver(t *testing.T) {
	t.Parallel()
	require.Equal(t, int64(0x65f94e7242111192), Of(""))
	require.Equal(t, int64(0x6fe44f82ace030ae), Of("no customer 42: connection refused"))
}

func FuzzShape(f *testing.F) {
	f.Add("dial tcp 10.0.0.1:5432: \"x\"")
	f.Add("it's 'a\\'b' `c")
	f.Fuzz(func(t *testing.T, text string) {
		shape := Shape(text)
		require.False(t, strings.ContainsAny(shape, "0123456789\n"), shape)
		require.LessOrEqual(t, len(shape), 2*shapeBytesMax)
		require.Positive(t, Of(text))
		require.Equal(t, Of(text), Of(" "+text+" \t"))
	})
}

func BenchmarkLongText(b *testing.B) {
	for _, part := range []string{"failed: ", `"x `, "a.", "'", "# , ", "-1"} {
		text := strings.Repeat(part, 64<<10/len(part))
		b.Run(part, func(b *testing.B) {
			for b.Loop() {
				Of(text)
			}
		})
	}
}
