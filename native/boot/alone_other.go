//go:build !linux

package boot

import "syscall"

// alone does nothing special where nothing portable can be done.
func alone() *syscall.SysProcAttr { return nil }
