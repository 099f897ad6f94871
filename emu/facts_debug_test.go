package emu

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// The facts sheet's paragraph "Debug on (6.19+, …)", and CONFIG_DEBUG_RSEQ of
// the kernels before.

var (
	debugNew = []string{"6.19.14/debug", "7.0.4/debug", "7.0.13/v1/debug", "7.3.4/v1/debug", "7.0.13/v2/debug", "7.3.4/v2/debug"}
	debugOld = []string{"5.10.223/debug", "6.1.176/debug", "6.12.107/debug", "6.18.15/debug"}
)

// law is a program, a schedule and what they come to on every kernel of a list.
type law struct {
	name, program, schedule, see, want string
}

func testLaws(t *testing.T, kernels []string, laws []law) {
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			for _, kernel := range kernels {
				if got := boot(t, kernel, l.program).run(l.schedule).observe(l.see); got != l.want {
					t.Errorf("%s: %s is %q, want %q", kernel, l.see, got, l.want)
				}
			}
		})
	}
}

func TestFactsDebugOn(t *testing.T) {
	const good = "start_ip=start post_commit_ip=commit abort_ip=abort"
	outside := strings.Replace(section, "commit:\n", "commit:\n    syscall getpid\nbehind:\n", 1) + "thread: op\n"
	badOutside := strings.Replace(strings.Replace(outside, good, good+" version=1 flags=7", 1), "    ret\n    sig\nabort:", "    ret\n    sig 1\nabort:", 1)
	testLaws(t, debugNew, []law{
		{"cs flags with ip inside are SIGSEGV", flagged(0, 1), preemptInside, "op", "SIGSEGV flags"},
		{"version with ip inside is SIGSEGV", wrong(good+" version=1", "sig"), preemptInside, "op", "SIGSEGV version"},
		{"abort-inside with ip inside is SIGSEGV", wrong("start_ip=start post_commit_ip=commit abort_ip=inside", "sig"), preemptInside, "op", "SIGSEGV abort inside"},
		{"post_commit_offset beyond TASK_SIZE with ip inside is SIGSEGV", wrong("start_ip=start post_commit_offset=0x7ffffffff000 abort_ip=0", "sig"), preemptInside, "op", "SIGSEGV range"},
		{"post_commit_ip = TASK_SIZE with ip inside is SIGSEGV", wrong("start_ip=start post_commit_ip=0x7ffffffff000 abort_ip=0", "sig"), preemptInside, "op", "SIGSEGV range"},
		{"abort_ip = TASK_SIZE with ip inside is SIGSEGV", wrong("start_ip=start post_commit_ip=commit abort_ip=0x7ffffffff000", "sig"), preemptInside, "op", "SIGSEGV range"},
		{"bad signature with ip inside is SIGSEGV", wrong(good, "sig 1"), preemptInside, "op", "SIGSEGV signature"},
		{"a good section aborts", section + "thread: op\n", preemptInside, "op rseq_cs", "abort cleared"},
		{"a good section commits", section + "thread: op\n", "t0 through", "op rseq_cs", "commit kept"},
		{"a syscall with the ip inside is SIGSEGV", inside("syscall getpid") + "thread: op\n", "t0 through", "op", "SIGSEGV syscall"},
		{"a syscall that sleeps with the ip inside is SIGSEGV", inside("syscall nanosleep") + "thread: op\n", "t0 to inside; c0 step; t0 wake; c0 run t0; t0 through", "op", "SIGSEGV syscall"},
		{"a stale rseq_cs is cleared by syscalls", outside, "t0 to behind; t0 through", "op rseq_cs", "commit cleared"},
		{"a descriptor with the ip outside is still not looked at", badOutside, "t0 to behind; t0 through", "op rseq_cs", "commit cleared"},
		{"a clobbered id field is SIGSEGV at the next change of ids", clobberThen("nop"), "t0 to dirty; c0 preempt; c1 run t0; t0 through", "op", "SIGSEGV ids"},
		{"rseq.flags is never looked at", flagged(15, 0), preemptInside, "op", "abort"},
		{"start_ip beyond TASK_SIZE is SIGSEGV with the ip outside", wrong("start_ip=0x7ffffffff000 post_commit_offset=16 abort_ip=abort", "sig"), preemptInside, "op", "SIGSEGV range"},
		{"a wrapping range is SIGSEGV with the ip outside", wrong("start_ip=-16 post_commit_offset=32 abort_ip=abort", "sig"), preemptInside, "op", "SIGSEGV range"},
		{"an end beyond TASK_SIZE is not looked at with the ip before start_ip", wrong("start_ip=commit post_commit_offset=0x7ffffffff000 abort_ip=abort", "sig"), preemptInside, "op rseq_cs", "commit cleared"},
		{"a preemption with rseq_cs 0 checks the ids, though none has changed", clobberThen("nop"), "t0 to dirty; c0 preempt; c0 run t0; t0 through", "op", "SIGSEGV ids"},
	})
	// Every switch and every signal rewrites a V1's ids, and so finds out.
	testLaws(t, []string{"7.0.13/v1/debug", "7.3.4/v1/debug"}, []law{
		{"a clobbered id field in V1, then a sleep", clobberThen("syscall nanosleep"), "t0 to dirty; c0 step; c0 step; t0 wake; c0 run t0; t0 through", "op", "SIGSEGV ids"},
		{"a clobbered id field in V1, then a preemption", clobberThen("nop"), "t0 to dirty; c0 preempt; c0 run t0; t0 through", "op", "SIGSEGV ids"},
		{"a clobbered id field in V1, then a signal", clobberThen("nop"), "t0 to dirty; t0 signal SIGUSR1; t0 through", "op", "SIGSEGV ids"},
	})
}

