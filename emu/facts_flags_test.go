package emu

import (
	"fmt"
	"strings"
	"testing"
)

// The rows about flags and about descriptors that are wrong, ip inside.

// flagged is a thread inside a section whose area or descriptor has flags.
func flagged(area, cs int) string {
	p := strings.Replace(section, "func op()\n", fmt.Sprintf("func op()\n    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort flags=%d\n", cs), 1)
	p = strings.Replace(p, "    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort\n", fmt.Sprintf("    st.4 [tp + flags], %d\n", area), 1)
	return p + "thread: op\n"
}

const (
	signalInside  = "t0 to inside; t0 signal SIGUSR1; t0 through"
	preemptInside = "t0 to inside; c0 preempt; c0 run t0; t0 through"
	migrateInside = "t0 to inside; c0 preempt; c1 run t0; t0 through"
	// The way a tracer delivers a signal: the stop is a preemption.
	stopAndSignal = "t0 to inside; c0 preempt; t0 signal SIGUSR1; c0 run t0; t0 through"
)

func TestFactsFlags(t *testing.T) {
	var fatal = cells{"abort", "SIGSEGV flags", "SIGSEGV flags", "abort", "abort", "abort"}
	testFacts(t, []fact{
		{row: "area flags 1 + signal inside", program: flagged(1, 0), schedule: signalInside, see: "op", want: fatal},
		{row: "cs flags 1 + signal inside", program: flagged(0, 1), schedule: signalInside, see: "op", want: fatal},
		{
			row: "area flags 7 + signal inside", program: flagged(7, 0), schedule: signalInside, see: "op",
			want: cells{"commit", "SIGSEGV flags", "SIGSEGV flags", "abort", "abort", "abort"},
		},
		{
			row: "cs flags 7 + signal inside", program: flagged(0, 7), schedule: signalInside, see: "op",
			want: cells{"commit", "SIGSEGV flags", "SIGSEGV flags", "abort", "abort", "abort"},
		},
		{
			row: "area flags 7 + stop and signal inside", program: flagged(7, 0), schedule: stopAndSignal, see: "op",
			want: cells{"commit", "SIGSEGV flags", "SIGSEGV flags", "abort", "abort", "abort"},
		},
		{row: "area flags 8 (unknown)", program: flagged(8, 0), schedule: signalInside, see: "op", want: fatal},
		{row: "cs flags 8 (unknown)", program: flagged(0, 8), schedule: signalInside, see: "op", want: fatal},
		{
			row: "cs flags 2 alone", program: flagged(0, 2), schedule: signalInside, see: "op",
			want: oldNew("SIGSEGV flags", "abort"),
		},
		{
			row: "area flags 2 alone", program: flagged(2, 0), schedule: signalInside, see: "op",
			want: oldNew("SIGSEGV flags", "abort"),
		},
		{
			row: "area flags 2 alone, ip outside", program: flagged(2, 0),
			schedule: "t0 to commit; t0 signal SIGUSR1; t0 through", see: "op", want: everywhere("commit"),
		},
	})
}

