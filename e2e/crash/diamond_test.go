package crash_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/adzehq/adze"
)

// The places of the tasks in the diamond, in the order of their names.
const (
	top = iota
	left
	right
	bottom
	sorry // on failure
	places
	alone = -1 // of a run of one task
)

var (
	names = [places]string{"top", "left", "right", "bottom", "sorry"}
	// parents end before a task begins; a handler comes after all tasks.
	parents = [places][]int{left: {top}, right: {top}, bottom: {top, left, right}, sorry: {top, left, right, bottom}}
)

// step is the output of a task of the diamond.
type step struct {
	done
	Even  bool   // right is skipped
	Fifth bool   // bottom is skipped, but that is not decided yet when top ends
	Mark  string // no other attempt's
	Given string // the marks of its parents
}

// performer does the job of the task at a place. The given are as in step.
type performer func(ctx context.Context, place int, j job, given string) (step, error)

// diamond is the workflow as clients know it, or workers when perform is not nil.
func diamond(perform performer) *adze.Workflow[job] {
	w := adze.NewWorkflow[job]("diamond", adze.Retries(3), adze.Backoff(retryPause, 2, retryPauseMax))
	var nodes [places]*adze.Node[step]
	function := func(place int) func(context.Context, job) (step, error) {
		if perform == nil {
			return nil
		}
		return func(ctx context.Context, j job) (step, error) {
			given, err := givenTo(ctx, place, &nodes)
			if err != nil {
				return step{}, err
			}
			return perform(ctx, place, j, given)
		}
	}
	nodes[top] = adze.AddTask(w, names[top], function(top))
	nodes[left] = adze.AddTask(w, names[left], function(left), adze.After(nodes[top]))
	nodes[right] = adze.AddTask(w, names[right], function(right), adze.SkipIf(nodes[top], "output.Even"))
	nodes[bottom] = adze.AddTask(w, names[bottom], function(bottom), adze.SkipIf(nodes[top], "output.Fifth"), adze.After(nodes[left], nodes[right]))
	return w.OnFailure(names[sorry], handler(function(sorry)))
}

// handler is a function that hands over what failed, and has no output.
func handler(function func(context.Context, job) (step, error)) func(context.Context, job) error {
	if function == nil {
		return nil
	}
	return func(ctx context.Context, j job) error {
		if why := adze.Failures(ctx); len(why) != 1 || why[0] != (adze.TaskFailure{Task: names[left], Text: errForGood.Error()}) {
			return adze.NonRetryable(fmt.Errorf("told of other failures: %v", why))
		}
		_, err := function(ctx, j)
		return err
	}
}

// none is the mark of a task without an output.
const none = "-"

// givenTo are the marks of the outputs that the task at a place is given.
func givenTo(ctx context.Context, place int, nodes *[places]*adze.Node[step]) (string, error) {
	var marks []string
	for _, parent := range parents[place] {
		switch out, err := nodes[parent].Output(ctx); {
		case err == nil:
			marks = append(marks, out.Mark)
		case errors.Is(err, adze.ErrNoOutput):
			marks = append(marks, none)
		default:
			return "", err
		}
	}
	return strings.Join(marks, ","), nil
}

// performStep is perform for a task of the diamond: the faults are those of the left.
func performStep(ctx context.Context, effects *os.File, place int, j job, given string) (step, error) {
	if place != left {
		j.Fault = noFault
	}
	out, err := perform(ctx, effects, j, given)
	mark := strconv.FormatUint(rand.Uint64(), 36)
	return step{done: out, Even: even(j), Fifth: fifth(j), Mark: mark, Given: given}, err
}

func even(j job) bool { return j.N%2 == 0 }

func fifth(j job) bool { return j.N%5 == 0 }

// endOfTask is how the task at a place ends, or a run of one task.
func endOfTask(place int, j job) adze.Status {
	fails := j.Fault == failsForGood
	switch {
	case fails && (place == alone || place == left):
		return adze.Failed
	case fails && place == bottom:
		return adze.Cancelled
	case !fails && place == sorry, even(j) && place == right, fifth(j) && place == bottom:
		return adze.Skipped
	}
	return adze.Succeeded
}
