package emu

import (
	"fmt"
	"testing"
)

// asking is a thread that asks for a slice around a section of two instructions,
// gives it up as it should if it got one, and tells: what prctl and
// rseq_slice_yield returned, and what it saw in slice_ctrl at the end.
const asking = `
data seen: u64[4]
func enable()
    mov r0, PR_RSEQ_SLICE_EXTENSION
    mov r1, PR_RSEQ_SLICE_EXTENSION_SET
    mov r2, PR_RSEQ_SLICE_EXT_ENABLE
    mov r3, 0
    mov r4, 0
    syscall prctl
    ret
func op()
    st.1 [tp + slice_ctrl], 1
asked:
    nop
inside:
    nop
end:
    ld.1 r5, [tp + slice_ctrl + 1]
    st.1 [tp + slice_ctrl], 0
    mov  r0, 7                         # not granted, or not any more
    beq  r5, 0, over
calling:
    syscall rseq_slice_yield
over:
    ret
func other()                           # gives it up for something else
    st.1 [tp + slice_ctrl], 1
waiting:
    nop
    syscall gettid
    ret
func look()
    ld.4 r2, [tp + slice_ctrl]
    st.8 [seen], r2
    ret
func taken()                           # the flag is the kernel's
    st.4 [tp + flags], 0
    ret
func get()
    mov r0, PR_RSEQ_SLICE_EXTENSION
    mov r1, PR_RSEQ_SLICE_EXTENSION_GET
    mov r2, 0
    mov r3, 0
    mov r4, 0
    syscall prctl
    ret
func forks()
    syscall fork
    ret
func disable()
    mov r0, PR_RSEQ_SLICE_EXTENSION
    mov r1, PR_RSEQ_SLICE_EXTENSION_SET
    mov r2, 0
    mov r3, 0
    mov r4, 0
    syscall prctl
    ret
handler SIGUSR1: look
`

// of the slices' counters.
func (c Counters) slices() string {
	return fmt.Sprintf("granted %d expired %d revoked %d yielded %d aborted %d", c.SliceGranted, c.SliceExpired, c.SliceRevoked, c.SliceYielded, c.SliceAborted)
}

