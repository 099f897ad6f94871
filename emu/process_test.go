package emu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// What fork, vfork and clone do to a registration.

// family is a program whose thread makes a child; the child stores what it
// finds in its area.
func family(before, call string) string {
	return `
data seen: u64[4]
data childs_area: u64[16]
func op()
    ` + before + `
    ` + call + `
made:
    beq  r0, 0, child
parent:
    mov  r0, 1
    ret
child:
    ld.4 r2, [tp + cpu_id_start]
    st.8 [seen], r2
childs_end:
    ret
func look()
    ret
handler SIGUSR1: look
thread on 0: op
`
}

const (
	forks   = "syscall fork"
	vforks  = "syscall vfork"
	clones  = "mov r0, CLONE_VM\n    syscall clone"
	threads = "mov r0, 0x10900 # CLONE_VM|CLONE_SIGHAND|CLONE_THREAD\n    syscall clone"
	copies  = "mov r0, 0\n    syscall clone"
)

// TestFactsFork: "fork child / vfork child: registered / not, everywhere".
func TestFactsFork(t *testing.T) {
	for _, col := range columns {
		for _, kernel := range col.kernels {
			for call, inherits := range map[string]bool{forks: true, copies: true, vforks: false, clones: false, threads: false} {
				r := boot(t, kernel, family("nop", call)).run("t0 to op")
				for r.tasks[1].state == taskUnused {
					r.run("c0 step")
				}
				want := abi.PtraceRSeqConfiguration{}
				if !r.k.LongAreas {
					want.Size = abi.RSeqOrigSize // it is always told
				}
				if inherits {
					want = r.RSeqConfiguration(0)
				}
				if diff := cmp.Diff(want, r.RSeqConfiguration(1)); diff != "" {
					t.Errorf("%s, %s: the child's registration (-want +got):\n%s", kernel, call, diff)
				}
			}
		}
	}
}

// TestVforkChildInheritsBefore55: until then only a thread started unregistered.
func TestVforkChildInheritsBefore55(t *testing.T) {
	for kernel, inherits := range map[string]bool{"4.18": true, "4.19": true, "5.0": true, "5.4": true, "5.5": false, "5.10": false} {
		for call, want := range map[string]bool{forks: true, vforks: inherits, clones: inherits, threads: false} {
			r := boot(t, kernel, family("nop", call)).run("t0 to op")
			for r.tasks[1].state == taskUnused {
				r.run("c0 step")
			}
			if got := r.RSeqConfiguration(1).Pointer != 0; got != want {
				t.Errorf("%s, %s: the child is registered: %v, want %v", kernel, call, got, want)
			}
		}
	}
}

// TestPtraceConfiguration is what a tracer is told.
func TestPtraceConfiguration(t *testing.T) {
	r := boot(t, "7.3/v1", section+"thread: op\n")
	want := abi.PtraceRSeqConfiguration{Pointer: uint64(r.areaOf(0)), Size: 32, Signature: 0x53053053}
	if diff := cmp.Diff(want, r.RSeqConfiguration(0)); diff != "" {
		t.Errorf("32 bytes (-want +got):\n%s", diff)
	}
	r = boot(t, "7.3/s390x", section+"thread: op\n")
	want = abi.PtraceRSeqConfiguration{Pointer: uint64(r.areaOf(0)), Size: 33, Signature: 0xb2ff0fff}
	if diff := cmp.Diff(want, r.RSeqConfiguration(0)); diff != "" {
		t.Errorf("33 bytes (-want +got):\n%s", diff)
	}
	r = boot(t, "7.3", calls+"thread: get4 area\n")
	if diff := cmp.Diff(abi.PtraceRSeqConfiguration{}, r.RSeqConfiguration(0)); diff != "" {
		t.Errorf("not registered (-want +got):\n%s", diff)
	}
}

