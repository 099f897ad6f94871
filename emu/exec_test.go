package emu

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// What execve and exit do to a registration, and what is left of a process.

const execProgram = `
data seen: u64[4]
rodata text: u64
func op(then)
    sub  sp, sp, 64
    st.8 [seen], 7
    st.4 [tp + cpu_id_start], 99
    mov  r5, 0x7000000
    st.8 [tp + rseq_cs], r5
    syscall execve
back:
    ret
func fresh()
    ld.4 r2, [tp + cpu_id]
    ld.8 r3, [tp + rseq_cs]
    ld.8 r4, [seen]
fresh_end:
    ret
func other()
    jmp other
func look()
    ret
handler SIGUSR1: look
`

// TestExecveUnregisters: the program is new, its memory fresh, its handlers
// default, and the other threads are gone.
func TestExecveUnregisters(t *testing.T) {
	for _, col := range columns {
		for _, kernel := range col.kernels {
			r := boot(t, kernel, execProgram+"thread on 0: op fresh; op fresh\nthread on 1: other\n").run("t0 to fresh_end")
			if diff := cmp.Diff(abi.PtraceRSeqConfiguration{}, r.RSeqConfiguration(0), cmpopts.IgnoreFields(abi.PtraceRSeqConfiguration{}, "Size")); diff != "" {
				t.Errorf("%s: still registered: %s", kernel, diff)
			}
			regs := r.Regs(0)
			if regs.R[0] != 0 || regs.R[5] != 0 || regs.R[ir.SP] != uint64(r.im.StackTop(0)) || r.tasks[0].cid > 0 {
				t.Errorf("%s: r0, r5, sp, mm_cid of the new program are %#x, %#x, %#x, %d", kernel, regs.R[0], regs.R[5], regs.R[ir.SP], r.tasks[0].cid)
			}
			if cpu, cs, seen := int32(regs.R[2]), regs.R[3], regs.R[4]; cpu != -1 || cs != 0 || seen != 0 {
				t.Errorf("%s: the new program finds cpu_id %d, rseq_cs %#x, data %d; want -1, 0, 0", kernel, cpu, cs, seen)
			}
			if _, running := r.Running(1); running || r.tasks[1].alive() {
				t.Errorf("%s: the other thread lives on", kernel)
			}
			r.run("t0 signal SIGUSR1")
			if got := r.end(); got != "SIGUSR1 sent" {
				t.Errorf("%s: SIGUSR1 after execve: %q, want it to kill", kernel, got)
			}
		}
	}
}

// TestNewProgramEndsWithItsFunction, whatever the script of the old one had next.
// The first function of the program can be executed like any other.
func TestNewProgramEndsWithItsFunction(t *testing.T) {
	program := "func fresh()\n    nop\n    ret\nfunc op()\n    mov r0, fresh\n    syscall execve\n    ret\nthread: op; op\n"
	r := boot(t, "6.18", program).run("t0 to op; t0 to fresh; t0 through")
	if got := r.observe("calls"); got != "" {
		t.Errorf("operations have returned %s; want none", got)
	}
}

// TestFailedExecveForcesUpdate: if the file is there and no program, ids are
// rewritten even if nothing changed, and V2 finds a clobbered one; rseq_cs is
// looked at by the old rule only.
func TestFailedExecveForcesUpdate(t *testing.T) {
	old, kept := "SIGSEGV cs unmapped", "0 kept"
	for i, want := range (cells{old, old, old, kept, kept, "SIGSEGV ids"}) {
		for _, kernel := range columns[i].kernels {
			r := boot(t, kernel, execProgram+"thread: op text\n").run("t0 through")
			if got := r.observe("cpu_id_start rseq_cs"); got != want {
				t.Errorf("%s: %s, want %s", kernel, got, want)
			}
			if r.end() == "" && r.op(0) != "ENOEXEC" {
				t.Errorf("%s: a failed execve returns %s", kernel, r.op(0))
			}
		}
	}
}

