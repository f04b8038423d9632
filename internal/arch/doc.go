// Package arch is the architecture as tests: which layer may import which, who
// writes a table, what a package and a file look like. It owns the list of
// layers and the reason of each rule, which is what a broken one prints. It
// reads the source only, so it speaks even when something does not compile.
package arch
