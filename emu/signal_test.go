package emu

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Delivery, and everything that it does to a section.

// TestNestedSectionInHandler: a handler that runs its own section overwrites
// rseq_cs; the interrupted one was already aborted in the saved frame, so both
// come out right, whichever is interrupted again.
func TestNestedSectionInHandler(t *testing.T) {
	program := strings.Replace(section, "func look()", `
func inner()
    cs inner_cs: start_ip=inner_start post_commit_ip=inner_commit abort_ip=inner_abort
    mov  r4, inner_cs
    st.8 [tp + rseq_cs], r4
inner_start:
    nop
inner_inside:
    nop
inner_commit:
    st.8 [seen], 1
    ret
    sig
inner_abort:
    st.8 [seen], 2
    ret
func look()`, 1) + "handler SIGUSR2: inner\nthread: op\n"
	for _, tt := range []struct{ schedule, want string }{
		{"t0 to inside; t0 signal SIGUSR2; t0 to inner_inside; t0 through", "abort 1"},
		{"t0 to inside; t0 signal SIGUSR2; t0 to inner_inside; c0 preempt; c0 run t0; t0 to inner_abort; t0 through", "abort 2"},
		{"t0 to inside; t0 signal SIGUSR2; t0 to inner_inside; c0 preempt; c1 run t0; t0 to inner_abort; t0 through", "abort 2"},
		{"t0 to inside; t0 signal SIGUSR2; t0 to inner_inside; t0 signal SIGUSR1; t0 to look; t0 to inner_abort; t0 through", "abort 2"},
		{"t0 to commit; t0 signal SIGUSR2; t0 to inner_inside; t0 through", "commit 1"},
	} {
		onEvery(func(kernel string, _ int) {
			if got := boot(t, kernel, program).run(tt.schedule).observe("op seen[0]"); got != tt.want {
				t.Errorf("%s: %s: %s, want %s", kernel, tt.schedule, got, tt.want)
			}
		})
	}
}

// TestSignalFrame is what the handler finds: r0, r1, the stack, and in the frame
// the registers and the mask, which rt_sigreturn restores.
func TestSignalFrame(t *testing.T) {
	program := `
data seen: u64[4]
func op(a, b)
    mov  r2, 22
    cmp  r2, 22
here:
    b.ne wrong
    mov  r0, r2
    ret
wrong:
    mov  r0, -1
    ret
func look()
    ld.8 r5, [r1 + 16]                # r2 in the frame
    add  r5, r5, 1
    st.8 [r1 + 16], r5                # and it may be changed
    mov  r2, 0
    cmp  r2, 1
looking:
    ret
handler SIGUSR1: look
thread: op 20, 21
`
	for _, kernel := range []string{"6.18", "7.3/s390x"} {
		r := boot(t, kernel, program).run("t0 to here; t0 signal SIGUSR1")
		regs := r.Regs(0)
		frame := ir.Addr(regs.R[ir.SP])
		word := func(off ir.Addr) uint64 {
			v, _ := r.Memory(0).Load(frame+off, 8)
			return v
		}
		for _, tt := range []struct {
			what      string
			got, want uint64
		}{
			{"r0", regs.R[ir.R0], uint64(abi.SIGUSR1)},
			{"r1", regs.R[ir.R1], uint64(frame)},
			{"lr", regs.R[ir.LR], uint64(r.im.Restorer)},
			{"ip", uint64(regs.IP), uint64(r.label("look"))},
			{"the frame's r0", word(FrameRegs), 20},
			{"the frame's r1", word(FrameRegs + 8), 21},
			{"the frame's ip", word(FrameIP), uint64(r.label("here"))},
			{"the frame's sp", word(FrameRegs + 8*ir.Addr(ir.SP)), uint64(r.im.StackTop(0))},
			{"the frame's mask", word(FrameMask), 0},
			{"the frame's signal", word(FrameSigno), uint64(abi.SIGUSR1)},
			{"sp mod 16", uint64(frame % 16), 0},
			{"blocked", r.tasks[0].blocked, sigBit(abi.SIGUSR1)},
		} {
			if tt.got != tt.want {
				t.Errorf("%s: %s is %#x, want %#x", kernel, tt.what, tt.got, tt.want)
			}
		}
		if got := r.run("t0 to looking; t0 through").op(0); got != "23" {
			t.Errorf("%s: after the handler the operation returns %s, want 23", kernel, got)
		}
	}
}

