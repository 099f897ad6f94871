package emu

import (
	"fmt"
	"strings"
	"testing"
)

// CPUs, nodes and affinity: where threads may run and what they see of it.

// TestNodeIDs: CPUs are dealt to nodes in blocks, and node_id is that of the CPU
// from 6.3.
func TestNodeIDs(t *testing.T) {
	program := section + "cpus 5\nnodes 2\nthread: op\n"
	for i, want := range [5]int{0, 0, 0, 1, 1} {
		onEvery(func(kernel string, column int) {
			r := boot(t, kernel, program)
			if got := r.NodeOf(CPUID(i)); got != want {
				t.Errorf("CPU %d is on node %d, want %d", i, got, want)
			}
			r.run("t0 to start; c0 preempt").run(fmt.Sprintf("c%d run t0", i))
			seen := want
			if column < 2 {
				seen = 0 // no such field
			}
			if got := r.field(0, "node_id"); got != int64(seen) {
				t.Errorf("%s: on CPU %d node_id is %d, want %d", kernel, i, got, seen)
			}
		})
	}
	r := boot(t, "6.18", "data where: u32[2]\nfunc op()\n    mov r0, where\n    mov r1, where + 4\n    syscall getcpu\n    ld.8 r0, [where]\n    ret\n"+
		"func bad()\n    mov r0, 0\n    mov r1, 0x7000000\n    syscall getcpu\n    ret\ncpus 5\nnodes 2\nthread on 4: op; bad\n").run("c4 run t0; t0 through")
	if got, want := r.observe("calls"), fmt.Sprintf("%d EFAULT", int64(1<<32|4)); got != want {
		t.Errorf("getcpu: %s, want %s", got, want)
	}
}

// TestOfflineCPUsTasksMove as in any migration: its task aborts its section and
// finds new ids elsewhere, at no cost in migrations.
func TestOfflineCPUsTasksMove(t *testing.T) {
	onEvery(func(kernel string, _ int) {
		r := bootWith(t, section+"thread: op\nthread on 1: op\n", Config{Kernel: mustKernel(t, kernel), Budget: &Budget{Unplugs: 1}})
		r.run("t1 to inside; c1 offline; t0 through")
		if err := r.Try(RunOn(1, 1)); err == nil {
			t.Errorf("%s: a CPU that is offline runs a task", kernel)
		}
		// Thread 1 may run on CPU 1 only; the kernel lets it loose.
		r.run("c0 run t1; t1 to abort")
		if got := r.field(1, "cpu_id"); got != 0 {
			t.Errorf("%s: cpu_id is %d, want 0", kernel, got)
		}
		if err := r.Try(OfflineCPU(0)); err == nil {
			t.Errorf("%s: the last CPU goes offline", kernel)
		}
		r.run("c1 online; t1 through")
		if r.Budget() != (Budget{}) {
			t.Errorf("%s: the budget is %v, want all spent", kernel, r.Budget())
		}
	})
}

// TestPinnedElsewhereStaysPinned when another CPU goes.
func TestPinnedElsewhereStaysPinned(t *testing.T) {
	r := boot(t, "6.18", section+"cpus 3\nthread on 0: op\nthread on 1-2: op\n").run("c2 offline")
	if a, b := r.tasks[0].affinity, r.tasks[1].affinity; a != 1 || b != 6 {
		t.Errorf("affinities %b and %b, want 1 and 110", a, b)
	}
}

// TestReservationsEndWithTheirThread: another thread on the CPU can't store
// conditionally on what this one has loaded.
func TestReservationsEndWithTheirThread(t *testing.T) {
	program := "data x: u64\nfunc load()\n    ll r1, [x]\nloaded:\n    ret\nfunc store()\n    nop\n    sc r0, [x], r2\n    ret\nfunc both()\n    ll r1, [x]\nbetween:\n    sc r0, [x], r2\n    ret\n"
	// What sc leaves in r0 where it succeeds.
	good := boot(t, "6.18", program+"thread: both\n").run("t0 through").observe("calls")
	for _, schedule := range []string{
		"t0 to loaded; t0 through; c0 run t1; t1 through",
		"t0 to loaded; c0 preempt; c0 run t1; t1 through",
		"t0 to loaded; c0 offline; c0 online; c0 run t1; t1 through",
	} {
		r := boot(t, "6.18", program+"thread on 0: load\nthread on 0: store\n").run(schedule)
		if got := result(r.results[1][0]); got == good {
			t.Errorf("%s: the other thread's sc succeeds", schedule)
		}
	}
	asks := strings.Replace(program, "between:\n", "between:\n    syscall getpid\n", 1)
	for _, event := range []string{"c0 irq", "c0 membarrier", "c0 preempt; c0 run t0", "c0 fault", "c0 step"} {
		p := program
		if event == "c0 step" {
			p = asks
		}
		r := boot(t, "6.18", p+"thread: both\n").run("t0 to between; " + event + "; t0 through")
		if got := r.observe("calls"); got == good {
			t.Errorf("%s between ll and sc: sc succeeds", event)
		}
	}
}

