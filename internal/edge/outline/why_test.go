package outline

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/core"
)

func TestSentencesSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	memory := core.Label{Key: "memory", Value: "64", Number: true, Comparator: core.LabelGreaterOrEqual, Required: true}
	zone := core.Label{Key: "zone", Value: "eu", Required: true}
	need := core.Need{Action: "render", Labels: []core.Label{memory, zone, {Key: "disk", Value: "ssd"}}}
	for text, reason := range map[string]core.Reason{
		"The only worker that runs the action render may not have it: it requires the label memory >= 64, which no worker has.": {
			Cause: core.CauseNoMatch, Offered: 1, Need: need, Unmet: []core.Label{memory},
		},
		"2 workers run the action render, and none of them may have it: it requires the labels memory >= 64 and zone == eu.": {
			Cause: core.CauseNoMatch, Offered: 2, Need: need,
		},
		"The only worker that runs the action render may not have it: it is for worker " + core.Need{Worker: 7}.Worker.String() + " only, which is not connected.": {
			Cause: core.CauseNoMatch, Offered: 1, Need: core.Need{Action: "render", Worker: 7}, Away: true,
		},
		"The only worker that runs the action render may not have it: it takes 2 gpu slots, which no worker has.": {
			Cause: core.CauseNoMatch, Offered: 1, Need: need, Scarce: []core.SlotUse{{Type: "gpu", Units: 2}},
		},
		"All slots are in use: 4 slots of 2 workers for the queue render. It is the next.": {
			Cause: core.CauseBusy, Queue: "render", Fitting: 2, Slots: 4,
		},
		"Too few slots are free: it takes 1 slot and 2 gpu slots, of 1 worker for the queue render. It is the next.": {
			Cause: core.CauseBusy, Queue: "render", Fitting: 1, Slots: 4, Need: core.Need{Slots: []core.SlotUse{{Units: 1}, {Type: "gpu", Units: 2}}},
		},
		"The only worker that may have it is paused. It is given up at 1970-01-01 00:00:01 UTC.": {
			Cause: core.CausePaused, Paused: 1, Expires: 1_000,
		},
		"All 2 workers that may have it are paused.": {Cause: core.CausePaused, Paused: 2},
		`From the rate limit api of "ann" nothing can be drawn until it is set otherwise. It is the next.`: {
			Cause: core.CauseRate, Name: "api", Key: "ann",
		},
		"The queue mail is paused. It is cancelled at 1970-01-01 00:00:01 UTC, if that lasts.": {
			Cause: core.CausePaused, Name: "queue mail", Expires: 1_000,
		},
		"It begins at 1970-01-01 00:00:01 UTC, unless another run of its key comes before.": {
			Cause: core.CauseTime, Until: 1_000, Quiet: true, Attempt: 1,
		},
	} {
		require.Equal(t, text, sentence(&reason))
	}
}
