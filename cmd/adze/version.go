package main

import (
	"fmt"
	"runtime"

	"github.com/adzehq/adze/internal/record/migrations"
)

type versionCmd struct{}

// Run prints what someone who helps must know.
func (versionCmd) Run(e *env) error {
	fmt.Fprintf(e.stdout, "adze %s, schema %s, %s %s/%s\n",
		version, migrations.Digest(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