// TestSIGSEGVForcedWhileDelivering: a section that fails while a signal is
// delivered kills, unless SIGSEGV has a handler; that one runs on top of the
// signal's frame. If it fails again, or was being delivered itself, it is final,
// but the handler runs to its end before, since it blocks SIGSEGV (booted: 6.18
// and 6.19 to 7.3).
func TestSIGSEGVForcedWhileDelivering(t *testing.T) {
	const good = "start_ip=start post_commit_ip=commit abort_ip=abort"
	handled := func(program string) string {
		return strings.Replace(program, "thread: op", "func crash()\n    st.8 [seen + 24], 5\n    ret\nhandler SIGSEGV: crash\nthread: op", 1)
	}
	badSig := wrong(good, "sig 1")
	for _, tt := range []struct {
		name, program, signal string
		want                  cells
	}{
		{"no handler", badSig, "SIGUSR1", everywhere("SIGSEGV signature")},
		// The handler of SIGUSR1 is outside, where the old rule still wants a
		// good descriptor.
		{"handler", handled(badSig), "SIGUSR1", oldNew("SIGSEGV signature", "survives")},
		{"of SIGSEGV itself", handled(badSig), "SIGSEGV", everywhere("SIGSEGV signature")},
		{"flags", handled(flagged(0, 2)), "SIGUSR1", everywhere("survives")},
	} {
		onEvery(func(kernel string, column int) {
			r := boot(t, kernel, tt.program).run("t0 to inside; t0 signal " + tt.signal)
			if strings.Contains(tt.program, "crash") && tt.name != "flags" {
				r.run("t0 to crash")
				if tt.name == "handler" && tt.want[column] == "survives" {
					// Both frames are there: SIGSEGV struck at look's first instruction.
					r.run("t0 to look")
				}
				r.run("t0 through")
			}
			got := r.end()
			if got == "" {
				got = "survives"
			}
			if got != tt.want[column] {
				t.Errorf("%s, %s: %q, want %q", kernel, tt.name, got, tt.want[column])
			}
		})
	}
}

// TestForcedSignalCannotBeRefused: blocked or ignored, it kills.
func TestForcedSignalCannotBeRefused(t *testing.T) {
	const good = "start_ip=start post_commit_ip=commit abort_ip=abort"
	for name, call := range map[string]string{
		"blocked": "mov r0, 0\n    mov r1, 0x800\n    syscall rt_sigprocmask",
		"ignored": "mov r0, SIGSEGV\n    mov r1, 1\n    syscall rt_sigaction",
		"both":    "mov r0, SIGSEGV\n    mov r1, 1\n    syscall rt_sigaction\n    mov r0, 0\n    mov r1, 0x800\n    syscall rt_sigprocmask",
	} {
		program := strings.Replace(wrong(good, "sig 1"), "thread: op", "func refuse()\n    "+call+"\n    ret\nthread: refuse; op", 1)
		onEvery(func(kernel string, _ int) {
			if got := boot(t, kernel, program).run("t0 to inside; c0 preempt; c0 run t0").end(); got != "SIGSEGV signature" {
				t.Errorf("%s, %s: %q, want SIGSEGV", kernel, name, got)
			}
		})
	}
}

// TestExceptions are the signals for what an instruction does wrong, with the
// address of what it touched.
func TestExceptions(t *testing.T) {
	for _, tt := range []struct {
		instr, want string
		addr        ir.Addr
	}{
		{"ld.8 r1, [0x7000000]", "SIGSEGV load", 0x7000000},
		{"st.8 [0x7000008], r1", "SIGSEGV store", 0x7000008},
		{"st.8 [op], r1", "SIGSEGV store", ir.CodeBase},
		{"ld.acq.8 r1, [seen + 1]", "SIGBUS align", ir.DataBase + 1},
		{"trap ud", "SIGILL ud", 0},
		{"trap brk", "SIGTRAP brk", 0},
		{"jmpr r0", "SIGSEGV fetch", 0},
	} {
		program := "data seen: u64[2]\nfunc op()\n    nop\nhere:\n    " + tt.instr + "\n    ret\nthread: op\n"
		r := boot(t, "6.18", program).run("t0 to here; c0 step")
		if tt.instr == "jmpr r0" {
			r.run("c0 step")
		}
		e, _ := r.Killed()
		if got := r.end(); got != tt.want || e.Task != 0 {
			t.Errorf("%s: %q by t%d, want %q", tt.instr, got, e.Task, tt.want)
		}
		if strings.HasPrefix(tt.want, "SIGSEGV") || strings.HasPrefix(tt.want, "SIGBUS") {
			if e.Addr != tt.addr {
				t.Errorf("%s: fault at %#x, want %#x", tt.instr, e.Addr, tt.addr)
			}
		}
	}
}

