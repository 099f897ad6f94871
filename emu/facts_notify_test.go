package emu

import (
	"strings"
	"testing"
)

// The rows about what interrupts a section, and what comes of it.

// section is an operation with a critical section, and returns COMMIT or ABORT.
const section = `
const COMMIT = 1
const ABORT = 2
data seen: u64[4]

func op()
    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort
    mov  r4, op_cs
    st.8 [tp + rseq_cs], r4
start:
    nop
inside:
    nop
last:
    nop
commit:
    mov r0, COMMIT
    ret
    sig
abort:
    mov r0, ABORT
    ret

func look()                           # the handler: what it finds in the area
    ld.4 r2, [tp + cpu_id_start]
    st.8 [seen], r2
    ld.8 r2, [tp + rseq_cs]
    st.8 [seen + 8], r2
    ld.8 r2, [r1 + 256]               # the saved ip
    st.8 [seen + 16], r2
    ret
handler SIGUSR1: look
`

// inside is section with another instruction at the label inside.
func inside(instr string) string {
	return strings.Replace(section, "inside:\n    nop", "inside:\n    "+instr, 1)
}

// clobbered is a thread that has written to cpu_id_start and then does
// something that the kernel could rewrite it at.
const clobbered = `
data seen: u64[4]
func op()
    st.4 [tp + cpu_id_start], 99
dirty:
    nop
    %
after:
    mov  r0, 1
    ret
func look()
    ld.4 r2, [tp + cpu_id_start]
    st.8 [seen], r2
    ret
handler SIGUSR1: look
thread on 0-1: op
`

func clobberThen(instr string) string { return strings.Replace(clobbered, "%", instr, 1) }

// generic are architectures with x86's entry code, in either byte order.
var generic = []string{"s390x", "riscv64", "ppc64"}

func TestFactsInterruptedSection(t *testing.T) {
	const one = section + "thread: op\n"
	testFacts(t, []fact{
		{
			row: "nothing in CS", program: one, schedule: "t0 through",
			see: "op rseq_cs", want: everywhere("commit kept"),
		},
		{
			row: "preempt in CS", program: one, schedule: "t0 to inside; c0 preempt; c0 run t0; t0 through",
			see: "op rseq_cs", want: everywhere("abort cleared"),
		},
		{
			row: "signal in CS", program: one, schedule: "t0 to inside; t0 signal SIGUSR1; t0 to look; t0 through",
			see: "op rseq_cs seen[1]", want: everywhere("abort cleared 0"),
		},
		{
			row: "migrate in CS", program: one, schedule: "t0 to inside; c0 preempt; c1 run t0; t0 through",
			see: "op rseq_cs cpu_id", want: everywhere("abort cleared 1"),
		},
		{
			row: "preempt at the first instruction of the CS", program: one,
			schedule: "t0 to start; c0 preempt; c0 run t0; t0 through", see: "op", want: everywhere("abort"),
		},
		{
			row: "preempt at the last instruction of the CS", program: one,
			schedule: "t0 to last; c0 preempt; c0 run t0; t0 through", see: "op", want: everywhere("abort"),
		},
		{
			row: "preempt at post_commit_ip", program: one,
			schedule: "t0 to commit; c0 preempt; c0 run t0; t0 through", see: "op rseq_cs", want: everywhere("commit cleared"),
		},
		{
			row: "interrupt in CS that changes nothing", program: one,
			schedule: "t0 to inside; c0 irq; t0 through", see: "op rseq_cs", want: everywhere("commit kept"),
		},
		{
			row: "page fault in CS", program: inside("ld.8 r5, [seen]") + "thread: op\n",
			schedule: "t0 to inside; c0 fault; t0 through", see: "op rseq_cs", want: everywhere("commit kept"),
		},
		{
			row: "page fault in CS that sleeps", program: inside("ld.8 r5, [seen]") + "thread: op\n",
			schedule: "t0 to inside; c0 fault sleep; t0 wake; c0 run t0; t0 through", see: "op rseq_cs", want: everywhere("abort cleared"),
		},
		{
			row: "breakpoint in CS, with a handler", program: inside("trap brk") + "func ends()\n    mov r0, 0\n    syscall exit\nhandler SIGTRAP: look\nthread: op\n",
			schedule: "t0 to inside; c0 step; t0 to look; t0 through", see: "op rseq_cs", want: everywhere("abort cleared"),
		},
		{
			row: "another thread's membarrier in CS", program: one,
			schedule: "t0 to inside; c0 membarrier; t0 through", see: "op rseq_cs", want: everywhere("abort cleared"),
		},
		{
			row: "CPU unplugged in CS", program: one,
			schedule: "t0 to inside; c0 offline; c1 run t0; t0 through", see: "op cpu_id", want: everywhere("abort 1"),
		},
	}, generic...)
}

