package cron

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// set is the values that a field allows, one bit each.
type set uint64

func (s set) has(value int) bool { return s&(1<<value) != 0 }

// next is the smallest value from on.
func (s set) next(from int) (int, bool) {
	if rest := s >> from; rest != 0 {
		return from + bits.TrailingZeros64(uint64(rest)), true
	}
	return 0, false
}

func (s set) first() int { return bits.TrailingZeros64(uint64(s)) }

// field is the values that a part of an expression may have, and their names.
type field struct {
	name     string
	min, max int
	names    string // three letters each, the first stands for min
	any      bool   // "?" is another word for "*"
}

var (
	secondField  = field{name: "second", max: 59}
	minuteField  = field{name: "minute", max: 59}
	hourField    = field{name: "hour", max: 23}
	dayField     = field{name: "day of month", min: 1, max: 31, any: true}
	monthField   = field{name: "month", min: 1, max: 12, names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"}
	weekdayField = field{name: "weekday", max: 7, names: "SUNMONTUEWEDTHUFRISAT", any: true}
)

const allHours set = 1<<24 - 1

func (s *Schedule) parseFields(texts []string) error {
	switch len(texts) {
	case 5:
		texts = append([]string{"0"}, texts...)
	case 6:
	default:
		return invalid("%d fields: there must be five (minute hour day month weekday), or six with seconds in front", len(texts))
	}
	fields := []*field{&secondField, &minuteField, &hourField, &dayField, &monthField, &weekdayField}
	sets := []*set{&s.second, &s.minute, &s.hour, &s.day, &s.month, &s.weekday}
	for i, f := range fields {
		var err error
		if *sets[i], err = f.parse(texts[i]); err != nil {
			return err
		}
	}
	if s.weekday.has(7) { // Sunday has two numbers
		s.weekday = s.weekday&^(1<<7) | 1
	}
	s.interval = starred(texts[0]) || starred(texts[1]) || starred(texts[2])
	s.either = !starred(texts[3]) && !starred(texts[5])
	if !s.either && !s.comes() {
		return invalid("day of month %q: no such day in month %q", texts[3], texts[4])
	}
	return nil
}

// starred tells whether a field leaves the choice open.
func starred(text string) bool { return text[0] == '*' || text[0] == '?' }

// comes tells whether one of the months has one of the days.
func (s *Schedule) comes() bool {
	for month, days := range [...]int{1: 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31} {
		if s.month.has(month) && s.day.first() <= days {
			return true
		}
	}
	return false
}

// parse reads a list of values, ranges and steps.
func (f *field) parse(text string) (set, error) {
	var all set
	for part := range strings.SplitSeq(text, ",") {
		one, err := f.parsePart(part)
		if err != nil {
			return 0, invalid("%s %q: %s; allowed are %s", f.name, text, err, f.allowed())
		}
		all |= one
	}
	return all, nil
}

func (f *field) parsePart(part string) (set, error) {
	part, stepText, stepped := strings.Cut(part, "/")
	from, to, err := f.bounds(part, stepped)
	if err != nil {
		return 0, err
	}
	step := 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > f.max {
			return 0, fmt.Errorf("the step %q is not from 1 to %d", stepText, f.max)
		}
	}
	var s set
	for value := from; value <= to; value += step {
		s |= 1 << value
	}
	return s, nil
}

// bounds are the first and the last value of a part; a single one with a step goes on
// to the end.
func (f *field) bounds(part string, stepped bool) (from, to int, err error) {
	if part == "*" || part == "?" && f.any {
		return f.min, f.last(), nil
	}
	first, last, ranged := strings.Cut(part, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		to, err = f.value(last)
	case stepped:
		to = f.last()
	default:
		to = from
	}
	if err == nil && to < from {
		err = fmt.Errorf("%s runs backwards", part)
	}
	return from, to, err
}

// last is the largest value that a star means: Sunday only once.
func (f *field) last() int {
	if f == &weekdayField {
		return 6
	}
	return f.max
}

func (f *field) value(text string) (int, error) {
	if value, err := strconv.Atoi(text); err == nil && text[0] != '+' {
		if value < f.min || value > f.max {
			return 0, fmt.Errorf("%d is out of range", value)
		}
		return value, nil
	}
	for i := 0; len(text) == 3 && i < len(f.names); i += 3 {
		if strings.EqualFold(text, f.names[i:i+3]) {
			return f.min + i/3, nil
		}
	}
	return 0, fmt.Errorf("%q is not a value", text)
}

// allowed says what the field takes, for people.
func (f *field) allowed() string {
	names := ""
	if f.names != "" {
		names = fmt.Sprintf(" or %s to %s", f.names[:3], f.names[len(f.names)-3:])
	}
	return fmt.Sprintf("%d to %d%s, lists (a,b), ranges (a-b) and steps (*/n, a-b/n)", f.min, f.max, names)
}
