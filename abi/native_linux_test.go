//go:build linux && !mips && !mipsle && !mips64 && !mips64le

package abi_test

import (
	"runtime"
	"syscall"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// TestNativeNumbers holds the package against the standard library's tables of
// the architecture that the test runs on. MIPS is left out: its signals and
// some of its errnos are numbered otherwise.
func TestNativeNumbers(t *testing.T) {
	a, err := abi.ParseArch(runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	for s, want := range map[abi.Syscall]int{
		abi.SysPrctl:         syscall.SYS_PRCTL,
		abi.SysSchedYield:    syscall.SYS_SCHED_YIELD,
		abi.SysGetpid:        syscall.SYS_GETPID,
		abi.SysGettid:        syscall.SYS_GETTID,
		abi.SysNanosleep:     syscall.SYS_NANOSLEEP,
		abi.SysClone:         syscall.SYS_CLONE,
		abi.SysExecve:        syscall.SYS_EXECVE,
		abi.SysExit:          syscall.SYS_EXIT,
		abi.SysExitGroup:     syscall.SYS_EXIT_GROUP,
		abi.SysTgkill:        syscall.SYS_TGKILL,
		abi.SysKill:          syscall.SYS_KILL,
		abi.SysRtSigaction:   syscall.SYS_RT_SIGACTION,
		abi.SysRtSigprocmask: syscall.SYS_RT_SIGPROCMASK,
		abi.SysRtSigreturn:   syscall.SYS_RT_SIGRETURN,
		abi.SysFutex:         syscall.SYS_FUTEX,
		abi.SysPtrace:        syscall.SYS_PTRACE,
		abi.SysMadvise:       syscall.SYS_MADVISE,
		abi.SysMunmap:        syscall.SYS_MUNMAP,
	} {
		if got, ok := a.Nr(s); !ok || got != want {
			t.Errorf("%v on %v: got %d, %v, want %d", s, a, got, ok, want)
		}
	}
	for e, want := range map[abi.Errno]syscall.Errno{
		abi.EPERM: syscall.EPERM, abi.ENOENT: syscall.ENOENT, abi.ESRCH: syscall.ESRCH, abi.EINTR: syscall.EINTR,
		abi.EIO: syscall.EIO, abi.ENXIO: syscall.ENXIO, abi.E2BIG: syscall.E2BIG, abi.ENOEXEC: syscall.ENOEXEC,
		abi.EBADF: syscall.EBADF, abi.ECHILD: syscall.ECHILD, abi.EAGAIN: syscall.EAGAIN, abi.ENOMEM: syscall.ENOMEM,
		abi.EACCES: syscall.EACCES, abi.EFAULT: syscall.EFAULT, abi.EBUSY: syscall.EBUSY, abi.EEXIST: syscall.EEXIST,
		abi.EXDEV: syscall.EXDEV, abi.ENODEV: syscall.ENODEV, abi.ENOTDIR: syscall.ENOTDIR, abi.EISDIR: syscall.EISDIR,
		abi.EINVAL: syscall.EINVAL, abi.ENFILE: syscall.ENFILE, abi.EMFILE: syscall.EMFILE, abi.EFBIG: syscall.EFBIG,
		abi.ENOSPC: syscall.ENOSPC, abi.EROFS: syscall.EROFS, abi.EPIPE: syscall.EPIPE, abi.EDOM: syscall.EDOM,
		abi.ERANGE: syscall.ERANGE, abi.EDEADLK: syscall.EDEADLK, abi.ENAMETOOLONG: syscall.ENAMETOOLONG,
		abi.ENOSYS: syscall.ENOSYS, abi.EOVERFLOW: syscall.EOVERFLOW, abi.EOPNOTSUPP: syscall.EOPNOTSUPP,
		abi.ETIMEDOUT: syscall.ETIMEDOUT,
	} {
		if syscall.Errno(e) != want {
			t.Errorf("%v: got %d, want %d", e, uint16(e), uintptr(want))
		}
	}
	for s, want := range map[abi.Signal]syscall.Signal{
		abi.SIGHUP: syscall.SIGHUP, abi.SIGINT: syscall.SIGINT, abi.SIGQUIT: syscall.SIGQUIT, abi.SIGILL: syscall.SIGILL,
		abi.SIGTRAP: syscall.SIGTRAP, abi.SIGABRT: syscall.SIGABRT, abi.SIGBUS: syscall.SIGBUS, abi.SIGFPE: syscall.SIGFPE,
		abi.SIGKILL: syscall.SIGKILL, abi.SIGUSR1: syscall.SIGUSR1, abi.SIGSEGV: syscall.SIGSEGV, abi.SIGUSR2: syscall.SIGUSR2,
		abi.SIGPIPE: syscall.SIGPIPE, abi.SIGALRM: syscall.SIGALRM, abi.SIGTERM: syscall.SIGTERM, abi.SIGSTKFLT: syscall.SIGSTKFLT,
		abi.SIGCHLD: syscall.SIGCHLD, abi.SIGCONT: syscall.SIGCONT, abi.SIGSTOP: syscall.SIGSTOP, abi.SIGTSTP: syscall.SIGTSTP,
		abi.SIGTTIN: syscall.SIGTTIN, abi.SIGTTOU: syscall.SIGTTOU, abi.SIGURG: syscall.SIGURG, abi.SIGXCPU: syscall.SIGXCPU,
		abi.SIGXFSZ: syscall.SIGXFSZ, abi.SIGVTALRM: syscall.SIGVTALRM, abi.SIGPROF: syscall.SIGPROF, abi.SIGWINCH: syscall.SIGWINCH,
		abi.SIGIO: syscall.SIGIO, abi.SIGPWR: syscall.SIGPWR, abi.SIGSYS: syscall.SIGSYS,
	} {
		if syscall.Signal(s) != want {
			t.Errorf("%v: got %d, want %d", s, uint8(s), int(want))
		}
	}
}