// TestSliceRules is how a slice is got and lost, each with what the calls returned,
// what the area holds in the end, and what the kernel counts.
func TestSliceRules(t *testing.T) {
	const v1 = "register legacy\n"
	for _, tt := range []struct {
		name, kernel, program, schedule, calls, counters string
		ctrl, flags                                      int64
	}{
		{"granted, and given up by yield", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 preempt; t0 to calling; c0 step; c0 run t0; t0 through",
			"0 1", "granted 1 expired 0 revoked 0 yielded 1 aborted 0", 0, 48},
		{"nobody wanted the CPU", "7.3/slices", "thread: enable; op\n", "t0 through",
			"0 7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 48},
		{"an interrupt that isn't a reschedule", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 irq; t0 through",
			"0 7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 48},
		{"not enabled: preempted, and the request is gone", "7.3/slices", "thread: op\n", "t0 to asked; c0 preempt; c0 run t0; t0 through",
			"7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 16},
		{"given up by another call, which is made when the thread is back", "7.3/slices", "thread: enable; other\n", "t0 to waiting; c0 preempt; c0 step; c0 step; c0 run t0; t0 through",
			"0 1000", "granted 1 expired 0 revoked 0 yielded 0 aborted 1", 0, 48},
		{"the timer", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 preempt; c0 slice-timer; c0 run t0; t0 through",
			"0 7", "granted 1 expired 1 revoked 1 yielded 0 aborted 0", 0, 48},
		{"a second reschedule", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 preempt; t0 to inside; c0 preempt; c0 run t0; t0 through",
			"0 7", "granted 1 expired 0 revoked 1 yielded 0 aborted 0", 0, 48},
		{"an interrupt in it changes nothing", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 preempt; t0 to inside; c0 irq; t0 to calling; c0 step; c0 run t0; t0 through",
			"0 1", "granted 1 expired 0 revoked 0 yielded 1 aborted 0", 0, 48},
		{"a page fault that sleeps", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 preempt; t0 to end; c0 fault sleep; t0 wake; c0 run t0; t0 through",
			"0 7", "granted 1 expired 0 revoked 1 yielded 0 aborted 0", 0, 48},
		{"a membarrier ends it and leaves the thread where it is", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 preempt; t0 to inside; c0 membarrier; t0 through",
			"0 7", "granted 1 expired 0 revoked 1 yielded 0 aborted 0", 0, 48},
		{"a signal's handler runs in it, and its return gives it up", "7.3/slices", "thread: enable; op\n", "t0 to asked; c0 preempt; t0 to inside; t0 signal SIGUSR1; c0 step; c0 step; c0 step; c0 step; c0 run t0; t0 through",
			"0 7", "granted 1 expired 0 revoked 0 yielded 0 aborted 1", 0, 48},
		{"yield without one", "7.3/slices", "func only()\n    syscall rseq_slice_yield\n    ret\nthread: enable; only\n", "t0 through",
			"0 0", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 48},
		{"turned off again", "7.3/slices", "thread: enable; disable; op; get\n", "t0 to asked; c0 preempt; c0 run t0; t0 through",
			"0 0 7 0", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 16},
		{"the flag taken away, and something to change", "7.3/slices", "thread: enable; taken; disable\n", "t0 through", "SIGSEGV slice flags", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 0},
		{"… and nothing to change", "7.3/slices", "thread: enable; taken; enable; get\n", "t0 through", "0 0 0 1", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 0},
		{"version 1", "7.3/slices", v1 + "thread: enable; get; op\n", "t0 to asked; c0 preempt; c0 run t0; t0 through",
			"ENOTSUPP 0 7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 0},
		{"not registered", "7.3/slices", "register none\nthread: enable; get\n", "t0 through", "ENXIO 0", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 0},
		{"off by the command line", "7.3/slices-off", "thread: enable; get; op\n", "t0 to asked; c0 preempt; c0 run t0; t0 through",
			"ENOTSUPP 0 7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 0},
		{"not built in", "7.3", "thread: enable; get; op\n", "t0 to asked; c0 preempt; c0 run t0; t0 through",
			"ENOTSUPP ENOTSUPP 7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 0},
		{"not known", "6.19", "thread: enable; get; op\n", "t0 through", "EINVAL EINVAL 7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 0},
		{"real time: a fair reschedule is put off", "7.3/slices/preempt-rt", "thread: enable; op\n", "t0 to asked; c0 preempt; t0 to calling; c0 step; c0 run t0; t0 through",
			"0 1", "granted 1 expired 0 revoked 0 yielded 1 aborted 0", 0, 48},
		{"… and a real-time thread's isn't", "7.3/slices/preempt-rt", "thread: enable; op\n", "t0 to asked; c0 preempt now; c0 run t0; t0 through",
			"0 7", "granted 0 expired 0 revoked 0 yielded 0 aborted 0", 0, 48},
		{"debug: asked again without a new one, and a call", "7.3/slices/debug", "thread: enable; op; other\n", "t0 to asked; c0 preempt; c0 slice-timer; c0 run t0; t0 through",
			"SIGSEGV slice_ctrl", "granted 1 expired 1 revoked 1 yielded 0 aborted 0", 0, 48},
	} {
		r := boot(t, tt.kernel, asking+tt.program).run(tt.schedule)
		got := r.observe("calls")
		if n := r.Counters().slices(); got != tt.calls || n != tt.counters {
			t.Errorf("%s: %s, calls return %s; %s\nwant %s; %s", tt.name, tt.kernel, got, n, tt.calls, tt.counters)
		}
		if ctrl, flags := r.field(0, "slice_ctrl"), r.field(0, "flags"); r.end() == "" && (ctrl != tt.ctrl || flags != tt.flags) {
			t.Errorf("%s: slice_ctrl is %d and flags %d, want %d and %d", tt.name, ctrl, flags, tt.ctrl, tt.flags)
		}
	}
}