// TestForkChildsIdsAreWritten before it first returns, on its parent's CPU too:
// its concurrency id is another memory's. A V2 child pays for what its parent
// has written there.
func TestForkChildsIdsAreWritten(t *testing.T) {
	const clobber = "st.4 [tp + cpu_id_start], 99"
	for kernel, want := range map[string]string{"5.10": "0", "6.1": "0", "6.18": "0", "6.19": "0", "7.3/v1": "0", "7.3/v2": "SIGSEGV ids"} {
		r := boot(t, kernel, family(clobber, forks)).run("t0 to parent; t0 through; c0 run t1")
		got := r.end()
		if got == "" {
			r.run("t1 to childs_end")
			v, _ := r.memOf(&r.tasks[1]).Load(r.areaOf(0)+abi.OffCPUIDStart, 4)
			got = result(v)
		}
		if got != want {
			t.Errorf("%s: the child finds cpu_id_start %s, want %s", kernel, got, want)
		}
		if v := r.field(0, "cpu_id_start"); v != 99 {
			t.Errorf("%s: the parent's cpu_id_start is %d, want its own 99", kernel, v)
		}
	}
}

// TestForkInsideSection: the child was placed on its CPU, which the old rule
// takes for a migration; the new one doesn't look after a system call.
func TestForkInsideSection(t *testing.T) {
	program := inside("syscall fork\n    beq r0, 0, childs\nchilds:\n    nop") + "thread on 0: op\n"
	for i, col := range columns {
		want := oldNew("abort", "commit")[i]
		for _, kernel := range col.kernels {
			r := boot(t, kernel, program).run("t0 to inside; t0 to last; t0 to commit; t0 through; c0 run t1")
			if want == "commit" {
				r.run("t1 to commit")
			} else {
				r.run("t1 to abort")
			}
			if got := r.observe("op"); got != "commit" {
				t.Errorf("%s: the parent's section: %s, want commit", kernel, got)
			}
		}
	}
}

// TestForkChildHasMemoryOfItsOwn, and a vfork child hasn't.
func TestForkChildHasMemoryOfItsOwn(t *testing.T) {
	for call, want := range map[string]int64{forks: 7, vforks: 0} {
		r := boot(t, "6.18", family("st.8 [seen], 7", call)).run("t0 to op")
		for r.tasks[1].state == taskUnused {
			r.run("c0 step")
		}
		if call == forks {
			r.run("t0 through; c0 run t1; t1 through")
		} else {
			r.run("c0 run t1; t1 through; c0 run t0; t0 through")
		}
		if got := r.data("seen", 0); got != want {
			t.Errorf("%s: the parent reads %d, want %d", call, got, want)
		}
	}
}

// TestVforkParentWaits until its child has ended or has another program.
func TestVforkParentWaits(t *testing.T) {
	execs := family("nop", vforks+"\n    beq r0, 0, execs\n    jmp parent\nexecs:\n    mov r0, fresh\n    syscall execve") + "func fresh()\n    ld.4 r2, [tp + cpu_id]\nfresh2:\n    ret\n"
	for name, tt := range map[string]struct{ program, until string }{
		"exit": {family("nop", vforks), "t1 to childs_end; t1 through"},
		"exec": {execs, "t1 to fresh"},
	} {
		r := boot(t, "6.18", tt.program).run("t0 to op; c0 step; c0 step")
		if err := r.Try(WakeTask(0)); err == nil {
			t.Errorf("%s: a vfork parent is woken by nothing", name)
		}
		if got, want := r.Blocked(), "t0 waits for its vfork child, t1 waits for a CPU"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		r.run("c0 run t1; " + tt.until)
		if r.tasks[0].state != taskRunnable {
			t.Errorf("%s: the parent still waits", name)
		}
		if name == "exec" {
			if got := r.RSeqConfiguration(1).Pointer; got != 0 {
				t.Errorf("the new program is registered at %#x", got)
			}
		}
	}
}

// TestCloneErrors are the combinations of flags that there can't be.
func TestCloneErrors(t *testing.T) {
	for flags, want := range map[string]string{
		"0x10100": "EINVAL", // CLONE_THREAD without CLONE_SIGHAND
		"0x10000": "EINVAL",
		"0x800":   "EINVAL", // CLONE_SIGHAND without CLONE_VM
	} {
		program := "func op(flags_)\n    syscall clone\n    ret\nthread: op " + flags + "\n"
		if got := boot(t, "6.18", program).run("t0 through").observe("op"); got != want {
			t.Errorf("clone with %s: %s, want %s", flags, got, want)
		}
	}
	// Two tasks are there to be made, and no more.
	program := "func op()\n    syscall fork\n    beq r0, 0, end\n    syscall fork\n    beq r0, 0, end\n    syscall fork\nend:\n    ret\nthread: op\n"
	if got := boot(t, "6.18", program).run("t0 through").observe("op"); got != "EAGAIN" {
		t.Errorf("the third fork: %s, want EAGAIN", got)
	}
}

