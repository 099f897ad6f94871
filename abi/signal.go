package abi

import (
	"fmt"
	"strconv"
	"strings"
)

// Signal is a signal number, 1..64. The zero value is no signal.
type Signal uint8

// Signals, by asm-generic/signal.h, which all architectures of this package
// but MIPS follow. SIGKILL and SIGSTOP can't be caught.
const (
	SIGHUP    Signal = 1
	SIGINT    Signal = 2
	SIGQUIT   Signal = 3
	SIGILL    Signal = 4 // also what many signatures raise, if a thread runs into one
	SIGTRAP   Signal = 5
	SIGABRT   Signal = 6
	SIGBUS    Signal = 7
	SIGFPE    Signal = 8
	SIGKILL   Signal = 9
	SIGUSR1   Signal = 10
	SIGSEGV   Signal = 11 // also what the kernel raises when the area or a descriptor is bad
	SIGUSR2   Signal = 12
	SIGPIPE   Signal = 13
	SIGALRM   Signal = 14
	SIGTERM   Signal = 15
	SIGSTKFLT Signal = 16
	SIGCHLD   Signal = 17
	SIGCONT   Signal = 18
	SIGSTOP   Signal = 19
	SIGTSTP   Signal = 20
	SIGTTIN   Signal = 21
	SIGTTOU   Signal = 22
	SIGURG    Signal = 23
	SIGXCPU   Signal = 24
	SIGXFSZ   Signal = 25
	SIGVTALRM Signal = 26
	SIGPROF   Signal = 27
	SIGWINCH  Signal = 28
	SIGIO     Signal = 29
	SIGPWR    Signal = 30
	SIGSYS    Signal = 31

	// MaxSignal is the greatest signal number (the last real-time signal).
	MaxSignal Signal = 64
)

var signalNames = [...]string{
	SIGHUP:    "SIGHUP",
	SIGINT:    "SIGINT",
	SIGQUIT:   "SIGQUIT",
	SIGILL:    "SIGILL",
	SIGTRAP:   "SIGTRAP",
	SIGABRT:   "SIGABRT",
	SIGBUS:    "SIGBUS",
	SIGFPE:    "SIGFPE",
	SIGKILL:   "SIGKILL",
	SIGUSR1:   "SIGUSR1",
	SIGSEGV:   "SIGSEGV",
	SIGUSR2:   "SIGUSR2",
	SIGPIPE:   "SIGPIPE",
	SIGALRM:   "SIGALRM",
	SIGTERM:   "SIGTERM",
	SIGSTKFLT: "SIGSTKFLT",
	SIGCHLD:   "SIGCHLD",
	SIGCONT:   "SIGCONT",
	SIGSTOP:   "SIGSTOP",
	SIGTSTP:   "SIGTSTP",
	SIGTTIN:   "SIGTTIN",
	SIGTTOU:   "SIGTTOU",
	SIGURG:    "SIGURG",
	SIGXCPU:   "SIGXCPU",
	SIGXFSZ:   "SIGXFSZ",
	SIGVTALRM: "SIGVTALRM",
	SIGPROF:   "SIGPROF",
	SIGWINCH:  "SIGWINCH",
	SIGIO:     "SIGIO",
	SIGPWR:    "SIGPWR",
	SIGSYS:    "SIGSYS",
}

// ParseSignal returns the signal that [Signal.String] writes as s, or that has
// the decimal number s: "SIGUSR1" and "10" are the same. It must be in
// 1..[MaxSignal].
func ParseSignal(s string) (Signal, bool) {
	for i, name := range signalNames {
		if i > 0 && name == s {
			return Signal(i), true
		}
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "SIG"), 10, 8)
	if err != nil || !Signal(n).Valid() {
		return 0, false
	}
	return Signal(n), true
}

// Valid reports whether s is in 1..[MaxSignal].
func (s Signal) Valid() bool { return s > 0 && s <= MaxSignal }

// String returns the name, such as "SIGUSR1". A real-time signal is "SIG34":
// libc and the kernel don't agree on what SIGRTMIN is.
func (s Signal) String() string {
	if s > 0 && int(s) < len(signalNames) {
		return signalNames[s]
	}
	return fmt.Sprintf("SIG%d", uint8(s))
}