// TestIdleAndBusyCPUsGoOffline: a CPU whose task is in the middle of an instruction
// or waits in a system call doesn't.
func TestIdleAndBusyCPUsGoOffline(t *testing.T) {
	program := "data x: u64\nfunc op()\n    nop\nhere:\n    { ld.8 t0, [x]; add t0, t0, 1; st.8 [x], t0 }\nthere:\n    ret\ncpus 2\nthread: op\n"
	r := boot(t, "6.18", program).run("t0 to here; c0 step")
	if r.Next(0) != r.label("here") || r.tasks[0].regs.Boundary() {
		t.Fatal("the thread isn't in the middle of the bundle")
	}
	for _, c := range []Choice{OfflineCPU(0), PreemptOn(0), IRQOn(0), FaultOn(0), FaultSleepOn(0), MembarrierOn(0), SignalTask(0, 10)} {
		if r.Try(c) == nil {
			t.Errorf("%s in the middle of an instruction", c)
		}
	}
	r.run("c1 offline; c0 step; c1 online; c0 offline; c1 run t0; t0 through")
	if got := r.data("x", 0); got != 1 {
		t.Errorf("x is %d, want 1", got)
	}
}

// TestAffinity is sched_setaffinity and sched_getaffinity, and who may run where.
func TestAffinity(t *testing.T) {
	program := `
cpus 3
data masks: u64[4] = 1, 2, 6, 0
data old: u64
data out: u64
func set(tid, mask)
    mov r2, r1
    mov r1, 8
    syscall sched_setaffinity
set_end:
    ret
func get(tid, size)
    mov r2, old
    syscall sched_getaffinity
    beq r0, 8, good
    ret
good:
    ld.8 r0, [old]
    ret
func short(tid)
    mov r1, 4
    mov r2, masks
    syscall sched_setaffinity
    ret
func read_only(tid)
    mov r1, 8
    mov r2, 0x100000
    syscall sched_getaffinity
    ret
func spin()
    jmp spin
rodata r: u64
`
	r := boot(t, "6.18", program+"thread: get 0, 8; get 0, 4; get 77, 8; set 77, masks; set 0, masks + 24; set 0, 0x7000000; short 0; read_only 0; set 0, masks\n").run("t0 through")
	if got, want := r.observe("calls"), "7 EINVAL ESRCH ESRCH EINVAL EFAULT EINVAL EFAULT 0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	// A thread that runs elsewhere is told by an interrupt, and must leave.
	r = boot(t, "6.18", program+"thread: set 1001, masks + 16; get 1001, 8\nthread: spin\nthread: spin\n")
	r.run("c2 preempt; t1 to spin; t0 to set_end")
	if r.Try(TakeIPI(1)) == nil {
		t.Error("a thread that may stay is interrupted")
	}
	r = boot(t, "6.18", program+"thread: set 1001, masks; get 1001, 8\nthread: spin\n")
	r.run("c1 step; t0 to set_end; c1 ipi")
	if _, running := r.Running(1); running {
		t.Error("the thread didn't leave")
	}
	if r.Try(RunOn(1, 1)) == nil || r.Try(RunOn(2, 1)) == nil {
		t.Error("the thread runs where it may not")
	}
	r.run("t0 through; c0 run t1")
}

// TestAffinityMigrationAborts: the thread that is sent away was interrupted.
func TestAffinityMigrationAborts(t *testing.T) {
	program := section + "data mask: u64 = 1\nfunc set()\n    mov r0, 1001\n    mov r1, 8\n    mov r2, mask\n    syscall sched_setaffinity\nset_end:\n    ret\nthread: set\nthread: op\n"
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, program).run("t1 to inside; t0 to set_end; c1 ipi; t0 through; c0 run t1; t1 to abort")
		if got := r.field(1, "cpu_id"); got != 0 {
			t.Errorf("%s: cpu_id is %d, want 0", kernel, got)
		}
	})
}

// TestYieldSwitchesIfSomebodyWaits for the CPU, and may run there.
func TestYieldSwitchesIfSomebodyWaits(t *testing.T) {
	program := "func op()\n    syscall sched_yield\n    mov r0, 1\n    ret\ncpus 2\n"
	for threads, leaves := range map[string]bool{
		"thread: op\n":                              false,
		"thread: op\nthread: op\n":                  false, // it has a CPU of its own
		"thread on 0: op\nthread on 0: op\n":        true,
		"thread on 0: op\nthread: op\nthread: op\n": true,
	} {
		r := boot(t, "6.18", program+threads).run("c0 step")
		if _, running := r.Running(0); running == leaves {
			t.Errorf("%q: sched_yield leaves the CPU: %v, want %v", threads, !running, leaves)
		}
	}
}

