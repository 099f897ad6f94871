package emu

import (
	"strings"
	"testing"
)

// What the facts sheet says of the two notify rules beyond its table.

// execInside is a section with a system call that asks for the work on the way
// out without being an event: an execve of a file that is no program.
var execInside = strings.Replace(section, "inside:\n    nop", "inside:\n    mov r0, op_cs\n    syscall execve", 1)

// TestStaleEventAbortsSectionThatWasNeverPreempted: the old rule empties the event
// mask only inside a section, so that a switch from long before is still there
// when something else has the kernel look.
func TestStaleEventAbortsSectionThatWasNeverPreempted(t *testing.T) {
	program := strings.Replace(execInside, "func op()\n", "func before()\n    nop\nquiet:\n    nop\n    ret\nfunc op()\n", 1) + "thread: before; op\n"
	for _, tt := range []struct {
		name, schedule string
		want           cells
	}{
		{"never switched", "t0 through", everywhere("commit")},
		{"switched before, outside", "t0 to quiet; c0 preempt; c0 run t0; t0 through", oldNew("abort", "commit")},
		{"migrated before, outside", "t0 to quiet; c0 preempt; c1 run t0; t0 through", oldNew("abort", "commit")},
		{"interrupted before, but not switched", "t0 to quiet; c0 irq; t0 through", everywhere("commit")},
		{"signalled before, outside", "t0 to quiet; t0 signal SIGUSR1; t0 through", oldNew("abort", "commit")},
	} {
		onEvery(func(kernel string, column int) {
			if got := boot(t, kernel, program).run(tt.schedule).op(0); got != tt.want[column] {
				t.Errorf("%s, %s: %s, want %s", kernel, tt.name, got, tt.want[column])
			}
		})
	}
}

// TestEventMaskIsEmptiedInside: the second section isn't aborted by what has
// aborted the first.
func TestEventMaskIsEmptiedInside(t *testing.T) {
	for _, kernel := range []string{"5.10", "6.1", "6.12.107", "6.18"} {
		r := boot(t, kernel, execInside+"thread: op; op\n").run("t0 to inside; c0 preempt; c0 run t0; t0 to abort; t0 to op; t0 through")
		if got := r.observe("calls"); got != "2 1" {
			t.Errorf("%s: the operations return %s, want abort and commit (2 1)", kernel, got)
		}
	}
}

// TestMaskedSectionKeepsItsDescriptor: a section that isn't restarted goes on
// under the same descriptor, and the next event counts again.
func TestMaskedSectionKeepsItsDescriptor(t *testing.T) {
	r := boot(t, "5.10", flagged(1, 0)).run("t0 to inside; c0 preempt; c0 run t0")
	if got := r.observe("rseq_cs"); got != "kept" {
		t.Errorf("after a preemption that flags mask, rseq_cs is %s", got)
	}
	if got := r.run("t0 signal SIGUSR1; t0 through").op(0); got != "abort" {
		t.Errorf("and then a signal: %s, want abort", got)
	}
}

// TestSignalLeavesOtherWorkPending: a preempted thread that gets a signal looks at
// rseq_cs twice on its way out, the second time from the handler: a section that
// its flags have saved from the restart is cleared as one that it is outside of.
func TestSignalLeavesOtherWorkPending(t *testing.T) {
	for schedule, want := range map[string]string{
		"t0 to inside; t0 signal SIGUSR1; t0 through":                        "kept",
		"t0 to inside; c0 preempt; t0 signal SIGUSR1; c0 run t0; t0 through": "cleared",
	} {
		r := boot(t, "5.10", flagged(7, 0)).run(schedule)
		if got := r.observe("op rseq_cs"); got != "commit "+want {
			t.Errorf("%s: %s, want commit %s", schedule, got, want)
		}
	}
}

// TestUserIRQIsForgotten on every return: an interrupt that is over does not make
// a later system call look like one.
func TestUserIRQIsForgotten(t *testing.T) {
	program := inside("syscall nanosleep") + "thread: op\n"
	for _, event := range []string{"c0 irq", "c0 fault", "c0 membarrier"} {
		onEvery(func(kernel string, column int) {
			r := boot(t, kernel, program)
			r.run("t0 to op; c0 step; " + event + "; t0 to inside; c0 step; t0 wake; c0 run t0; t0 through")
			if got, want := r.op(0), oldNew("abort", "commit")[column]; got != want {
				t.Errorf("%s, %s before the section: %s, want %s", kernel, event, got, want)
			}
		})
	}
}