// TestNoRoomForFrame is SIGSEGV, and final without a stack for its handler.
func TestNoRoomForFrame(t *testing.T) {
	program := "stack 304\nfunc op()\n    nop\nhere:\n    nop\n    ret\nfunc look()\n    nop\nlooking:\n    jmp looking\n" +
		"handler SIGUSR1: look\nhandler SIGUSR2: look\nhandler SIGSEGV: look\nthread: op\n"
	r := boot(t, "6.18", program).run("t0 to here; t0 signal SIGUSR1; t0 to looking")
	if got := r.run("t0 signal SIGUSR2").end(); got != "SIGSEGV frame" {
		t.Errorf("the second frame doesn't fit: %q, want SIGSEGV frame", got)
	}
}

// TestSigreturnWithoutFrame is SIGSEGV: a handler has lost its stack.
func TestSigreturnWithoutFrame(t *testing.T) {
	program := "func op()\n    nop\nhere:\n    nop\n    ret\nfunc look()\n    mov sp, 0x7000000\n    ret\nhandler SIGUSR1: look\nthread: op\n"
	r := boot(t, "6.18", program).run("t0 to here; t0 signal SIGUSR1; t0 to look; c0 step; c0 step; c0 step")
	if got := r.end(); got != "SIGSEGV frame" {
		t.Errorf("%q, want SIGSEGV frame", got)
	}
}

// TestKillFindsAProcess, by its number.
func TestKillFindsAProcess(t *testing.T) {
	program := "func op()\n    mov r0, 1000\n    mov r1, SIGTERM\n    syscall kill\n    nop\n    ret\nthread: op\n"
	if got := boot(t, "6.18", program).run("t0 through").end(); got != "SIGTERM sent" {
		t.Errorf("%q, want SIGTERM", got)
	}
}

// TestHandledReasonIsForgotten: a signal that is sent later has its own.
func TestHandledReasonIsForgotten(t *testing.T) {
	program := flagged(0, 2) + "func crash()\n    ret\nhandler SIGSEGV: crash\n"
	r := boot(t, "5.10", program).run("t0 to inside; t0 signal SIGUSR1; t0 to crash")
	if got := r.run("t0 signal SIGTERM").end(); got != "SIGTERM sent" {
		t.Errorf("%q, want SIGTERM sent", got)
	}
}

// TestSynchronousSignalsComeFirst, then the lowest number.
func TestSynchronousSignalsComeFirst(t *testing.T) {
	program := "data order: u64[8]\ndata n: u64\nfunc op()\n    nop\nhere:\n    nop\n    ret\n" +
		"func note()\n    ld.8 r2, [n]\n    st.8 [r2<<3 + order], r0\n    add r2, r2, 1\n    st.8 [n], r2\n    ret\n" +
		"handler SIGHUP: note\nhandler SIGUSR1: note\nhandler SIGSEGV: note\nhandler SIGUSR2: note\nstack 4096\nthread: op\n"
	r := boot(t, "6.18", program).run("t0 to here; c0 preempt; t0 signal SIGUSR2; t0 signal SIGUSR1; t0 signal SIGSEGV; t0 signal SIGHUP; c0 run t0; t0 through")
	// Each is delivered on top of the one before, so that they run in reverse.
	got := [4]int64{r.data("order", 3), r.data("order", 2), r.data("order", 1), r.data("order", 0)}
	if want := [4]int64{int64(abi.SIGSEGV), int64(abi.SIGHUP), int64(abi.SIGUSR1), int64(abi.SIGUSR2)}; got != want {
		t.Errorf("delivered %v, want %v", got, want)
	}
}