// TestFactsSavedIP is what a signal's frame holds: the ip after the abort.
func TestFactsSavedIP(t *testing.T) {
	for _, col := range columns {
		for _, kernel := range col.kernels {
			r := boot(t, kernel, section+"thread: op\n").run("t0 to inside; t0 signal SIGUSR1; t0 through")
			if got, want := r.data("seen", 2), int64(r.label("abort")); got != want {
				t.Errorf("%s: the frame's ip is %#x, want abort_ip %#x", kernel, got, want)
			}
		}
	}
}

func TestFactsSyscallInSection(t *testing.T) {
	const yield = "thread on 0: op\nthread on 0: other\nfunc other()\n    nop\n    ret\n"
	testFacts(t, []fact{
		{
			row: "syscall in CS that blocks, same CPU", program: inside("syscall nanosleep") + "thread: op\n",
			schedule: "t0 to inside; c0 step; t0 wake; c0 run t0; t0 through",
			see:      "op rseq_cs", want: oldNew("abort cleared", "commit kept"),
		},
		{
			row: "syscall in CS that schedules, same CPU", program: inside("syscall sched_yield") + yield,
			schedule: "t0 to inside; c0 step; c0 run t1; t1 through; c0 run t0; t0 through",
			see:      "op rseq_cs", want: oldNew("abort cleared", "commit kept"),
		},
		{
			row: "syscall in CS that neither blocks nor schedules", program: inside("syscall sched_yield") + "thread: op\n",
			schedule: "t0 to inside; c0 step; t0 through", see: "op rseq_cs", want: everywhere("commit kept"),
		},
		{
			row: "same, and the CPU changed", program: inside("syscall nanosleep") + "thread: op\n",
			schedule: "t0 to inside; c0 step; t0 wake; c1 run t0; t0 through",
			see:      "op cpu_id_start cpu_id rseq_cs", want: oldNew("abort 1 1 cleared", "commit 1 1 kept"),
		},
		{
			row: "same, and the CPU changed by the syscall itself", program: migrateSelf,
			schedule: "t0 to inside; c0 step; c0 step; c0 step; c0 step; c1 run t0; t0 through",
			see:      "op cpu_id_start cpu_id rseq_cs", want: oldNew("abort 1 1 cleared", "commit 1 1 kept"),
		},
	}, generic...)
}

// migrateSelf is a section in which the thread moves itself to CPU 1.
var migrateSelf = inside("mov r0, 0\n    mov r1, 8\n    mov r2, mask\n    syscall sched_setaffinity") +
	"data mask: u64 = 2\nthread: op\n"

// TestFactsSlowPathWritesIDs is a thread that wrote cpu_id_start and an rseq_cs
// that is fatal: 6.19's fast path leaves the id alone and fails at rseq_cs, the
// slow path writes the ids first and then fails too. The old rule writes them
// last, and a V2 doesn't write what it finds changed.
func TestFactsSlowPathWritesIDs(t *testing.T) {
	want := cells{"kept", "kept", "kept", "rewritten", "rewritten", "kept"}
	for i, col := range columns {
		for _, kernel := range col.kernels {
			r := boot(t, kernel, clobberThen("st.8 [tp + rseq_cs], 0x7000000\nbad:\n    nop")).run("t0 to bad; c0 preempt; c0 run t0")
			if got := r.one("clobber"); got != want[i] || r.end() == "" {
				t.Errorf("%s: cpu_id_start is %s, want %s; the end: %q", kernel, got, want[i], r.end())
			}
		}
	}
}