// TestThreadRegistersItself: a clone has an area of its own, which nobody has
// registered, and can register it.
func TestThreadRegistersItself(t *testing.T) {
	program := `
data stack_: u64[64]
func op()
    mov r0, 0x90900                   # CLONE_VM|CLONE_SIGHAND|CLONE_THREAD|CLONE_SETTLS
    mov r1, stack_ + 512
    add r3, tp, 64                    # the next thread's area
    syscall clone
    beq r0, 0, child
    ret
child:
    ld.4 r7, [tp + cpu_id]
    mov r0, tp
    mov r1, 32
    mov r2, 0
    mov r3, RSEQ_SIG
    syscall rseq
    ld.4 r8, [tp + cpu_id]
ready:
    ret
thread on 0-1: op
`
	for _, col := range columns {
		for _, kernel := range col.kernels {
			r := boot(t, kernel, program).run("t0 through; c1 run t1; t1 to ready")
			regs := r.Regs(1)
			if got, want := regs.R[ir.SP], uint64(r.im.Symbols["stack_"])+512; got != want {
				t.Errorf("%s: the child's stack pointer is %#x, want %#x", kernel, got, want)
			}
			if before, after := int32(regs.R[7]), int32(regs.R[8]); before != -1 || after != 1 {
				t.Errorf("%s: cpu_id is %d before registering and %d after, want -1 and 1", kernel, before, after)
			}
			if got, want := r.RSeqConfiguration(1).Pointer, uint64(r.areaOf(1)); got != want {
				t.Errorf("%s: registered at %#x, want %#x", kernel, got, want)
			}
		}
	}
}

// TestIDsOfChildren: fork returns the child's process, which getpid tells the
// child; clone of a thread returns the thread, which gettid tells it.
func TestIDsOfChildren(t *testing.T) {
	for call, ask := range map[string]string{forks: "getpid", vforks: "getpid", threads: "gettid"} {
		program := "func op()\n    " + call + "\nmade:\n    bne r0, 0, parent\n    syscall " + ask + "\nasked:\n    ret\nparent:\n    ret\nthread: op\n"
		r := boot(t, "6.18", program).run("t0 to op")
		for r.tasks[1].state == taskUnused {
			r.run("c0 step")
		}
		if call == vforks {
			r.run("c0 run t1; t1 to asked")
		} else {
			r.run("c0 preempt; c0 run t1; t1 to asked")
		}
		// The parent's result is there, also while it waits for a vfork child.
		want := uint64(1064)
		if call == threads {
			want = 1001
		}
		if child, parent := r.Regs(1).R[0], r.Regs(0).R[0]; child != want || parent != want {
			t.Errorf("%s: the parent is told %d, and %s tells the child %d", call, parent, ask, child)
		}
	}
}

// TestMembarrierRegistration is a memory's: fork copies it, execve forgets it.
func TestMembarrierRegistration(t *testing.T) {
	const fence = "    mov r0, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ\n    mov r1, 0\n    syscall membarrier\n"
	program := "func enable()\n    mov r0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ\n    mov r1, 0\n    syscall membarrier\n    ret\n" +
		"func op()\n    syscall fork\n    beq r0, 0, child\n    ret\nchild:\n" + fence + "fenced_:\n    mov r0, fresh\n    syscall execve\n" +
		"func fresh()\n" + fence + "fresh_end:\n    ret\nthread: enable; op\n"
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, program).run("t0 through; c0 run t1; t1 to fenced_")
		if got := result(r.Regs(1).R[0]); got != "0" {
			t.Errorf("%s: membarrier of a fork child: %s, want 0", kernel, got)
		}
		r.run("t1 to fresh_end")
		if got := result(r.Regs(1).R[0]); got != "EPERM" {
			t.Errorf("%s: membarrier of a new program: %s, want EPERM", kernel, got)
		}
	})
}