// TestDefaultActions: some signals do nothing, the others kill.
func TestDefaultActions(t *testing.T) {
	program := "func op()\n    syscall nanosleep\n    ret\nthread: op\n"
	harmless := map[abi.Signal]bool{abi.SIGCHLD: true, abi.SIGCONT: true, abi.SIGURG: true, abi.SIGWINCH: true,
		abi.SIGSTOP: true, abi.SIGTSTP: true, abi.SIGTTIN: true, abi.SIGTTOU: true}
	for s := abi.Signal(1); s < 32; s++ {
		r := boot(t, "6.18", program).run("c0 step")
		if err := r.Try(SignalTask(0, s)); err != nil {
			t.Fatal(err)
		}
		asleep := r.tasks[0].state == taskBlocked
		if asleep != harmless[s] {
			t.Errorf("%s: the sleeper still sleeps: %v, want %v", s, asleep, harmless[s])
		}
		if asleep {
			continue
		}
		if got := r.run("c0 run t0").end(); got != s.String()+" sent" {
			t.Errorf("%s: %q, want it to kill", s, got)
		}
	}
}

// TestSignalsEndWaits with EINTR, unless they are blocked.
func TestSignalsEndWaits(t *testing.T) {
	wait := map[string]string{
		"nanosleep": "syscall nanosleep",
		"pause":     "syscall pause",
		"futex":     "mov r0, word\n    mov r1, 0\n    mov r2, 0\n    syscall futex",
	}
	for name, call := range wait {
		program := "data word: u32\nfunc op()\n    " + call + "\nback:\n    ret\nfunc block()\n    mov r0, 0\n    mov r1, 0x400\n    syscall rt_sigprocmask\n    ret\n" +
			"func look()\n    ret\nhandler SIGUSR1: look\n"
		r := boot(t, "6.18", program+"thread: op\n").run("t0 to op")
		for r.tasks[0].state == taskRunning {
			r.run("c0 step")
		}
		if got := r.run("t0 signal SIGUSR1; c0 run t0; t0 to look; t0 to back; t0 through").op(0); got != "EINTR" {
			t.Errorf("%s: %s, want EINTR", name, got)
		}

		r = boot(t, "6.18", program+"thread: block; op\n").run("t0 to op")
		for r.tasks[0].state == taskRunning {
			r.run("c0 step")
		}
		if r.run("t0 signal SIGUSR1"); r.tasks[0].state != taskBlocked {
			t.Errorf("%s: a blocked signal ends the wait", name)
		}
	}
}

// TestPendingSignalEndsWaitBeforeItBegins: one that another CPU has sent and that
// the thread hasn't seen.
func TestPendingSignalEndsWaitBeforeItBegins(t *testing.T) {
	program := "func op()\n    nop\nhere:\n    syscall nanosleep\n    ret\nfunc kill_(tid)\n    mov r1, r0\n    mov r0, 1000\n    mov r2, SIGUSR1\n    syscall tgkill\nkilled:\n    ret\n" +
		"func look()\n    ret\nhandler SIGUSR1: look\nthread: op\nthread: kill_ 1000\n"
	r := boot(t, "6.18", program).run("t0 to here; t1 to killed; c0 step")
	if _, running := r.Running(0); !running {
		t.Fatal("the thread sleeps with a signal pending")
	}
	if got := r.run("t0 to look; t0 through").op(0); got != "EINTR" {
		t.Errorf("nanosleep returns %s, want EINTR", got)
	}
}

// TestSignalFromAnotherCPU takes its time, and aborts the section when it comes.
func TestSignalFromAnotherCPU(t *testing.T) {
	program := section + "func kill_(tid)\n    mov r1, r0\n    mov r0, 1000\n    mov r2, SIGUSR1\n    syscall tgkill\nkilled:\n    ret\nthread: op\nthread: kill_ 1000\n"
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, program).run("t0 to start; t1 to killed; t0 to inside; c0 ipi; t0 to look; t0 through")
		if got := r.op(0); got != "abort" {
			t.Errorf("%s: %s, want abort", kernel, got)
		}
		if got := boot(t, kernel, program).run("t0 to start; t1 to killed; t0 to commit; c0 ipi; t0 to look; t0 through").op(0); got != "commit" {
			t.Errorf("%s: behind the section: %s, want commit", kernel, got)
		}
	})
}

