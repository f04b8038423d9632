package admit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
)

func slotTypes(n int) (list []shard.SlotUse) {
	for i := range n {
		list = append(list, shard.SlotUse{Type: fmt.Sprintf("t%d", i), Units: 1})
	}
	return list
}

func wantedLabels(n int) []shard.Label {
	list := make([]shard.Label, n)
	for i := range list {
		list[i] = shard.Label{Key: "zone", Value: "a"}
	}
	return list
}

func TestRoutesAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		task  shard.Task
		field string
	}{
		"most types":         {shard.Task{Slots: slotTypes(SlotTypesMax)}, ""},
		"too many types":     {shard.Task{Slots: slotTypes(SlotTypesMax + 1)}, "slots"},
		"a type twice":       {shard.Task{Slots: append(slotTypes(1), slotTypes(1)...)}, "slots[1].type"},
		"most units":         {shard.Task{Slots: []shard.SlotUse{{Units: SlotsMax}}}, ""},
		"too many units":     {shard.Task{Slots: []shard.SlotUse{{Units: SlotsMax + 1}}}, "slots[0].units"},
		"no units":           {shard.Task{Slots: []shard.SlotUse{{}}}, "slots[0].units"},
		"most labels":        {shard.Task{Labels: wantedLabels(LabelsWantedMax)}, ""},
		"too many labels":    {shard.Task{Labels: wantedLabels(LabelsWantedMax + 1)}, "labels"},
		"no key":             {shard.Task{Labels: []shard.Label{{Value: "a"}}}, "labels[0].key"},
		"no such comparator": {shard.Task{Labels: []shard.Label{{Key: "a", Comparator: "~"}}}, "labels[0].comparator"},
		"no number":          {shard.Task{Labels: []shard.Label{{Key: "a", Value: "b", Comparator: ">"}}}, "labels[0].value"},
		"largest weight":     {shard.Task{Labels: []shard.Label{{Key: "a", Weight: LabelWeightMax}}}, ""},
		"too large a weight": {shard.Task{Labels: []shard.Label{{Key: "a", Weight: LabelWeightMax + 1}}}, "labels[0].weight"},
		"sticky":             {shard.Task{Sticky: "only"}, ""},
		"no such stickiness": {shard.Task{Sticky: "glue"}, "sticky"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.field, fieldOfError(taskRoute(&c.task)))
		})
	}
}

func fieldOfError(err error) string {
	if err == nil {
		return ""
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return e.Field
}

func TestLabelsOfAWorkerAreBounded(t *testing.T) {
	t.Parallel()
	labels := map[string]string{}
	for i := range LabelsMax {
		labels[fmt.Sprint(i)] = strings.Repeat("v", LabelBytesMax)
	}
	require.NoError(t, Labels(labels))
	labels["one more"] = ""
	require.Error(t, Labels(labels))
	require.Error(t, Labels(map[string]string{"a": strings.Repeat("v", LabelBytesMax+1)}))
	require.Error(t, Labels(map[string]string{"": "v"}))
}
