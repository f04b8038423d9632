// Package fingerprint tells errors of one cause from others, by their texts.
//
// It owns what of a text is its shape and what only says which one this time: ids,
// numbers, times, addresses and whatever is quoted. It promises that texts of one shape
// have the same fingerprint for ever, for fingerprints are stored, and that a long text
// costs no more than one look at its bytes.
package fingerprint

import (
	"hash/fnv"
	"strings"
)

// shapeBytesMax is how much of a shape counts: what comes later in an error is the
// stack of its stack.
const shapeBytesMax = 1_024

// dottedBytesMax is more than a UUID, an address or a time has.
const dottedBytesMax = 64

// jointBytesMax is how far apart two blanks of a row may be.
const jointBytesMax = 8

// blank stands for what varies.
const blank = '#'

// Of is the fingerprint of an error's text; never 0.
func Of(text string) int64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(Shape(text))) // never fails
	return max(int64(hash.Sum64()>>1), 1)
}

// Shape is a text without what varies from one time to the next: a # stands for each
// part with a digit in it, for what is quoted, and for several of these in a row.
func Shape(text string) string {
	s := shaper{text: text}
	for s.at < len(s.text) && s.out.Len() < shapeBytesMax {
		s.step()
	}
	return strings.TrimRight(s.out.String(), " ")
}

// shaper goes through a text, part by part.
type shaper struct {
	text string
	at   int
	out  strings.Builder
	// held is what came after a blank and may lie within a row of them: spaces and the
	// signs of joints.
	held    []byte
	blanked bool // out ends with a blank, and held follows it
	// open is up to where a quote of each kind was sought in vain.
	open [len(quotes)]int
}

// quotes are the signs around what is quoted.
const quotes = "\"'`"

// step takes one part of the text.
func (s *shaper) step() {
	rest := s.text[s.at:]
	switch n := s.quoted(); {
	case n > 0 || rest[0] == blank:
		s.at += max(n, 1)
		s.blank()
	case isWord(rest[0]):
		s.word(rest)
	case isSpace(rest[0]):
		s.at++
		s.space()
	default:
		s.at++
		s.sign(rest[0])
	}
}

// word takes letters, digits, and bytes beyond ASCII; or an address, a time or an id that
// is written with dots, colons and hyphens.
func (s *shaper) word(rest string) {
	n := dotted(rest)
	if n == 0 {
		for n < len(rest) && isWord(rest[n]) {
			n++
		}
	}
	s.at += n
	if word := rest[:n]; varies(word) {
		s.blank()
	} else {
		s.release()
		s.out.WriteString(word[:min(n, shapeBytesMax)])
	}
}

// varies tells whether a word says which one rather than what: it has a digit, or is the
// name of a day or a month in a date.
func varies(word string) bool { return strings.ContainsAny(word, "0123456789") || calendar[word] }

var calendar = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields("Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec") {
		names[name] = true
	}
	return names
}()

// dotted is how long the hexadecimal number, the UUID, the IP address or the time at the
// beginning of rest is: the longest run of their characters that ends with a word and has
// a digit. 0 = there is none.
func dotted(rest string) (length int) {
	digit := false
	for n := 0; n < min(len(rest), dottedBytesMax) && (isHex(rest[n]) || strings.IndexByte(":.-", rest[n]) >= 0); n++ {
		digit = digit || isDigit(rest[n])
		if digit && isHex(rest[n]) && (n+1 == len(rest) || !isWord(rest[n+1])) {
			length = n + 1
		}
	}
	return length
}

// quoted is how long the quoted text is that begins here, with its quotes; 0 = there is
// none. It ends on its line. An apostrophe in a word is no quote.
func (s *shaper) quoted() int {
	quote := s.text[s.at]
	kind := strings.IndexByte(quotes, quote)
	if kind < 0 || s.at < s.open[kind] || s.at > 0 && isWord(s.text[s.at-1]) {
		return 0
	}
	n := s.at + 1
	for ; n < len(s.text) && s.text[n] != '\n'; n++ {
		switch {
		case s.text[n] == '\\' && quote != '`':
			n++
		case s.text[n] == quote && (n+1 == len(s.text) || !isWord(s.text[n+1])):
			return n + 1 - s.at
		}
	}
	s.open[kind] = n
	return 0
}

// blank adds one, unless it belongs to the row that out ends with.
func (s *shaper) blank() {
	s.held = s.held[:0]
	if !s.blanked {
		s.out.WriteByte(blank)
		s.blanked = true
	}
}

// joins tells whether what comes may lie within a row of blanks.
func (s *shaper) joins() bool { return s.blanked && len(s.held) < jointBytesMax }

// sign adds one that is no part of a word.
func (s *shaper) sign(c byte) {
	switch {
	case s.joins() && strings.IndexByte(",.:;/-+_", c) >= 0:
		s.held = append(s.held, c)
	case s.signsNumber(c):
	default:
		s.release()
		s.out.WriteByte(c)
	}
}

// signsNumber tells whether c, just passed, is the sign of a number and no hyphen.
func (s *shaper) signsNumber(c byte) bool {
	return (c == '-' || c == '+') && s.at < len(s.text) && isDigit(s.text[s.at]) && (s.at == 1 || !isWord(s.text[s.at-2]))
}

// space adds one, however many there are.
func (s *shaper) space() {
	if s.joins() {
		if n := len(s.held); n == 0 || s.held[n-1] != ' ' {
			s.held = append(s.held, ' ')
		}
		return
	}
	s.release()
	if out := s.out.String(); out != "" && out[len(out)-1] != ' ' {
		s.out.WriteByte(' ')
	}
}

// release ends a row of blanks: what was held after it is part of the shape.
func (s *shaper) release() {
	s.out.Write(s.held)
	s.held, s.blanked = s.held[:0], false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isWord(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
