package adzetest

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// FailStep has the next tries of the step of that name fail with err, instead of calling
// its function: times of them, in whatever run they come. It is for [adze.Step] and
// [adze.Do].
func (e *Env) FailStep(name string, err error, times int) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.failures[name] = &failure{err, times}
}

// CrashBefore has the worker crash that is about to record the next entry of that name: a
// step whose function has returned, a wait, a spawn. All that it runs begins again
// elsewhere, 5 s later, and so does the worker.
func (e *Env) CrashBefore(name string) { e.faults.add(crash{name: name, line: anyLine}) }

// CrashAfter has the worker crash that has just recorded the next entry of that name, and
// does not know it yet.
func (e *Env) CrashAfter(name string) { e.faults.add(crash{name: name, line: anyLine, after: true}) }

// faults are what a test has go wrong.
type faults struct {
	mu       sync.Mutex
	failures map[string]*failure // by step
	crashes  []crash             // each happens once
	durable  map[id.ID]bool      // tasks that keep a log
	lines    []string            // what durable tasks recorded, in its order
}

// failure is of a step that fails.
type failure struct {
	err  error
	left int
}

// crash is of a worker, when it records something.
type crash struct {
	name  string // of the entry; or
	line  int    // its place among all, from 0
	after bool   // it is stored, and its worker does not know it
}

func (c *crash) when() string {
	if c.after {
		return "after"
	}
	return "before"
}

// anyLine is the line of a crash that is known by a name.
const anyLine = -1

func newFaults() *faults {
	return &faults{failures: map[string]*failure{}, durable: map[id.ID]bool{}}
}

func (f *faults) add(c crash) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashes = append(f.crashes, c)
}

// step is what a try of a step fails with.
func (f *faults) step(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	failing := f.failures[name]
	if failing == nil || failing.left <= 0 {
		return nil
	}
	failing.left--
	return failing.err
}

// passing is how many of the items of a report reach the engine before their worker
// crashes; one more than there are if it does not.
func (f *faults) passing(items []core.ReportItem) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range items {
		line, name := f.line(&items[i])
		if line == "" {
			continue
		}
		f.lines = append(f.lines, line)
		for at, c := range f.crashes {
			if c.line == len(f.lines)-1 || c.line == anyLine && c.name == name {
				f.crashes = append(f.crashes[:at], f.crashes[at+1:]...)
				if c.after {
					i++
				}
				return i
			}
		}
	}
	return len(items) + 1
}

// line is what an item is called that is a line of a log, and the name of its entry. The
// end of a durable task is one, too.
func (f *faults) line(item *core.ReportItem) (line, name string) {
	switch item.Kind {
	case core.ReportEntry:
		f.durable[item.Task] = true
		return item.Entry.Kind.String() + " " + strconv.Quote(item.Entry.Name), item.Entry.Name
	case core.ReportCompleted, core.ReportFailed:
		if f.durable[item.Task] {
			return fmt.Sprintf("end as %s", map[core.ReportKind]string{core.ReportCompleted: "succeeded", core.ReportFailed: "failed"}[item.Kind]), ""
		}
	}
	return "", ""
}

// left are the crashes that have not happened.
func (f *faults) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.crashes)
}

func (f *faults) recorded() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lines
}
