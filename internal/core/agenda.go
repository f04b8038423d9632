package core

// agenda is what is due at some time, that which is next in front: a heap, so that ten
// thousand things cost nothing while none is due.
type agenda[T due[T]] struct{ list []T }

// due is something in an agenda. The order leaves nothing open: the same inputs give the
// same effects.
type due[T any] interface {
	before(other T) bool
	place() *int // its index in the agenda, which keeps it
}

// first is what is next, if there is anything.
func (a *agenda[T]) first() (next T) {
	if len(a.list) > 0 {
		next = a.list[0]
	}
	return next
}

func (a *agenda[T]) add(one T) {
	at := len(a.list)
	a.list = append(a.list, one)
	*one.place() = at
	a.up(at)
}

// remove takes one out that is there.
func (a *agenda[T]) remove(one T) {
	at, last := *one.place(), len(a.list)-1
	a.swap(at, last)
	clear(a.list[last:])
	a.list = a.list[:last]
	if at < last {
		a.up(at)
		a.down(at)
	}
}

func (a *agenda[T]) swap(i, j int) {
	a.list[i], a.list[j] = a.list[j], a.list[i]
	*a.list[i].place(), *a.list[j].place() = i, j
}

func (a *agenda[T]) up(i int) {
	for parent := (i - 1) / 2; i > 0 && a.list[i].before(a.list[parent]); parent = (i - 1) / 2 {
		a.swap(i, parent)
		i = parent
	}
}

func (a *agenda[T]) down(i int) {
	for child := 2*i + 1; child < len(a.list); child = 2*i + 1 {
		if right := child + 1; right < len(a.list) && a.list[right].before(a.list[child]) {
			child = right
		}
		if !a.list[child].before(a.list[i]) {
			return
		}
		a.swap(i, child)
		i = child
	}
}