// TestNoRestartFlagsMaskTheirEvents is the original rule: a section isn't
// restarted if its flags mask every event that happened, and signals may only
// be masked together with both others.
func TestNoRestartFlagsMaskTheirEvents(t *testing.T) {
	const preempt, signal, migrate = 1, 2, 4
	for _, tt := range []struct {
		flags    int
		schedule string
		want     string
	}{
		{0, preemptInside, "abort"},
		{preempt, preemptInside, "commit"},
		{migrate, preemptInside, "abort"},
		{preempt | migrate, preemptInside, "commit"},
		{signal, preemptInside, "SIGSEGV flags"},
		{preempt | signal, preemptInside, "SIGSEGV flags"},
		{signal | migrate, preemptInside, "SIGSEGV flags"},
		{preempt | signal | migrate, preemptInside, "commit"},

		{preempt, migrateInside, "abort"}, // leaving the CPU is a preemption too
		{migrate, migrateInside, "abort"},
		{preempt | migrate, migrateInside, "commit"},
		{preempt | signal | migrate, migrateInside, "commit"},

		{preempt | migrate, signalInside, "abort"},
		{preempt | migrate, stopAndSignal, "abort"},
		{preempt | signal | migrate, stopAndSignal, "commit"},

		{preempt | 8, preemptInside, "commit"}, // an unknown bit masks nothing
		{8, preemptInside, "abort"},
	} {
		for _, program := range []string{flagged(tt.flags, 0), flagged(0, tt.flags), flagged(tt.flags&^1, tt.flags&1)} {
			r := boot(t, "5.10", program).run(tt.schedule)
			if got := r.observe("op"); got != tt.want {
				t.Errorf("flags %#x, %q: %s, want %s", tt.flags, tt.schedule, got, tt.want)
			}
		}
	}
}

// TestFlagsBetween60And63 is the strict rule before it also reached unknown
// bits: NO_RESTART bits kill, others don't matter.
func TestFlagsBetween60And63(t *testing.T) {
	for _, kernel := range []string{"6.0", "6.2"} {
		for flags, want := range map[int]string{0: "abort", 1: "SIGSEGV flags", 2: "SIGSEGV flags", 4: "SIGSEGV flags", 7: "SIGSEGV flags", 8: "abort", 9: "SIGSEGV flags"} {
			for _, program := range []string{flagged(flags, 0), flagged(0, flags)} {
				if got := boot(t, kernel, program).run(preemptInside).observe("op"); got != want {
					t.Errorf("%s, flags %#x: %s, want %s", kernel, flags, got, want)
				}
			}
		}
	}
}

// wrong is a section with a wrong descriptor.
func wrong(descriptor, signature string) string {
	p := strings.Replace(section, "cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort", "cs op_cs: "+descriptor, 1)
	return strings.Replace(p, "    ret\n    sig\nabort:", "    ret\n    "+signature+"\nabort:", 1) + "thread: op\n"
}

