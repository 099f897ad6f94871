package emu

import "testing"

// Config.Traced: what a tracer adds to a thread's life, as a real one does to what
// package native asks.

const tracedProgram = `
func op()
    nop
here:
    nop
    nop
    ret
func kill_(tid)
    mov  r1, r0
    mov  r0, 1000
    mov  r2, SIGUSR1
    syscall tgkill
killed:
    nop
    ret
func look()
    nop
    ret
handler SIGUSR1: look
thread: op
thread: kill_ 1000
`

// traced boots a program with and without a tracer, and follows the schedule.
func traced(t *testing.T, kernel, program, schedule string) (without, with *rig) {
	t.Helper()
	k, err := ParseKernel(kernel)
	if err != nil {
		t.Fatal(err)
	}
	without = bootWith(t, program, Config{Kernel: k, Budget: &everything}).run(schedule)
	return without, bootWith(t, program, Config{Kernel: k, Budget: &everything, Traced: true}).run(schedule)
}

// TestASignalStopsATracedThread on the way to its delivery, which is a switch: one
// more time that there is work, unless there was some anyway (V1). If the tracer
// itself has sent it, to a thread that was stopped, there is no other stop.
func TestASignalStopsATracedThread(t *testing.T) {
	const another, tracers, sent = "t0 to here; t1 to killed; c0 ipi", "t0 to here; t0 signal SIGUSR1", "t0 to here; t1 to killed"
	for _, tt := range []struct {
		kernel, schedule string
		more             uint64
	}{
		{"6.18", another, 1}, {"6.18", tracers, 0}, {"6.18", sent, 0},
		{"6.19", another, 1}, {"6.19", tracers, 0}, {"6.19", sent, 0},
		{"7.3/v1", another, 0}, {"7.3/v1", tracers, 0},
		{"7.3", another, 1}, {"7.3", tracers, 0}, {"7.3", sent, 0},
		{"6.19.14/arm64", another, 0}, // where nobody notes that it was interrupted
	} {
		without, with := traced(t, tt.kernel, tracedProgram, tt.schedule)
		a, b := without.Counters(), with.Counters()
		if got := b.SlowPath + b.FastPath - a.SlowPath - a.FastPath; got != tt.more || a.Signal != b.Signal {
			t.Errorf("%s: %s: %d more times work, want %d:\nwithout %+v\nwith    %+v", tt.kernel, tt.schedule, got, tt.more, a, b)
		}
	}
}

// TestATracedThreadBegins with a stop: the old rule notes a preemption from before
// the thread registers.
func TestATracedThreadBegins(t *testing.T) {
	without, with := traced(t, "6.18", tracedProgram, "")
	if a, b := without.tasks[0].rseq.eventMask, with.tasks[0].rseq.eventMask; a != 0 || b != eventPreempt {
		t.Errorf("the event mask is %b and with a tracer %b, want none and a preemption", a, b)
	}
}

// TestATracedParentWaits: its tracer hears of the child while the parent is off its
// CPU. If there is no child nobody hears of anything.
func TestATracedParentWaits(t *testing.T) {
	const program = "func op()\nagain:\n    syscall fork\n    bne r0, 0, made\n    ret\nmade:\n    nop\n    jmp again\nthread: op\n"
	without, with := traced(t, "7.3", program, "c0 step")
	if _, on := without.Running(0); !on {
		t.Error("without a tracer the parent leaves its CPU")
	}
	for _, made := range []bool{true, true, false} { // then it is EAGAIN
		if _, on := with.Running(0); on == made {
			t.Errorf("a child is made: %v, and the parent is on its CPU: %v", made, on)
		}
		if made {
			with.run("c0 run t0; t0 to again; c0 step")
		}
	}
}
