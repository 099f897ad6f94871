package emu

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Concurrency ids: unique, dense, and dealt out as the release does.

// spinners is n threads that never end, on so many CPUs.
func spinners(cpus, n int) string {
	p := fmt.Sprintf("func spin()\n    nop\nagain:\n    jmp again\ncpus %d\n", cpus)
	for range n {
		p += "thread: spin\n"
	}
	return p
}

// TestCIDsUniqueAndDense over random runs: no two running threads of a memory
// have the same id, the area holds the id while the thread is in user mode, and
// an id that is dealt out is below the number of threads and of CPUs.
func TestCIDsUniqueAndDense(t *testing.T) {
	// Threads that end, fork and exec, so that memories come and go.
	const program = `
cpus 3
func short()
    nop
    nop
    ret
func forks()
    syscall fork
    nop
    syscall sched_yield
    nop
    ret
func execs()
    mov r0, short
    syscall execve
    ret
func vforks()
    syscall vfork
    beq r0, 0, child
    ret
child:
    mov r0, short
    syscall execve
    ret
thread: short; forks; short
thread: short; vforks; short
thread: short; short; short
thread on 0-1: short; execs
`
	var machines []*Machine
	for _, name := range []string{"6.3", "6.12.107", "6.18", "6.19", "7.3/v1", "7.3/v2", "7.3/arm64/v2", "6.19/arm"} {
		p := parse(t, program)
		m, err := New(p, Config{Kernel: mustKernel(t, name), Budget: &everything, Spare: 4})
		if err != nil {
			t.Fatal(err)
		}
		machines = append(machines, m)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := drawOne(t, machines).Fork()
		var dealt []TaskID
		m.Observe(func(e Event) {
			if e.Kind == EvSchedIn {
				dealt = append(dealt, e.Task)
			}
		})
		walk(t, m, 300, func(Choice) { dealt = dealt[:0] }, func() {
			used := map[[2]int8]TaskID{}
			for c := range m.cpus {
				id, running := m.Running(CPUID(c))
				if !running {
					continue
				}
				task := &m.tasks[id]
				key := [2]int8{m.procs[task.proc].mm, task.cid}
				if other, twice := used[key]; twice {
					t.Fatalf("%s: t%d and t%d both have mm_cid %d", m.Kernel(), other, id, task.cid)
				}
				used[key] = id
				if v, _ := m.memOf(task).Load(task.rseq.area+24, 4); task.rseq.area != 0 && task.wait == waitNone && int8(v) != task.cid {
					t.Fatalf("%s: t%d has mm_cid %d, its area says %d", m.Kernel(), id, task.cid, v)
				}
			}
			for _, id := range dealt {
				task := &m.tasks[id]
				if bound := min(int(m.mms[m.procs[task.proc].mm].users), len(m.cpus)); task.state == taskRunning && int(task.cid) >= bound {
					t.Fatalf("%s: t%d gets mm_cid %d of %d", m.Kernel(), id, task.cid, bound)
				}
			}
		})
	})
}

// TestCIDPolicies: to 6.18 a CPU keeps its id, from 6.19 a thread does, and before
// 6.3 there are none.
func TestCIDPolicies(t *testing.T) {
	for kernel, want := range map[string]string{
		"6.2":  "0 0 0 | 0 0 0",
		"6.3":  "0 1 2 | 1 0 2",
		"6.18": "0 1 2 | 1 0 2",
		"6.19": "0 1 2 | 0 1 2",
		"7.3":  "0 1 2 | 0 1 2",
	} {
		r := boot(t, kernel, spinners(3, 3))
		ids := func() string {
			return fmt.Sprint(r.field(0, "mm_cid"), r.field(1, "mm_cid"), r.field(2, "mm_cid"))
		}
		got := ids()
		r.run("c0 preempt; c1 preempt; c1 run t0; c0 run t1") // they change places
		if got += " | " + ids(); got != want {
			t.Errorf("%s: %s, want %s", kernel, got, want)
		}
	}
}

