package sim

import (
	"fmt"
	"reflect"
	"strings"
)

// traceSteps is how many steps before a failure are shown.
const traceSteps = 40

// Failure is a history that broke a promise.
type Failure struct {
	Seed  uint64
	Steps int // asked for
	At    int // the input that broke it
	Trace string
	*Violation
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, input %d: %v\nreplay: go test ./internal/core/sim -run TestSimulation -sim.histories 1 -sim.seed %d -sim.steps %d\n%s",
		f.Seed, f.At, f.Violation, f.Seed, f.Steps, f.Trace)
}

// trace shows the last steps.
func (h *history) trace() string {
	var b strings.Builder
	fmt.Fprintf(&b, "window %d; %d of %d steps committed\n", h.window, h.durable, len(h.entries))
	for i := max(0, len(h.entries)-traceSteps); i < len(h.entries); i++ {
		e := &h.entries[i]
		fmt.Fprintf(&b, "%4d at %d: %s\n", i, e.now, show(e.in))
		effects := reflect.ValueOf(*e.out)
		for f := range effects.NumField() {
			showField(&b, effects.Type().Field(f).Name, effects.Field(f))
		}
	}
	return b.String()
}

func showField(b *strings.Builder, name string, v reflect.Value) {
	if v.Kind() != reflect.Slice {
		if !v.IsZero() {
			fmt.Fprintf(b, "       %s %v\n", name, v.Interface())
		}
		return
	}
	for i := range v.Len() {
		fmt.Fprintf(b, "       %s %s\n", name, show(v.Index(i).Interface()))
	}
}

// show prints what is not zero.
func show(v any) string {
	value := reflect.Indirect(reflect.ValueOf(v))
	switch {
	case !value.IsValid():
		return "nothing"
	case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8:
		return string(value.Bytes())
	case value.Kind() == reflect.Slice:
		var parts []string
		for i := range value.Len() {
			parts = append(parts, show(value.Index(i).Interface()))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case value.Kind() == reflect.Int64 && value.Type().Name() == "ID":
		return fmt.Sprint(value.Int()) // short here, unlike its UUID
	case value.Kind() != reflect.Struct:
		return fmt.Sprint(value.Interface())
	}
	var parts []string
	for i := range value.NumField() {
		if f := value.Field(i); !f.IsZero() {
			parts = append(parts, value.Type().Field(i).Name+":"+show(f.Interface()))
		}
	}
	return strings.TrimPrefix(value.Type().String(), "core.") + "{" + strings.Join(parts, " ") + "}"
}
