package outline

import (
	"slices"

	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// SlotsFromWire gives slots as the shard takes them.
func SlotsFromWire(from []*wire.SlotUse) []shard.SlotUse {
	var list []shard.SlotUse
	for _, use := range from {
		list = append(list, shard.SlotUse{Type: use.GetType(), Units: use.GetUnits()})
	}
	return list
}

// SlotsToWire is the inverse of SlotsFromWire.
func SlotsToWire(from []shard.SlotUse) []*wire.SlotUse {
	var list []*wire.SlotUse
	for _, use := range from {
		list = append(list, &wire.SlotUse{Type: use.Type, Units: use.Units})
	}
	return list
}

func labelsFromWire(from []*wire.Label) []shard.Label {
	var list []shard.Label
	for _, l := range from {
		comparator := l.GetComparator().String()
		if at := int(l.GetComparator()); at >= 0 && at < len(shard.Comparators) {
			comparator = shard.Comparators[at]
		}
		list = append(list, shard.Label{
			Key: l.GetKey(), Value: l.GetValue(), Comparator: comparator,
			Weight: l.GetWeight(), Required: l.GetRequired(), Number: l.GetNumber(),
		})
	}
	return list
}

func labelsToWire(from []shard.Label) []*wire.Label {
	var list []*wire.Label
	for _, l := range from {
		comparator := slices.Index(shard.Comparators, l.Comparator)
		if l.Comparator == "" {
			comparator = 0
		}
		list = append(list, &wire.Label{
			Key: l.Key, Value: l.Value, Comparator: wire.Label_Comparator(comparator),
			Weight: l.Weight, Required: l.Required, Number: l.Number,
		})
	}
	return list
}

// StickyFromWire is the number's name if there is no such stickiness.
func StickyFromWire(number wire.Sticky) string {
	if number >= 0 && int(number) < len(shard.Stickies) {
		return shard.Stickies[number]
	}
	return number.String()
}

func stickyToWire(name string) wire.Sticky { return wire.Sticky(slices.Index(shard.Stickies, name)) }