// TestExecveOfNothing leaves everything as it was, but from 6.3 to 6.7.
func TestExecveOfNothing(t *testing.T) {
	for kernel, want := range map[string]string{
		"5.10": "99 kept", "6.1": "99 kept", "6.3": "SIGSEGV cs unmapped", "6.6": "SIGSEGV cs unmapped",
		"6.12": "99 kept", "6.18": "99 kept", "6.19": "99 kept", "7.3/v1": "99 kept", "7.3/v2": "99 kept",
	} {
		r := boot(t, kernel, execProgram+"thread: op 0\n").run("t0 through")
		if got := r.observe("cpu_id_start rseq_cs"); got != want {
			t.Errorf("%s: %s, want %s", kernel, got, want)
		}
		if r.end() == "" && r.op(0) != "ENOENT" {
			t.Errorf("%s: an execve of nothing returns %s", kernel, r.op(0))
		}
	}
}

// TestPtraceKnowsConfiguration since 5.13.
func TestPtraceKnowsConfiguration(t *testing.T) {
	for kernel, want := range map[string]bool{"4.18": false, "5.10": false, "5.15": true, "6.18": true, "7.3": true} {
		k, err := ParseKernel(kernel)
		if err != nil {
			t.Fatal(err)
		}
		if k.PtraceConfig != want {
			t.Errorf("%s: PTRACE_GET_RSEQ_CONFIGURATION is known: %v, want %v", kernel, k.PtraceConfig, want)
		}
	}
}

// TestExitLeavesUserMemoryAlone, whatever is in the area.
func TestExitLeavesUserMemoryAlone(t *testing.T) {
	program := `
func op()
    st.4 [tp + cpu_id_start], 99
    mov  r5, 0x7000000
    st.8 [tp + rseq_cs], r5
dirty:
    syscall exit
func ends()
    ret
thread: op
`
	for _, col := range columns {
		for _, kernel := range col.kernels {
			r := boot(t, kernel, program).run("t0 to dirty")
			before := append([]byte(nil), r.mem[0].Mutable()...)
			r.run("t0 through")
			if got := r.end(); got != "" {
				t.Errorf("%s: exit ends in %s", kernel, got)
			}
			if diff := cmp.Diff(before, r.mem[0].Mutable()); diff != "" {
				t.Errorf("%s: exit wrote to memory (-before +after):\n%s", kernel, diff)
			}
		}
	}
}

// TestExits are the ends of the processes, each with what its last thread did.
func TestExits(t *testing.T) {
	program := "func op(code)\n    syscall exit\nfunc all(code)\n    syscall exit_group\nhere:\n    ret\nfunc nothing()\n    nop\n    ret\nfunc forks_()\n    syscall fork\nforked:\n    trap ud\n"
	r := boot(t, "6.18", program+"thread: nothing\n")
	here, forked := r.label("here"), r.label("forked")
	ud := Exit{Signal: abi.SIGILL, Reason: ReasonUD, IP: forked, Addr: forked}
	child := ud
	child.Task = 2
	for _, tt := range []struct {
		threads, schedule string
		want              []Exit
	}{
		{"thread: nothing\n", "t0 through", []Exit{{}}},
		{"thread: op 3\n", "t0 through", []Exit{{Code: 3}}},
		{"thread: op 3\nthread: op 4\n", "t1 through; t0 through", []Exit{{Code: 3}}},
		{"thread: op 3\nthread: nothing\n", "t0 through", nil},
		{"thread: all 259\nthread: nothing\n", "t0 through", []Exit{{Code: 3, IP: here}}},
		{"thread: nothing\nthread: all 5\n", "t1 through", []Exit{{Code: 5, Task: 1, IP: here}}},
		{"thread on 0: forks_; op 1\n", "t0 to forks_; c0 step; t0 through", []Exit{ud}},
		{"thread on 0: forks_\nthread: op 1\n", "t0 to forks_; c0 step; t0 through; c0 run t2; t2 through", []Exit{ud, child}},
	} {
		r := boot(t, "6.18", program+tt.threads).run(tt.schedule)
		if diff := cmp.Diff(tt.want, r.Exits()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.threads, diff)
		}
		e, killed := r.Killed()
		if want := len(tt.want) > 0 && tt.want[0].Signal != 0; killed != want || killed && e != tt.want[0] {
			t.Errorf("%q: killed: %v, by %+v", tt.threads, killed, e)
		}
	}
}
