package emu

import (
	"testing"
)

// The facts sheet's paragraph "arm64, booted too", and the architectures that
// don't use the generic entry code.

func TestFactsARM64(t *testing.T) {
	const one = section + "thread: op\n"
	// 6.12.107 and 7.1.3, 7.1.13, 7.2.6, 7.3.4 abort as x86 does.
	testLaws(t, []string{
		"6.12.107/arm64", "7.1.3/arm64/v1", "7.1.3/arm64/v2", "7.1.13/arm64/v1", "7.1.13/arm64/v2",
		"7.2.6/arm64/v1", "7.2.6/arm64/v2", "7.3.4/arm64/v1", "7.3.4/arm64/v2",
	}, []law{
		{"preempted", one, preemptInside, "op rseq_cs", "abort cleared"},
		{"migrated", one, migrateInside, "op rseq_cs cpu_id", "abort cleared 1"},
		{"signalled", one, signalInside, "op rseq_cs", "abort cleared"},
	})
	// 6.19.14 and 7.0.13 never abort on a preemption or migration, V1 and V2
	// alike. Ids are rewritten on migration everywhere.
	testLaws(t, []string{"6.19.14/arm64", "7.0.13/arm64/v1", "7.0.13/arm64/v2"}, []law{
		{"never on a preemption", one, preemptInside, "op rseq_cs", "commit kept"},
		{"never on a migration, but the ids are rewritten", one, migrateInside, "op rseq_cs cpu_id_start cpu_id", "commit kept 1 1"},
		{"never on another thread's membarrier", one, "t0 to inside; c0 membarrier; t0 through", "op rseq_cs", "commit kept"},
	})
	// Signals: 6.19.14 doesn't abort the interrupted section either (rseq_cs
	// kept, saved ip unchanged); 7.0.13 does in V1, not in V2.
	testLaws(t, []string{"6.19.14/arm64", "7.0.13/arm64/v2"}, []law{
		{"nor on a signal", one, signalInside, "op rseq_cs", "commit kept"},
	})
	testLaws(t, []string{"7.0.13/arm64/v1"}, []law{
		{"but on a signal in V1", one, signalInside, "op rseq_cs", "abort cleared"},
	})
	for kernel, label := range map[string]string{"6.19.14/arm64": "inside", "7.0.13/arm64/v2": "inside", "7.0.13/arm64/v1": "abort"} {
		r := boot(t, kernel, one).run(signalInside)
		if got, want := r.data("seen", 2), int64(r.label(label)); got != want {
			t.Errorf("%s: the frame's ip is %#x, want %s %#x", kernel, got, label, want)
		}
	}
}

// TestSyscallsDontAbortOnARM64: "6.19 on arm64" must not be inferred from x86,
// but this much is the same.
func TestSyscallsDontAbortOnARM64(t *testing.T) {
	testLaws(t, []string{"6.19.14/arm64", "7.0.13/arm64/v1", "7.0.13/arm64/v2", "7.3.4/arm64/v1", "7.3.4/arm64/v2"}, []law{
		{"a syscall that blocks, same CPU", inside("syscall nanosleep") + "thread: op\n", "t0 to inside; c0 step; t0 wake; c0 run t0; t0 through", "op rseq_cs", "commit kept"},
		{"a syscall that blocks, and the CPU changed", inside("syscall nanosleep") + "thread: op\n", "t0 to inside; c0 step; t0 wake; c1 run t0; t0 through", "op rseq_cs cpu_id", "commit kept 1"},
	})
}

// TestWithoutGenericEntryIdsAreAlwaysRewritten: where the exit's fast path isn't
// built in, all work is the slow path's, which writes the ids whenever it has
// work at all.
func TestWithoutGenericEntryIdsAreAlwaysRewritten(t *testing.T) {
	const (
		sleep   = "t0 to dirty; c0 step; c0 step; t0 wake; c0 run t0; t0 through"
		preempt = "t0 to dirty; c0 preempt; c0 run t0; t0 through"
	)
	// No user_irq at all: every switch is work.
	testLaws(t, []string{"6.19/arm", "7.0.4/mips", "7.3/arm", "7.3/openrisc"}, []law{
		{"sleep", clobberThen("syscall nanosleep"), sleep, "op clobber", "commit rewritten"},
		{"preemption", clobberThen("nop"), preempt, "op clobber", "commit rewritten"},
		{"a syscall in CS that blocks", inside("syscall nanosleep") + "thread: op\n", "t0 to inside; c0 step; t0 wake; c0 run t0; t0 through", "op rseq_cs", "abort cleared"},
		{"preemption in CS", section + "thread: op\n", preemptInside, "op rseq_cs", "abort cleared"},
		{"signal in CS", section + "thread: op\n", signalInside, "op rseq_cs", "abort cleared"},
	})
	// user_irq is set, so that only interrupts are work; then it's all of it.
	testLaws(t, []string{"7.3/arm64/v2"}, []law{
		{"sleep", clobberThen("syscall nanosleep"), sleep, "op clobber", "commit kept"},
		{"preemption", clobberThen("nop"), preempt, "op", "SIGSEGV ids"},
	})
	testLaws(t, []string{"6.19/arm64"}, []law{
		{"sleep", clobberThen("syscall nanosleep"), sleep, "op clobber", "commit kept"},
		{"preemption", clobberThen("nop"), preempt, "op clobber", "commit kept"},
	})
	testLaws(t, []string{"6.19/s390x", "6.19/riscv64", "6.19/386", "7.3/riscv64/v2", "7.3/ppc64le/v2", "7.3/loong64/v2"}, []law{
		{"preemption", clobberThen("nop"), preempt, "op clobber", "commit kept"},
	})
}

// TestFastPathIsTheGenericEntryCodes: all work is counted, there or as slow.
func TestFastPathIsTheGenericEntryCodes(t *testing.T) {
	for kernel, fast := range map[string]bool{
		"6.18": false, "6.19": true, "7.3/v1": true, "7.3/v2": true, "7.3/s390x": true, "6.19/arm": false, "7.3/arm64": false,
	} {
		r := boot(t, kernel, section+"thread: op\n")
		before := r.Counters()
		after := r.run(preemptInside).Counters()
		if got := after.FastPath-before.FastPath == 1; got != fast {
			t.Errorf("%s: a preemption is work of the fast path: %v, want %v", kernel, got, fast)
		}
		if got := after.SlowPath-before.SlowPath == 1; got == fast {
			t.Errorf("%s: a preemption is work of the slow path: %v, want %v", kernel, got, !fast)
		}
	}
}

// TestNoV2WithoutGenericIRQEntry: a long registration is a V1 there.
func TestNoV2WithoutGenericIRQEntry(t *testing.T) {
	for kernel, want := range map[string]int{
		"7.3": 2, "7.3/v1": 1, "7.3/arm64": 2, "7.3/s390x": 2, "7.3/arm": 1, "7.3/mips": 1, "7.3/mips64le": 1, "7.3/openrisc": 1,
		"7.0.4": 2, "7.0.4/arm": 2, "6.19": 2, "6.18": 1, "5.10": 1,
	} {
		k, err := ParseKernel(kernel)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Version(k.AreaLen()); got != want {
			t.Errorf("%s: libc's registration is version %d, want %d", kernel, got, want)
		}
	}
}
