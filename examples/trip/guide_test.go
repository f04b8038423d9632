package trip_test

import (
	"testing"

	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "durable.md", "trip.go", "trip_test.go", "../onboard/onboard.go", "../onboard/onboard_test.go")
}