// TestDebugUnregister: ids that were written to are found out by the kernels that
// leave -1 in cpu_id_start (booted: 6.19.14 and 7.3.4).
func TestDebugUnregister(t *testing.T) {
	program := calls + "thread: rseq area, 32, 0, RSEQ_SIG; put area + 20, 7; rseq area, 32, 1, RSEQ_SIG\n"
	testLaws(t, []string{"6.19.14/debug", "7.0.4/debug"}, []law{{"killed", program, "t0 through", "calls", "SIGSEGV unregister"}})
	testLaws(t, []string{"7.0.13/debug", "7.3.4/debug", "6.19.14", "6.18.15/debug"}, []law{{"not", program, "t0 through", "calls", "0 0 0"}})
}

func TestDebugBefore619(t *testing.T) {
	const good = "start_ip=start post_commit_ip=commit abort_ip=abort"
	outside := strings.Replace(section, "commit:\n", "commit:\n    syscall getpid\nbehind:\n", 1) + "thread: op\n"
	testLaws(t, debugOld, []law{
		{"a syscall with the ip inside is SIGSEGV", inside("syscall getpid") + "thread: op\n", "t0 through", "op", "SIGSEGV syscall"},
		{"a syscall with an invalid descriptor is SIGSEGV, inside or not", strings.Replace(outside, good, good+" version=1", 1), "t0 through", "op", "SIGSEGV version"},
		{"a syscall outside leaves rseq_cs alone", outside, "t0 to behind; t0 through", "op rseq_cs", "commit kept"},
		{"a good section aborts", section + "thread: op\n", preemptInside, "op rseq_cs", "abort cleared"},
		{"a good section commits", section + "thread: op\n", "t0 through", "op rseq_cs", "commit kept"},
	})
}

// TestProductionSurvivesWhatDebugKills runs the deadly cases with debug off.
func TestProductionSurvivesWhatDebugKills(t *testing.T) {
	for _, kernel := range append(debugNew, debugOld...) {
		kernel = strings.TrimSuffix(kernel, "/debug")
		if got := boot(t, kernel, inside("syscall getpid")+"thread: op\n").run("t0 through").observe("op"); got != "commit" {
			t.Errorf("%s: a syscall with the ip inside: %s, want commit", kernel, got)
		}
	}
}

// TestDebugLooksAtTheChildOfForkToo: it returns from a system call as well.
func TestDebugLooksAtTheChildOfForkToo(t *testing.T) {
	for _, kernel := range append(debugNew, debugOld...) {
		r := boot(t, kernel, inside("syscall fork")+"thread on 0: op\n").run("t0 to inside; c0 step; c0 run t1")
		for i, e := range r.Exits() {
			if e.Signal != abi.SIGSEGV || e.Reason != ReasonSyscall {
				t.Errorf("%s: process %d: %s %s, want SIGSEGV for a system call", kernel, i, e.Signal, e.Reason)
			}
		}
		if n := len(r.Exits()); n != 2 {
			t.Errorf("%s: %d processes have ended, want both", kernel, n)
		}
	}
}