func TestFactsClobberedID(t *testing.T) {
	testFacts(t, []fact{
		{
			row: "user wrote cpu_id_start, then sleep", program: clobberThen("syscall nanosleep"),
			schedule: "t0 to dirty; c0 step; c0 step; t0 wake; c0 run t0; t0 through",
			see:      "op clobber", want: cells{"commit rewritten", "commit rewritten", "commit rewritten", "commit kept", "commit rewritten", "commit kept"},
		},
		{
			row: "user wrote cpu_id_start, then same-CPU preemption", program: clobberThen("nop"),
			schedule: "t0 to dirty; c0 preempt; c0 run t0; t0 through",
			see:      "op clobber", want: cells{"commit rewritten", "commit rewritten", "commit rewritten", "commit kept", "commit rewritten", "commit kept"},
		},
		{
			row: "user wrote cpu_id_start, then another thread's membarrier", program: clobberThen("nop"),
			schedule: "t0 to dirty; c0 membarrier; t0 through",
			see:      "op clobber", want: cells{"commit rewritten", "commit rewritten", "commit rewritten", "commit kept", "commit rewritten", "commit kept"},
		},
		{
			row: "user wrote cpu_id_start, then an interrupt that changes nothing", program: clobberThen("nop"),
			schedule: "t0 to dirty; c0 irq; t0 through", see: "op clobber", want: everywhere("commit kept"),
		},
		{
			row: "user wrote cpu_id_start, then a syscall that doesn't sleep", program: clobberThen("syscall getpid"),
			schedule: "t0 through", see: "op clobber", want: everywhere("commit kept"),
		},
		{
			row: "…then a signal (in the handler, and after)", program: clobberThen("nop"),
			schedule: "t0 to dirty; t0 signal SIGUSR1; t0 to look; t0 through",
			see:      "op clobber(seen[0]) clobber", want: cells{
				"commit rewritten rewritten", "commit rewritten rewritten", "commit rewritten rewritten",
				"commit kept kept", "commit rewritten rewritten", "commit kept kept"},
		},
		{
			row: "…then migrate", program: clobberThen("nop"),
			schedule: "t0 to dirty; c0 preempt; c1 run t0; t0 through",
			see:      "op clobber cpu_id", want: cells{
				"commit rewritten 1", "commit rewritten 1", "commit rewritten 1", "commit rewritten 1", "commit rewritten 1", "SIGSEGV ids"},
		},
		{
			row: "…then migrate in a sleep", program: clobberThen("syscall nanosleep"),
			schedule: "t0 to dirty; c0 step; c0 step; t0 wake; c1 run t0; t0 through",
			see:      "op clobber cpu_id", want: cells{
				"commit rewritten 1", "commit rewritten 1", "commit rewritten 1", "commit rewritten 1", "commit rewritten 1", "SIGSEGV ids"},
		},
	}, generic...)
	// V2 looks at all four fields, and 6.19 at none.
	for field, clobber := range map[string]string{"cpu_id_start": "99", "cpu_id": "99", "node_id": "99", "mm_cid": "99"} {
		testFacts(t, []fact{{
			row: "user wrote " + field + ", then migrate", program: clobberThen("nop"),
			schedule: "t0 to after; t0 poke cpu_id_start 0; t0 poke " + field + " " + clobber + "; c0 preempt; c1 run t0; t0 through",
			see:      "op " + field,
			want: func() cells {
				want := map[string]string{"cpu_id_start": "1", "cpu_id": "1", "node_id": "0", "mm_cid": "0"}[field]
				before := want
				if field == "node_id" || field == "mm_cid" {
					before = "99" // no field of 5.10 and 6.1
				}
				return cells{"commit " + before, "commit " + before, "commit " + want, "commit " + want, "commit " + want, "SIGSEGV ids"}
			}(),
		}})
	}
}

