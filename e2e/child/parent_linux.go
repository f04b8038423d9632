package child

import "syscall"

// endWithParent kills the child when the test process dies without its cleanups.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
