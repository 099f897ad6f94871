package abi

import "fmt"

// Syscall is a system call, whatever its number: that depends on the
// architecture, see [Arch.Nr] and [Arch.Syscall]. The zero value is no system
// call.
type Syscall uint8

// The system calls that matter to a program with restartable sequences: those
// of the ABI itself, those that move or block a thread, those that make and end
// threads, and those that handle signals.
const (
	SysRSeq             Syscall = iota + 1 // rseq, 4.18
	SysRSeqSliceYield                      // rseq_slice_yield, 7.0
	SysMembarrier                          // membarrier, 4.3
	SysPrctl                               // prctl
	SysSchedYield                          // sched_yield
	SysSchedSetaffinity                    // sched_setaffinity
	SysSchedGetaffinity                    // sched_getaffinity
	SysGetCPU                              // getcpu
	SysGetpid                              // getpid
	SysGettid                              // gettid
	SysNanosleep                           // nanosleep
	SysClone                               // clone
	SysFork                                // fork
	SysVfork                               // vfork
	SysExecve                              // execve
	SysExit                                // exit, of one thread
	SysExitGroup                           // exit_group
	SysTgkill                              // tgkill
	SysKill                                // kill
	SysRtSigaction                         // rt_sigaction
	SysRtSigprocmask                       // rt_sigprocmask
	SysRtSigreturn                         // rt_sigreturn
	SysFutex                               // futex
	SysPause                               // pause
	SysPtrace                              // ptrace
	SysMadvise                             // madvise
	SysMunmap                              // munmap

	syscallCount = iota + 1
)

var syscallNames = [syscallCount]string{
	SysRSeq:             "rseq",
	SysRSeqSliceYield:   "rseq_slice_yield",
	SysMembarrier:       "membarrier",
	SysPrctl:            "prctl",
	SysSchedYield:       "sched_yield",
	SysSchedSetaffinity: "sched_setaffinity",
	SysSchedGetaffinity: "sched_getaffinity",
	SysGetCPU:           "getcpu",
	SysGetpid:           "getpid",
	SysGettid:           "gettid",
	SysNanosleep:        "nanosleep",
	SysClone:            "clone",
	SysFork:             "fork",
	SysVfork:            "vfork",
	SysExecve:           "execve",
	SysExit:             "exit",
	SysExitGroup:        "exit_group",
	SysTgkill:           "tgkill",
	SysKill:             "kill",
	SysRtSigaction:      "rt_sigaction",
	SysRtSigprocmask:    "rt_sigprocmask",
	SysRtSigreturn:      "rt_sigreturn",
	SysFutex:            "futex",
	SysPause:            "pause",
	SysPtrace:           "ptrace",
	SysMadvise:          "madvise",
	SysMunmap:           "munmap",
}

// Syscalls returns every system call that this package names, in the order of
// their values. The slice is the caller's.
func Syscalls() []Syscall {
	all := make([]Syscall, 0, syscallCount-1)
	for s := Syscall(1); s < syscallCount; s++ {
		all = append(all, s)
	}
	return all
}

// ParseSyscall returns the system call that the kernel calls name, such as
// "sched_yield".
func ParseSyscall(name string) (Syscall, bool) {
	for s := Syscall(1); s < syscallCount; s++ {
		if syscallNames[s] == name {
			return s, true
		}
	}
	return 0, false
}

// Valid reports whether s is one of the system calls of [Syscalls].
func (s Syscall) Valid() bool { return s > 0 && s < syscallCount }

// String returns the kernel's name, such as "sched_yield".
func (s Syscall) String() string {
	if s.Valid() {
		return syscallNames[s]
	}
	return fmt.Sprintf("syscall %d", uint8(s))
}
