//go:build unix && !linux

package localpg

import "syscall"

func endWithParent(*syscall.SysProcAttr) {}