func TestFactsWrongDescriptor(t *testing.T) {
	const good = "start_ip=start post_commit_ip=commit abort_ip=abort"
	// restart has a signature before start_ip, so that it can be abort_ip; the
	// second time around it leaves by another way.
	const restart = `
data seen: u64[4]
func op()
    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=start
    mov  r4, op_cs
    st.8 [tp + rseq_cs], r4
    jmp  start
    sig
start:
    add  r5, r5, 1
inside:
    nop
commit:
    st.8 [seen], r5
    mov  r0, 1
    ret
thread: op
`
	var wrapped = cells{"SIGSEGV range", "SIGSEGV range", "SIGSEGV range", "abort", "abort", "abort"}
	testFacts(t, []fact{
		{
			row: "version 1, ip inside", program: wrong(good+" version=1", "sig"), schedule: preemptInside,
			see: "op", want: oldNew("SIGSEGV version", "abort"),
		},
		{
			row: "version 1 and flags 7, ip inside", program: wrong(good+" version=1 flags=7", "sig"), schedule: signalInside,
			see: "op", want: oldNew("SIGSEGV version", "abort"),
		},
		{
			row: "bad signature, ip inside", program: wrong(good, "sig 0x12345678"), schedule: preemptInside,
			see: "op", want: everywhere("SIGSEGV signature"),
		},
		{
			row: "bad signature, signal inside", program: wrong(good, "sig 0x12345678"), schedule: signalInside,
			see: "op", want: everywhere("SIGSEGV signature"),
		},
		{
			row: "bad signature, nothing happens", program: wrong(good, "sig 0x12345678"), schedule: "t0 through",
			see: "op", want: everywhere("commit"),
		},
		{
			row: "abort_ip = start_ip, ip inside", program: restart, schedule: "t0 to inside; c0 preempt; c0 run t0; t0 through",
			see: "op rseq_cs seen[0]", want: oldNew("SIGSEGV abort inside", "commit cleared 2"),
		},
		{
			row: "abort_ip without room for a signature, ip inside", program: wrong("start_ip=start post_commit_ip=commit abort_ip=3", "sig"),
			schedule: preemptInside, see: "op", want: oldNew("SIGSEGV cs unmapped", "SIGSEGV abort address"),
		},
		{
			row: "abort_ip with room for a signature where nothing is mapped, ip inside", program: wrong("start_ip=start post_commit_ip=commit abort_ip=4", "sig"),
			schedule: preemptInside, see: "op", want: everywhere("SIGSEGV cs unmapped"),
		},
		{
			row: "post_commit_ip = TASK_SIZE, ip inside", program: wrong("start_ip=start post_commit_ip=0x7ffffffff000 abort_ip=0", "sig"),
			schedule: preemptInside, see: "op", want: oldNew("SIGSEGV range", "SIGSEGV abort address"),
		},
		{
			row: "abort_ip where nothing is mapped, ip inside", program: wrong("start_ip=start post_commit_ip=commit abort_ip=0x7000000", "sig"),
			schedule: preemptInside, see: "op", want: everywhere("SIGSEGV cs unmapped"),
		},
		{
			row: "abort_ip beyond TASK_SIZE, ip inside", program: wrong("start_ip=start post_commit_ip=commit abort_ip=0x7ffffffff000", "sig"),
			schedule: preemptInside, see: "op", want: oldNew("SIGSEGV range", "SIGSEGV abort address"),
		},
		{
			// The end is beyond TASK_SIZE, but a 64-bit subtraction still
			// finds the ip inside.
			row: "post_commit_offset beyond TASK_SIZE, ip inside", program: wrong("start_ip=start post_commit_offset=0x7ffffffff000 abort_ip=0x0", "sig"),
			schedule: preemptInside, see: "op", want: oldNew("SIGSEGV range", "SIGSEGV abort address"),
		},
		{
			row: "start_ip + post_commit_offset wraps, ip inside", program: wrong("start_ip=start post_commit_offset=-1 abort_ip=abort", "sig"),
			schedule: preemptInside, see: "op", want: wrapped,
		},
		{
			row: "post_commit_offset 0: nothing is inside", program: wrong("start_ip=start post_commit_offset=0 abort_ip=abort", "sig"),
			schedule: preemptInside, see: "op rseq_cs", want: everywhere("commit cleared"),
		},
		{
			row: "start_ip beyond TASK_SIZE: not inside", program: wrong("start_ip=0x7ffffffff000 post_commit_offset=16 abort_ip=abort", "sig"),
			schedule: preemptInside, see: "op rseq_cs", want: oldNew("SIGSEGV range", "commit cleared"),
		},
	})
}

// TestSignatureIsTheRegisteredOne: what must stand before abort_ip is what the
// thread registered with, not the architecture's.
func TestSignatureIsTheRegisteredOne(t *testing.T) {
	program := func(sig string) string {
		return wrong("start_ip=start post_commit_ip=commit abort_ip=abort", sig) + `
register none
func reg()
    mov r0, tp
    mov r1, 32
    mov r2, 0
    mov r3, 0x12345678
    syscall rseq
    ret
`
	}
	for _, col := range columns {
		for _, kernel := range col.kernels {
			for sig, want := range map[string]string{"sig": "SIGSEGV signature", "sig 0x12345678": "abort"} {
				p := strings.Replace(program(sig), "thread: op", "thread: reg; op", 1)
				if got := boot(t, kernel, p).run(preemptInside).observe("op"); got != want {
					t.Errorf("%s: %s before abort_ip, 0x12345678 registered: %s, want %s", kernel, sig, got, want)
				}
			}
		}
	}
}
