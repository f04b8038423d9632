package define

import (
	"maps"
	"slices"
	"strconv"

	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// leastWeight stands for a weight of 0, which Adze takes for none given.
const leastWeight = 1

// Labels are what a worker should be, by key.
func Labels(from map[string]*wire.DesiredWorkerLabels) (list []shard.Label, err error) {
	for _, key := range slices.Sorted(maps.Keys(from)) {
		l := from[key]
		to := shard.Label{Key: key, Required: l.GetRequired(), Weight: l.GetWeight()}
		if l.GetWeight() == 0 && l != nil && l.Weight != nil {
			to.Weight = leastWeight
		}
		switch {
		case l.GetStrValue() != "" || l.GetIntValue() == 0 && (l == nil || l.IntValue == nil):
			to.Value = l.GetStrValue()
		default:
			to.Value, to.Number = strconv.Itoa(int(l.GetIntValue())), true
		}
		at := int(l.GetComparator())
		if at < 0 || at >= len(shard.Comparators) {
			return nil, invalid(key, "has the comparator %d, which does not exist", at)
		}
		to.Comparator = shard.Comparators[at]
		list = append(list, to)
	}
	return list, nil
}