// TestBlockedSignalWaits until it is unblocked; a handler's own signal is blocked
// while it runs.
func TestBlockedSignalWaits(t *testing.T) {
	program := "data n: u64\nfunc op()\n    mov r0, 0\n    mov r1, 0x400\n    syscall rt_sigprocmask\nblocked:\n    nop\n    mov r0, 1\n    mov r1, 0x400\n    syscall rt_sigprocmask\nunblocked:\n    ld.8 r0, [n]\n    ret\n" +
		"func look()\n    ld.8 r2, [n]\n    add r2, r2, 1\n    st.8 [n], r2\nlooking:\n    nop\n    ret\nhandler SIGUSR1: look\nthread: op\n"
	r := boot(t, "6.18", program).run("t0 to blocked; t0 signal SIGUSR1; c0 step; t0 to look; t0 to looking; t0 signal SIGUSR1; c0 step; t0 to look; t0 through")
	if got := r.observe("calls"); got != "2" {
		t.Errorf("the handler ran %s times, want 2", got)
	}
}

// TestNobodyBlocksSIGKILL, neither by a call nor by a changed frame.
func TestNobodyBlocksSIGKILL(t *testing.T) {
	program := "func op()\n    mov r0, 2\n    mov r1, -1\n    syscall rt_sigprocmask\nhere:\n    nop\nthere:\n    nop\n    ret\n" +
		"func look()\n    mov r2, -1\n    st.8 [r1 + 272], r2\n    ret\nhandler SIGUSR1: look\nthread: op\n"
	for schedule, want := range map[string]uint64{
		"t0 to here; c0 step":                               allSignals &^ unblockable,
		"t0 to op; t0 signal SIGUSR1; t0 to look; t0 to op": allSignals &^ unblockable,
	} {
		r := boot(t, "6.18", program).run(schedule)
		if got := r.tasks[0].blocked; got != want {
			t.Errorf("%s: blocked %#x, want %#x", schedule, got, want)
		}
		if got := r.run("t0 signal SIGTERM; t0 signal SIGKILL").end(); got != "SIGKILL sent" {
			t.Errorf("%s: %q, want SIGKILL", schedule, got)
		}
	}
}

// TestSignalCallErrors are the errors of the calls about signals.
func TestSignalCallErrors(t *testing.T) {
	program := "func tgkill_(a, b, c)\n    syscall tgkill\n    ret\nfunc kill_(a, b)\n    syscall kill\n    ret\nfunc act(a, b)\n    syscall rt_sigaction\n    ret\nfunc mask(a, b)\n    syscall rt_sigprocmask\n    ret\n"
	for call, want := range map[string]string{
		"tgkill_ 1000, 1000, 0": "0", "tgkill_ -1, 1000, 0": "0", "tgkill_ 1000, 0, 0": "EINVAL", "tgkill_ 1000, -1, 10": "EINVAL",
		"tgkill_ 1000, 1000, 32": "EINVAL", "tgkill_ 7, 1000, 10": "ESRCH", "tgkill_ 1000, 1009, 10": "ESRCH", "tgkill_ 1000, 999, 10": "ESRCH", "tgkill_ 1000, 1001, 10": "ESRCH",
		"kill_ 1000, 0": "0", "kill_ 1000, 32": "EINVAL", "kill_ 1, 0": "ESRCH",
		"act SIGUSR1, 1": "0", "act 0, 1": "EINVAL", "act 32, 1": "EINVAL", "act SIGKILL, 1": "EINVAL", "act SIGSTOP, 1": "EINVAL",
		"act SIGUSR1, 0x100000000": "EINVAL", "act SIGUSR1, tgkill_": "EINVAL", // no restorer without a handler line
		"mask 0, 0": "0", "mask 2, 5": "0", "mask 3, 0": "EINVAL",
	} {
		if got := boot(t, "6.18", program+"thread: "+call+"\n").run("t0 through").observe("op"); got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
	}
}
