package localpg

import "syscall"

// endWithParent asks the system for a fast shutdown of the server when we die.
// Everywhere else a server may outlive us; the next Start on its data directory
// stops it.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
