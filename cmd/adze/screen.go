package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	progressWidth = 32
	// plainProgressEvery keeps the log of a demo short where no line can be rewritten.
	plainProgressEvery = time.Second
)

// screen shows progress: in one line that is rewritten on a terminal, else as a
// line now and then.
type screen struct {
	to       io.Writer
	terminal bool
	shown    time.Duration // of the last progress, where there is no terminal
}

func newScreen(to io.Writer) *screen {
	s := &screen{to: to}
	if f, ok := to.(*os.File); ok && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == "" {
		info, err := f.Stat()
		s.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s
}

// done says that a step is done.
func (s *screen) done(what, format string, args ...any) {
	fmt.Fprintf(s.to, "  %s %-10s %s\n", s.green("✓"), what, fmt.Sprintf(format, args...))
}

// progress shows that done of all is reached after took.
func (s *screen) progress(done, all int, what string, took time.Duration) {
	line := fmt.Sprintf("%s %4d/%d pages, %s, %.1f s", s.bar(done, all), done, all, what, took.Seconds())
	if s.terminal {
		fmt.Fprintf(s.to, "\r\x1b[2K  %s", line)
		return
	}
	if done == all || took-s.shown >= plainProgressEvery {
		s.shown = took
		fmt.Fprintf(s.to, "  %s\n", line)
	}
}

// keep leaves the last progress where it is.
func (s *screen) keep() {
	if s.terminal {
		fmt.Fprintln(s.to)
	}
}

func (s *screen) bar(done, all int) string {
	filled := progressWidth * done / all
	return s.green(strings.Repeat("█", filled)) + strings.Repeat("░", progressWidth-filled)
}

func (s *screen) green(text string) string { return s.paint("32", text) }

func (s *screen) faint(text string) string { return s.paint("36", text) }

func (s *screen) paint(colour, text string) string {
	if !s.terminal {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// thousands writes n with separators: 100157 as 100,157.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