// TestYieldWithoutMigrations switches only for one that can run here for nothing:
// one that has run here last, or nowhere yet.
func TestYieldWithoutMigrations(t *testing.T) {
	program := "func op()\n    syscall sched_yield\n    mov r0, 1\n    ret\ncpus 2\n"
	for _, tt := range []struct {
		threads, schedule string
		leaves            bool
	}{
		{"thread on 0: op\nthread: op\nthread on 0: op\n", "", true},                            // t2 has never run
		{"thread on 0: op\nthread: op\n", "c1 preempt", false},                                  // t1 has run on CPU 1
		{"thread: op\nthread on 1: op\n", "c0 preempt; c1 preempt; c1 run t1", false},           // idle CPU 0
		{"thread: op\nthread on 0: op\nthread: op\n", "c0 preempt; c0 run t1; c1 run t2", true}, // t0 has run on CPU 0
	} {
		r := bootWith(t, program+tt.threads, Config{Kernel: Linux("6.18", 0), Budget: &Budget{Preemptions: 9}}).run(tt.schedule)
		c := CPUID(0)
		if _, running := r.Running(0); !running {
			c = 1
		}
		r.Do(StepOn(c))
		if _, running := r.Running(c); running == tt.leaves {
			t.Errorf("%q, %s: sched_yield leaves CPU %d: %v, want %v", tt.threads, tt.schedule, c, !running, tt.leaves)
		}
	}
}

// TestPinnedThreadWaitsForItsCPU: it is not placed on another at the start.
func TestPinnedThreadWaitsForItsCPU(t *testing.T) {
	r := boot(t, "6.18", section+"thread on 1: op\n")
	if got := r.LastCPU(0); got != -1 {
		t.Errorf("the thread has run on CPU %d", got)
	}
}

// TestMigrationsAreBudgeted: a task whose CPU is there moves only for a price.
func TestMigrationsAreBudgeted(t *testing.T) {
	program := section + "thread: op; op; op\n"
	r := bootWith(t, program, Config{Kernel: Linux("6.18", 0), Budget: &Budget{Preemptions: 3, Migrations: 1}})
	r.run("t0 to start; c0 preempt; c0 run t0; c0 preempt; c1 run t0; c1 preempt")
	if r.Try(RunOn(0, 0)) == nil {
		t.Error("a second migration")
	}
	r.run("c1 run t0")
	if r.Try(PreemptOn(1)) == nil {
		t.Error("a fourth preemption")
	}
}

// TestIdleStart: nobody is placed, and the first placement is no migration.
func TestIdleStart(t *testing.T) {
	r := bootWith(t, section+"thread: op\nthread on 0: op\n", Config{Kernel: Linux("6.18", 0), Budget: &Budget{}, Idle: true})
	for c := range CPUID(2) {
		if id, running := r.Running(c); running {
			t.Errorf("CPU %d runs t%d", c, id)
		}
	}
	if got := r.field(0, "cpu_id"); got != -1 {
		t.Errorf("cpu_id before the first run is %d, want -1", got)
	}
	r.run("c1 run t0; c0 run t1; t0 through; t1 through")
	if got := r.field(0, "cpu_id"); got != 1 {
		t.Errorf("cpu_id is %d, want 1", got)
	}
}

// TestFutex waits if the word is as expected, and wakes as many as asked for.
func TestFutex(t *testing.T) {
	program := "data word: u32[2]\nfunc wait(a, val)\n    mov r2, r1\n    mov r1, 128\n    syscall futex\n    ret\nfunc wake(n)\n    mov r2, r0\n    mov r0, word\n    mov r1, 129\n    syscall futex\nwoken:\n    ret\n" +
		"func odd()\n    mov r1, 9\n    syscall futex\n    ret\ncpus 4\n"
	r := boot(t, "6.18", program+"thread: wait word + 1, 0; wait word, 5; wait 0x7000000, 0; odd\n").run("t0 through")
	if got, want := r.observe("calls"), "EINVAL EAGAIN EFAULT ENOSYS"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	r = boot(t, "6.18", program+"thread: wake 1; wake 7\nthread: wait word, 0\nthread: wait word, 0\nthread: wait word + 4, 0\n")
	for c := range 3 {
		for r.tasks[c+1].state == taskRunning {
			r.run(fmt.Sprintf("c%d step", c+1))
		}
	}
	r.run("t0 through")
	if got := r.observe("calls"); got != "1 1" {
		t.Errorf("woken %s, want 1 and 1", got)
	}
	if r.tasks[3].state != taskBlocked {
		t.Error("the thread that waits for the other word is woken")
	}
}

func mustKernel(t testing.TB, name string) Kernel {
	t.Helper()
	k, err := ParseKernel(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
