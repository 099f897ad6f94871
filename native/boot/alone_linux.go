package boot

import "syscall"

// alone keeps Ctrl-C from QEMU, which ends when we say so, and sees to it that
// it ends if we can't say anything any more.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
