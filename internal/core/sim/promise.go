package sim

import "fmt"

// promise is what a checker checks, in a sentence.
type promise string

// The promises of the core.
const (
	nothingLost   promise = "a task that was accepted is open or has a result"
	oneResult     promise = "a task has one row, and one result that never changes"
	rightCause    promise = "an attempt ends once, for a reason, and only the current one ends its task"
	retriesRight  promise = "failures and losses are counted, retried and put off by the definition"
	slotsKept     promise = "no worker is given more than its slots"
	slotsCounted  promise = "slots in use are the attempts outstanding"
	laneOrder     promise = "within a lane, higher priority and then older goes first"
	keysTakeTurns promise = "no key of a queue is served twice while another waits"
	workersTurns  promise = "no worker is served twice by a queue while another with a free slot waits"
	pausesKept    promise = "nothing begins that is paused, or at a worker that is, and what waited too long for the end of a pause is cancelled"
	goesOn        promise = "what waited for a pause goes on when it is over"
	labelsCount   promise = "of the workers with a free slot, one that meets the labels best is given the task, of equal ones one of its tenant"
	stickyKept    promise = "a task that is for one worker only goes to no other, and one that would rather have one goes there if it is free"
	handsKept     promise = "a key that is dealt some workers runs on these only"
	rightWorker   promise = "a worker is given tasks of its tenants and its actions only"
	grantsKept    promise = "a worker is given tasks of another tenant by a grant that is in force, and told when that is committed"
	storedFirst   promise = "an assignment is told after its submit is committed"
	recoverable   promise = "rows and low-water mark hold all that is open, and nothing else"
	checkpointed  promise = "what lasts has a checkpoint row that is true"
	memoryBounded promise = "a lane, and the line of the delayed, hold two windows in memory or what they are lent, and all lanes together what there is room for"
	nothingIdles  promise = "no slot is free while a task for it is ready"
	onTime        promise = "the next tick is asked for in time, and leaves nothing overdue"
	answered      promise = "each report and request is answered, once and rightly"
	inputsKept    promise = "an input stays as it came"
	agreement     promise = "the core has a task where the rules put it"
	whyTrue       promise = "what is told of why a task waits is so"
	everythingEnd promise = "with enough workers and time, all tasks end"

	nodesInOrder  promise = "a node begins once, when all its parents have ended"
	spreads       promise = "skips and cancels spread as the graph says, at once"
	handlersRight promise = "handlers run when the tasks ended so that they must, and only then"
	keptStands    promise = "a replay keeps what it is told to, and runs the rest"
	nodesNamed    promise = "rows and results of nodes name their run, their place and what conditions said"
	runsEnd       promise = "a run ends once, with its last node, as its nodes say"
	runsForgotten promise = "the runs of tasks in memory are there, and no ended one is"
	doomedEnd     promise = "a run of which nobody can say what it needs fails when it would begin, whatever started it"
	runsWhole     promise = "an open run is above the low-water mark or in the checkpoint, with all its open tasks"
	cancelWhole   promise = "the cancel of a run ends all of it, wherever it is"

	momentsTold   promise = "what happens to a current attempt on its way is written down, once, and nothing else"
	deadlinesKept promise = "a deadline that was told is the one that a new owner finds"

	writtenRight promise = "what current attempts write is stored, once and in order, and nothing else"
	writtenWhole promise = "what an attempt wrote is stored before its worker forgets it, and with its end"

	eventsWhole promise = "an event is stored once, with all the runs that it starts, or nothing of it is"

	ticksOnce       promise = "a tick of a schedule starts one run at most"
	ticksDealt      promise = "each tick starts a run, is skipped or waits, in the commit that says so"
	overlapKept     promise = "but for those that allow it, one run of a schedule's ticks is open at most"
	schedulesTrue   promise = "a schedule's row says where it stands"
	schedulesOnTime promise = "a schedule is asked for when it is due, and once"

	onceHeld     promise = "of runs with one key, one holds it"
	onceTrue     promise = "a key has a row while it is held, and a run is refused only if there is one"
	onceFreed    promise = "a key is free again when its time is over or its run has ended, and not before"
	onceReplaced promise = "a run whose place another one takes ends cancelled, and says by whom"

	recordedOnce   promise = "an entry is recorded once, by the attempt that has the task"
	logsWhole      promise = "a log has no gap, and is what its function did"
	metRightly     promise = "a condition is met by its cause, the first one, and by nothing else"
	metInTime      promise = "a condition is met once its cause has come, unless that is being looked for"
	metOnce        promise = "a condition is met once"
	waitsRight     promise = "a wait has a row until it is fulfilled or its task ends"
	noneSleepsOn   promise = "no task sleeps whose wait is fulfilled, in memory or in Postgres"
	toldAll        promise = "who runs a durable task has its log and all that is met, as committed"
	published      promise = "values are stored as they were published"
	pausesEnd      promise = "a node that waits is skipped or cancelled when its conditions say so, at once"
	repliedOnce    promise = "a request is answered once"
	spawnsOnce     promise = "a key of a parent spawns once"
	childrenLinked promise = "a child has a row that names its parent, and nothing else has one"
	childrenEnd    promise = "children end with their parent as their policy says, and with a tree that is cancelled"

	limitsExact     promise = "no more have a place of a key than its maximum when one is given, nor through crashes"
	placesKept      promise = "who has a place is open, and every ending gives it back"
	placesInOrder   promise = "places are given in the order of the line"
	noPlaceIdles    promise = "no place is free while somebody waits for it"
	strategiesRight promise = "a limit cancels whom its strategy says, and nobody else"
	ticketsWait     promise = "a run of a limited graph begins with all its places, and not before"
	settingsKept    promise = "what is set is stored and in force until it is changed"
	agesAlike       promise = "of the same priority, who comes later goes later, however ageing is changed"

	ratesExact  promise = "no more units of a key are drawn than its rate limit gives"
	unitsStored promise = "units are spent for each assignment, and stored before it is told"

	deterministic promise = "the same inputs and times give the same effects"
)

// Violation is a promise that was broken, and how.
type Violation struct {
	Promise promise
	Text    string
}

func (v *Violation) Error() string { return fmt.Sprintf("%s: %s", v.Promise, v.Text) }

func broken(p promise, format string, args ...any) *Violation {
	return &Violation{Promise: p, Text: fmt.Sprintf(format, args...)}
}

// first is the first violation, if there is one.
func first(violations ...*Violation) *Violation {
	for _, v := range violations {
		if v != nil {
			return v
		}
	}
	return nil
}