// TestCIDsAreReused: the id of a thread that is off its CPU is free for another.
func TestCIDsAreReused(t *testing.T) {
	for _, kernel := range []string{"6.3", "6.18", "6.19", "7.3"} {
		r := boot(t, kernel, spinners(2, 4)).run("c1 preempt; c1 run t2; c1 preempt; c1 run t3")
		for id := TaskID(2); id < 4; id++ {
			if got := r.field(id, "mm_cid"); got != 1 {
				t.Errorf("%s: t%d has mm_cid %d, want the free 1", kernel, id, got)
			}
		}
		// Thread 1 was 1, but thread 3 has that.
		r.run("c0 preempt; c0 run t1")
		if got := r.field(1, "mm_cid"); got != 0 {
			t.Errorf("%s: t1 has mm_cid %d, want 0", kernel, got)
		}
	}
}

// TestPinnedThreadGetsLowestID: what counts are the CPUs that it may run on.
func TestPinnedThreadGetsLowestID(t *testing.T) {
	program := "func spin()\n    nop\nagain:\n    jmp again\ncpus 3\ndata one: u64 = 4\nfunc pin()\n    mov r0, 0\n    mov r1, 8\n    mov r2, one\n    syscall sched_setaffinity\npinned:\n    jmp pinned\nthread: spin\nthread: spin\nthread: pin\n"
	r := boot(t, "6.19", program).run("c0 preempt; c1 preempt; t2 to pinned; c2 preempt; c2 run t2")
	if got := r.field(2, "mm_cid"); got != 0 {
		t.Errorf("mm_cid of the only running thread, pinned to one CPU, is %d, want 0", got)
	}
}

// TestNewMemoryHasNoHistory: a fork child and a program that execve has started
// begin with id 0, wherever they run.
func TestNewMemoryHasNoHistory(t *testing.T) {
	program := "func op()\n    nop\nhere:\n    syscall fork\n    beq r0, 0, child\n    jmp op2\nop2:\n    jmp op2\nchild:\n    jmp child\nfunc spin()\n    nop\nagain:\n    jmp again\ncpus 3\nthread: spin\nthread: op\nthread: spin\n"
	for _, kernel := range []string{"6.3", "6.18", "6.19", "7.3"} {
		r := boot(t, kernel, program).run("t1 to op2; c1 preempt; c1 run t3; t3 to child")
		v, _ := r.memOf(&r.tasks[3]).Load(r.areaOf(1)+24, 4)
		if v != 0 || r.field(1, "mm_cid") != 1 {
			t.Errorf("%s: the child has mm_cid %d, its parent %d; want 0 and 1", kernel, v, r.field(1, "mm_cid"))
		}
	}
}

// TestReusedMemoryHasNoHistory: which CPU used which id is forgotten with the
// memory, when another one takes its place and when a program is new.
func TestReusedMemoryHasNoHistory(t *testing.T) {
	program := "func op()\n    syscall fork\n    nop\n    ret\nfunc execs()\n    mov r0, execs\n    syscall execve\n    ret\ncpus 3\n"
	r := boot(t, "6.18", program+"thread on 0-1: op; op\n").run("t0 to op; c0 step; c1 run t1; t1 through")
	if got := r.cids[3:6]; !slices.Equal(got, []int8{none, 0, none}) {
		t.Fatalf("the child's memory has ids %v by CPU; want CPU 1 to have used 0", got)
	}
	r.run("t0 to op; c0 step")
	if got := r.cids[3:6]; !slices.Equal(got, []int8{none, none, none}) {
		t.Errorf("the second child's memory begins with ids %v by CPU", got)
	}
	r = boot(t, "6.18", program+"thread: execs\n").run("t0 to execs; c0 preempt; c1 run t0; c1 step; c1 step")
	if got := r.cids[:3]; !slices.Equal(got, []int8{none, 0, none}) {
		t.Errorf("the new program on CPU 1 has ids %v by CPU", got)
	}
}
