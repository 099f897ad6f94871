package abi_test

import (
	"strconv"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

func TestSignal(t *testing.T) {
	names := []string{
		1: "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
		9: "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
		17: "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
		25: "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
	}
	for i := 1; i <= int(abi.MaxSignal); i++ {
		s := abi.Signal(i)
		want := "SIG" + strconv.Itoa(i)
		if i < len(names) {
			want = names[i]
		}
		if got := s.String(); got != want {
			t.Errorf("signal %d: got %q, want %q", i, got, want)
		}
		for _, text := range []string{want, strconv.Itoa(i)} {
			if got, ok := abi.ParseSignal(text); !ok || got != s {
				t.Errorf("%q: got %v, %v, want %v", text, got, ok, s)
			}
		}
		if !s.Valid() {
			t.Errorf("%v is not valid", s)
		}
	}
}

func TestSignalNumbers(t *testing.T) {
	for s, want := range map[abi.Signal]uint8{
		abi.SIGILL: 4, abi.SIGTRAP: 5, abi.SIGBUS: 7, abi.SIGKILL: 9, abi.SIGUSR1: 10, abi.SIGSEGV: 11,
		abi.SIGUSR2: 12, abi.SIGALRM: 14, abi.SIGTERM: 15, abi.SIGCHLD: 17, abi.SIGCONT: 18, abi.SIGSTOP: 19,
	} {
		if uint8(s) != want {
			t.Errorf("%v: got %d, want %d", s, uint8(s), want)
		}
	}
}

func TestSignalInvalid(t *testing.T) {
	for _, s := range []abi.Signal{0, abi.MaxSignal + 1, 255} {
		if s.Valid() {
			t.Errorf("%v is valid", s)
		}
		if got, ok := abi.ParseSignal(s.String()); ok {
			t.Errorf("%q: got %v", s.String(), got)
		}
	}
	for _, text := range []string{"", "0", "65", "266", "-1", "+1", "SIG", "SIG0", "USR1", "sigusr1", "SIGUSR1 ", "SIGSIG1", "SIGUSR3"} {
		if s, ok := abi.ParseSignal(text); ok {
			t.Errorf("%q: got %v", text, s)
		}
	}
}
