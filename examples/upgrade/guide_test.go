package upgrade_test

import (
	"testing"

	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "conditions.md", "upgrade.go", "invoice.go", "upgrade_test.go")
}
