package emu

import (
	"testing"

	"github.com/rseqemu/rseqemu/ir"
)

const absentProgram = `
data far: u64[1024]
func op()
    cs op_cs: start_ip=start post_commit_ip=commit abort_ip=abort
    mov  r4, op_cs
    st.8 [tp + rseq_cs], r4
start:
    nop
inside:
    nop
commit:
    mov  r0, 1
    ret
    sig
abort:
    mov  r0, 2
    ret
func look()
    ret
handler SIGUSR1: look
thread: op
`

// TestWhatTheFastPathCannotRead is done again by the slow path, which writes the ids,
// or finds that V2's were overwritten (conform/testdata, FAULT). A signal's delivery can
// wait for the page, and then it is there. Where there is no fast path, nothing is
// special.
func TestWhatTheFastPathCannotRead(t *testing.T) {
	const preempt = "t0 to inside; t0 poke cpu_id_start 99; c0 preempt; c0 run t0"
	const signal = "t0 to inside; t0 poke cpu_id_start 99; t0 signal SIGUSR1"
	for _, tt := range []struct {
		kernel, schedule, absent string
		start                    int64  // cpu_id_start then
		end                      string // of the thread
		slow                     uint64 // how often the slow path worked
	}{
		{"6.19", preempt, "", 99, "", 0},
		{"6.19", preempt, "descriptor", 0, "", 1},
		{"6.19", preempt, "signature", 0, "", 1},
		{"6.19", preempt, "area", 0, "", 1},
		{"7.3/v1", preempt, "descriptor", 0, "", 1},
		{"7.3", preempt, "", 99, "", 0},
		{"7.3", preempt, "descriptor", 99, "SIGSEGV", 1}, // before it has looked at rseq_cs again
		{"7.3", preempt, "signature", 99, "SIGSEGV", 1},
		{"7.3", preempt, "area", 99, "SIGSEGV", 1},
		{"7.3", preempt, "data", 99, "", 0},
		{"7.3", signal, "descriptor", 99, "", 0},
		{"7.3/debug", preempt, "descriptor", 99, "SIGSEGV", 1},
		{"7.3/arm64", preempt, "descriptor", 99, "SIGSEGV", 1},
		{"7.3/arm64", preempt, "", 99, "SIGSEGV", 1},
		{"6.18", preempt, "descriptor", 0, "", 1},
	} {
		r := boot(t, tt.kernel, absentProgram)
		r.run("t0 to start")
		before := r.Counters().SlowPath
		pages := map[string]ir.Addr{
			"descriptor": r.im.Symbols["op_cs"], "signature": r.label("abort"), "area": r.areaOf(0), "data": r.im.Symbols["far"] + PageSize,
		}
		absent := Absent{}
		if tt.absent != "" {
			absent[pages[tt.absent]&^(PageSize-1)] = true
		}
		r.SetAbsent(absent)
		r.run(tt.schedule)
		end := ""
		if e, killed := r.Killed(); killed {
			end = e.Signal.String()
		}
		slow := r.Counters().SlowPath - before
		v, _ := r.Memory(0).Load(r.areaOf(0), 4)
		if int64(v) != tt.start || end != tt.end || slow != tt.slow {
			t.Errorf("%s: %s, absent %q: cpu_id_start %d, end %q, slow path %d times; want %d, %q, %d",
				tt.kernel, tt.schedule, tt.absent, v, end, slow, tt.start, tt.end, tt.slow)
		}
	}
}

// TestTouch takes out every page of a range and no other.
func TestTouch(t *testing.T) {
	const p = PageSize
	a := Absent{p: true, 2 * p: true, 3 * p: true, 4 * p: true}
	a.Touch(p-1, 1)
	a.Touch(5*p, 1)
	if len(a) != 4 {
		t.Errorf("a neighbour was taken out: %v", a)
	}
	if a.Touch(2*p-1, 2); len(a) != 2 || !a[3*p] || !a[4*p] {
		t.Errorf("two bytes on two pages: %v", a)
	}
	if !a.has(5*p-8, 16) || !a.has(3*p-8, 16) || a.has(5*p, 8) || a.has(2*p, 8) {
		t.Error("a page is there and isn't")
	}
}
