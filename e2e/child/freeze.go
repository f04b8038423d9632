package child

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// freezeWaitMax bounds how long a process may take to stand still.
	freezeWaitMax = 10 * time.Second
	// lookEvery is how often it is looked whether it does.
	lookEvery = time.Millisecond
)

// Freeze stops the child with SIGSTOP and returns once all of its threads stand still.
// The signal alone does not promise that: on a busy machine the thread that is to
// handle it may wait for a processor, while the others go on.
func (p *Process) Freeze() {
	p.Signal(syscall.SIGSTOP)
	for end := time.Now().Add(freezeWaitMax); p.moves() && time.Now().Before(end); {
		time.Sleep(lookEvery)
	}
}

// Thaw lets a frozen child go on.
func (p *Process) Thaw() { p.Signal(syscall.SIGCONT) }

// moves tells whether some thread of the child is not stopped. Without /proc nothing
// is known, and it is false.
func (p *Process) moves() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID()))
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// "tid (name) state …", and the name may hold anything.
		_, state, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')'):]), " ")
		if !strings.HasPrefix(state, "T") && !strings.HasPrefix(state, "Z") {
			return true
		}
	}
	return false
}
