//go:build race

package child

var buildFlags = []string{"-race"}