// TestSleepInsideFaultIsAnInterruption: what counts is how the kernel was entered,
// not how the thread left its CPU.
func TestSleepInsideFaultIsAnInterruption(t *testing.T) {
	program := inside("ld.8 r5, [seen]") + "thread: op\n"
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, program).run("t0 to inside; c0 fault sleep; t0 wake; c1 run t0; t0 through")
		if got := r.observe("op cpu_id"); got != "abort 1" {
			t.Errorf("%s: %s, want abort on CPU 1", kernel, got)
		}
	})
}

// TestIdsAreWrittenWithEveryWork is the old rule's last step; the new one's needs
// a reason.
func TestIdsAreWrittenWithEveryWork(t *testing.T) {
	onEvery(func(kernel string, column int) {
		r := boot(t, kernel, section+"thread: op\n")
		before := r.Counters()
		r.run("t0 to inside; c0 preempt; c0 run t0")
		after := r.Counters()
		want := [...]uint64{1, 1, 1, 0, 1, 0}[column]
		if got := after.IDs - before.IDs; got != want {
			t.Errorf("%s: a preemption writes the ids %d times, want %d", kernel, got, want)
		}
		if after.Fixup-before.Fixup != 1 || after.CS-before.CS != 1 || after.Clear != before.Clear {
			t.Errorf("%s: counters before %+v, after %+v; want one cs, one fixup", kernel, before, after)
		}
	})
}

// TestNullDescriptorIsNoEvaluation: without a section there is nothing to look at,
// and nothing to clear. The old rule does both all the same, whenever it has work.
func TestNullDescriptorIsNoEvaluation(t *testing.T) {
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, section+"thread: op\n")
		before := r.Counters()
		after := r.run("t0 to op; c0 preempt; c0 run t0; c0 membarrier; t0 signal SIGUSR1").Counters()
		want := before.CS
		if r.k.Notify == NotifyOld {
			want += after.Work() - before.Work()
		}
		if after.CS != want || after.Clear-before.Clear != after.CS-before.CS {
			t.Errorf("%s: counters before %+v, after %+v; want %d cs, and each a clear", kernel, before, after, want)
		}
	})
}

// TestFailedWorkWritesNoIds: SIGSEGV comes before the ids.
func TestFailedWorkWritesNoIds(t *testing.T) {
	program := wrong("start_ip=start post_commit_ip=commit abort_ip=abort", "sig 1")
	for _, kernel := range []string{"5.10", "6.1", "6.18"} {
		r := boot(t, kernel, program).run("t0 to inside; c0 preempt; c1 run t0")
		if got := r.end(); got != "SIGSEGV signature" {
			t.Fatalf("%s: %q", kernel, got)
		}
		if got := r.field(0, "cpu_id"); got != 0 {
			t.Errorf("%s: cpu_id is %d, want the old 0", kernel, got)
		}
	}
}

// TestRegistrationIsNoInterruption: a thread that registers inside a section isn't
// sent away from it.
func TestRegistrationIsNoInterruption(t *testing.T) {
	program := strings.Replace(section, "inside:\n    nop", `inside:
    mov r0, tp
    mov r1, 32
    mov r2, 0
    mov r3, RSEQ_SIG
    syscall rseq
registered:
    st.8 [tp + rseq_cs], r4`, 1) + "register none\nthread: op\n"
	onEvery(func(kernel string, column int) {
		r := boot(t, kernel, program).run("t0 to registered; t0 through")
		// 5.10 looks at rseq_cs, finds the thread inside, and no event.
		if got := r.observe("op cpu_id"); got != "commit 0" {
			t.Errorf("%s: %s, want commit 0", kernel, got)
		}
	})
}

// TestUnregisteredThreadIsLeftAlone, whatever its area holds.
func TestUnregisteredThreadIsLeftAlone(t *testing.T) {
	program := section + "register none\nthread: op\n"
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, program).run("t0 to inside; t0 poke cpu_id_start 99; c0 preempt; c1 run t0; c1 irq; c1 membarrier; t0 signal SIGUSR1; t0 through")
		if got := r.observe("op rseq_cs cpu_id_start"); got != "commit kept 99" {
			t.Errorf("%s: %s, want commit kept 99", kernel, got)
		}
	})
}
