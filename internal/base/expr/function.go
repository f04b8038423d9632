package expr

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// TextBytesMax bounds what a function on texts gives: two that multiply each other's
// length would fill the memory within a few calls.
const TextBytesMax = 1 << 20

// function is one on texts, under all its signatures.
type function struct {
	name      string
	overloads []overload
}

// overload is a signature; the first of its parameters is what it is called on.
type overload struct {
	parameters []*cel.Type
	result     *cel.Type
	call       func(args []ref.Val) (any, error)
}

var stringsType = reflect.TypeFor[[]string]()

var (
	text = cel.StringType
	list = cel.ListType(cel.StringType)
)

// functions are those that expressions may use besides CEL's own. They are the usual ones
// on texts, and checksum.
var functions = []function{
	{"checksum", []overload{{[]*cel.Type{text}, text, func(a []ref.Val) (any, error) {
		sum := sha256.Sum256([]byte(stringOf(a[0])))
		return hex.EncodeToString(sum[:]), nil
	}}}},
	{"lowerAscii", []overload{{[]*cel.Type{text}, text, mapped(strings.ToLower)}}},
	{"upperAscii", []overload{{[]*cel.Type{text}, text, mapped(strings.ToUpper)}}},
	{"trim", []overload{{[]*cel.Type{text}, text, func(a []ref.Val) (any, error) { return strings.TrimSpace(stringOf(a[0])), nil }}}},
	{"replace", []overload{{[]*cel.Type{text, text, text}, text, replace}}},
	{"split", []overload{{[]*cel.Type{text, text}, list, split}}},
	{"join", []overload{{[]*cel.Type{list}, text, join}, {[]*cel.Type{list, text}, text, join}}},
	{"indexOf", []overload{{[]*cel.Type{text, text}, cel.IntType, func(a []ref.Val) (any, error) {
		return characters(stringOf(a[0]), strings.Index(stringOf(a[0]), stringOf(a[1]))), nil
	}}}},
	{"lastIndexOf", []overload{{[]*cel.Type{text, text}, cel.IntType, func(a []ref.Val) (any, error) {
		return characters(stringOf(a[0]), strings.LastIndex(stringOf(a[0]), stringOf(a[1]))), nil
	}}}},
	{"charAt", []overload{{[]*cel.Type{text, cel.IntType}, text, func(a []ref.Val) (any, error) {
		return slice(stringOf(a[0]), int64(a[1].(types.Int)), int64(a[1].(types.Int))+1)
	}}}},
	{"substring", []overload{
		{[]*cel.Type{text, cel.IntType}, text, func(a []ref.Val) (any, error) {
			all := []rune(stringOf(a[0]))
			return slice(string(all), int64(a[1].(types.Int)), int64(len(all)))
		}},
		{[]*cel.Type{text, cel.IntType, cel.IntType}, text, func(a []ref.Val) (any, error) {
			return slice(stringOf(a[0]), int64(a[1].(types.Int)), int64(a[2].(types.Int)))
		}},
	}},
}

func stringOf(v ref.Val) string {
	s, _ := v.(types.String)
	return string(s)
}

// mapped changes the letters of ASCII only.
func mapped(change func(string) string) func([]ref.Val) (any, error) {
	return func(a []ref.Val) (any, error) {
		return strings.Map(func(r rune) rune {
			if r < 128 {
				return rune(change(string(r))[0])
			}
			return r
		}, stringOf(a[0])), nil
	}
}

func replace(a []ref.Val) (any, error) {
	in, old, by := stringOf(a[0]), stringOf(a[1]), stringOf(a[2])
	if n := strings.Count(in, old); len(in)+n*max(0, len(by)-len(old)) > TextBytesMax {
		return nil, tooLong()
	}
	return strings.ReplaceAll(in, old, by), nil
}

func split(a []ref.Val) (any, error) {
	in, by := stringOf(a[0]), stringOf(a[1])
	if len(in) > TextBytesMax {
		return nil, tooLong()
	}
	return strings.Split(in, by), nil
}

func join(a []ref.Val) (any, error) {
	by := ""
	if len(a) > 1 {
		by = stringOf(a[1])
	}
	parts, err := a[0].ConvertToNative(stringsType)
	if err != nil {
		return nil, err
	}
	bytes := 0
	for _, part := range parts.([]string) {
		if bytes += len(part) + len(by); bytes > TextBytesMax {
			return nil, tooLong()
		}
	}
	return strings.Join(parts.([]string), by), nil
}

func tooLong() error {
	return fmt.Errorf("a text would be longer than %d bytes", TextBytesMax)
}

// characters is the place of a byte, counted in characters; −1 stays.
func characters(in string, at int) int64 {
	if at < 0 {
		return -1
	}
	return int64(len([]rune(in[:at])))
}

func slice(in string, from, to int64) (any, error) {
	all := []rune(in)
	if from < 0 || to < from || to > int64(len(all)) {
		return nil, fmt.Errorf("places %d to %d are not in a text of %d characters", from, to, len(all))
	}
	return string(all[from:to]), nil
}

// option declares f. All but checksum are called on their first parameter.
func (f *function) option() cel.EnvOption {
	var overloads []cel.FunctionOpt
	for i, o := range f.overloads {
		id := fmt.Sprintf("adze_%s_%d", f.name, i)
		binding := cel.FunctionBinding(func(args ...ref.Val) ref.Val {
			result, err := o.call(args)
			if err != nil {
				return types.NewErr("%s: %s", f.name, err)
			}
			return types.DefaultTypeAdapter.NativeToValue(result)
		})
		declare := cel.MemberOverload
		if f.name == "checksum" {
			declare = cel.Overload
		}
		overloads = append(overloads, declare(id, o.parameters, o.result, binding))
	}
	return cel.Function(f.name, overloads...)
}

// bytesPerCost is how much of a text one of CEL's units of cost is worth.
const bytesPerCost = 10

// CallCost implements cost.ActualCostEstimator: a function costs as much as the
// texts are long that it reads and gives.
func (pricing) CallCost(called, overload string, args []ref.Val, result ref.Val) *uint64 {
	if !strings.HasPrefix(overload, "adze_") {
		return nil
	}
	units := uint64(1 + len(stringOf(result))/bytesPerCost)
	for _, a := range args {
		units += uint64(len(stringOf(a)) / bytesPerCost)
	}
	return &units
}

// pricing says what our own functions cost.
type pricing struct{}

var _ cost.ActualCostEstimator = pricing{}