func TestFactsOutside(t *testing.T) {
	// at is where rseq_cs is set to a value and the thread is not inside.
	at := func(value, then string) string {
		return strings.Replace(section, "func look()", `
func outside()
    mov  r4, `+value+`
    st.8 [tp + rseq_cs], r4
stale:
    `+then+`
    mov  r0, COMMIT
    ret
func bad()
    cs bad_sig: start_ip=bad post_commit_ip=bad_end abort_ip=bad_abort
    cs bad_version: start_ip=bad post_commit_ip=bad_end abort_ip=abort_ip_of_bad version=1
    cs bad_inside: start_ip=bad post_commit_ip=bad_end abort_ip=bad
    nop
    nop
bad_end:
    ret
    sig 0x1234
bad_abort:
    ret
    sig
abort_ip_of_bad:
    ret

func look()`, 1) + "thread: outside\n"
	}
	const (
		sleep = "t0 to stale; c0 step; t0 wake; c0 run t0; t0 through"
		raise = "t0 to stale; t0 through"
		// raise(SIGUSR1) is tgkill(1000, 1000, SIGUSR1).
		raiseCall = "mov r0, 1000\n    mov r1, 1000\n    mov r2, SIGUSR1\n    syscall tgkill"
		preempt   = "t0 to stale; c0 preempt; c0 run t0; t0 through"
	)
	testFacts(t, []fact{
		{
			row: "valid rseq_cs, ip outside, after a sleep", program: at("op_cs", "syscall nanosleep"), schedule: sleep,
			see: "op rseq_cs", want: oldNew("commit cleared", "commit kept"),
		},
		{
			row: "valid rseq_cs, ip outside, after raise()", program: at("op_cs", raiseCall), schedule: raise,
			see: "op rseq_cs", want: cells{"commit cleared", "commit cleared", "commit cleared", "commit kept", "commit cleared", "commit kept"},
		},
		{
			row: "valid rseq_cs, ip outside, after a preemption", program: at("op_cs", "nop"), schedule: preempt,
			see: "op rseq_cs", want: everywhere("commit cleared"),
		},
		{
			row: "ip outside, descriptor with bad sig", program: at("bad_sig", "nop"), schedule: preempt,
			see: "op rseq_cs", want: oldNew("SIGSEGV signature", "commit cleared"),
		},
		{
			row: "ip outside, descriptor with version 1", program: at("bad_version", "nop"), schedule: preempt,
			see: "op rseq_cs", want: oldNew("SIGSEGV version", "commit cleared"),
		},
		{
			row: "ip outside, descriptor with abort inside", program: at("bad_inside", "nop"), schedule: preempt,
			see: "op rseq_cs", want: oldNew("SIGSEGV abort inside", "commit cleared"),
		},
		{
			row: "ip outside, descriptor with bad sig, after a sleep", program: at("bad_sig", "syscall nanosleep"), schedule: sleep,
			see: "op rseq_cs", want: oldNew("SIGSEGV signature", "commit kept"),
		},
		{
			row: "ip outside, rseq_cs unmapped, after a preemption", program: at("0x7000000", "nop"), schedule: preempt,
			see: "op", want: everywhere("SIGSEGV cs unmapped"),
		},
		{
			row: "ip outside, rseq_cs unmapped, after a sleep", program: at("0x7000000", "syscall nanosleep"), schedule: sleep,
			see: "op rseq_cs", want: oldNew("SIGSEGV cs unmapped", "commit kept"),
		},
		{
			row: "ip outside, rseq_cs unmapped, after raise() (signal evaluates)", program: at("0x7000000", raiseCall), schedule: raise,
			see: "op rseq_cs", want: cells{"SIGSEGV cs unmapped", "SIGSEGV cs unmapped", "SIGSEGV cs unmapped", "commit kept", "SIGSEGV cs unmapped", "commit kept"},
		},
		{
			row: "ip outside, rseq_cs beyond TASK_SIZE, after a preemption", program: at("0x7ffffffff000", "nop"), schedule: preempt,
			see: "op", want: everywhere("SIGSEGV cs address"),
		},
		{
			row: "ip outside, rseq_cs beyond TASK_SIZE, after a sleep", program: at("-8", "syscall nanosleep"), schedule: sleep,
			see: "op rseq_cs", want: oldNew("SIGSEGV cs address", "commit kept"),
		},
	})
}
