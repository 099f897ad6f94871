package emu

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/ir"
)

// What membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) promises.

// fenced has a thread that calls it and two that are in sections.
const fenced = section + `
cpus 3
func fence_(flags_, cpu)
    mov r2, r1
    mov r1, r0
    mov r0, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ
calling:
    syscall membarrier
called:
    ret
func enable()
    mov r0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ
    mov r1, 0
    syscall membarrier
    ret
`

const twoTargets = "thread: enable; fence_ 0, 0\nthread: op\nthread: op\n"

// onEvery calls f for every kernel of the table.
func onEvery(f func(kernel string, column int)) {
	for i, col := range columns {
		for _, kernel := range col.kernels {
			f(kernel, i)
		}
	}
}

// TestMembarrierReturnsAfterEveryIPI: each target aborts its section, and the
// caller goes on when the last one has.
func TestMembarrierReturnsAfterEveryIPI(t *testing.T) {
	for _, order := range [][2]string{{"1", "2"}, {"2", "1"}} {
		onEvery(func(kernel string, _ int) {
			r := boot(t, kernel, fenced+twoTargets).run("t1 to inside; t2 to inside; t0 to calling; c0 step")
			for _, target := range order {
				if r.Try(StepOn(0)) == nil {
					t.Fatalf("%s: membarrier returned before CPU %s was interrupted", kernel, target)
				}
				r.run("c" + target + " ipi; t" + target + " to abort")
			}
			r.run("t0 to called; t0 through")
			if got := r.op(0); got != "0" {
				t.Errorf("%s: membarrier returns %s", kernel, got)
			}
		})
	}
}

// TestMembarrierCPUFlag reaches that CPU and no other.
func TestMembarrierCPUFlag(t *testing.T) {
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, fenced+"thread: enable; fence_ MEMBARRIER_CMD_FLAG_CPU, 2\nthread: op\nthread: op\n")
		r.run("t1 to inside; t2 to inside; t0 to calling; c0 step")
		if r.Try(TakeIPI(1)) == nil {
			t.Errorf("%s: CPU 1 is interrupted", kernel)
		}
		r.run("c2 ipi; t0 through; t1 through; t2 through")
		if one, two := r.op(1), r.op(2); one != "commit" || two != "abort" {
			t.Errorf("%s: the section on CPU 1: %s, on CPU 2: %s; want commit, abort", kernel, one, two)
		}
	})
}

// TestMembarrierReachesTheFirst CPU and thread like any other.
func TestMembarrierReachesTheFirst(t *testing.T) {
	for args, c2 := range map[string]string{"MEMBARRIER_CMD_FLAG_CPU, 0": "", "0, 0": "c2 ipi; "} {
		onEvery(func(kernel string, _ int) {
			r := boot(t, kernel, fenced+"thread: op\nthread: enable; fence_ "+args+"\nthread: op\n")
			r.run("t0 to inside; t2 to inside; t1 to calling; c1 step")
			if c2 == "" && r.Try(TakeIPI(2)) == nil {
				t.Errorf("%s, %s: CPU 2 is interrupted", kernel, args)
			}
			r.run(c2 + "c0 ipi; t0 to abort; t1 to called")
		})
	}
}

// TestMembarrierNegativeCPU is no CPU in particular, as without the flag.
func TestMembarrierNegativeCPU(t *testing.T) {
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, fenced+"thread: enable; fence_ MEMBARRIER_CMD_FLAG_CPU, -7\nthread: op\nthread: op\n")
		r.run("t1 to inside; t2 to inside; t0 to calling; c0 step; c2 ipi; c1 ipi; t1 to abort; t2 to abort; t0 to called")
	})
}

// TestMembarrierSkipsItsCaller, even inside a section, unless it names its own
// CPU: then the old rule sees a preemption, V1 rewrites the ids, and a system call
// isn't an interruption to V2 and 6.19.
func TestMembarrierSkipsItsCaller(t *testing.T) {
	for _, tt := range []struct {
		args string
		want cells
	}{
		{"mov r0, 0", everywhere("commit 99")},
		{"mov r0, MEMBARRIER_CMD_FLAG_CPU\n    mov r1, 0", cells{"abort 0", "abort 0", "abort 0", "commit 99", "commit 0", "commit 99"}},
		{"mov r0, MEMBARRIER_CMD_FLAG_CPU\n    mov r1, 2", everywhere("commit 99")}, // an idle CPU
	} {
		program := strings.Replace(section, "inside:\n    nop", `inside:
    `+tt.args+`
    mov  r2, r1
    mov  r1, r0
    mov  r0, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ
    st.4 [tp + cpu_id_start], 99
    syscall membarrier`, 1) + fenced[strings.Index(fenced, "cpus 3"):] + "thread: enable; op\nthread: spin\nfunc spin()\n    jmp spin\n"
		onEvery(func(kernel string, column int) {
			r := boot(t, kernel, program).run("t0 to inside")
			for r.op(0) == "0" {
				if r.Try(StepOn(0)) != nil {
					r.run("c1 ipi")
				}
			}
			if got := r.observe("op cpu_id_start"); got != tt.want[column] {
				t.Errorf("%s, %q: %s, want %s", kernel, tt.args, got, tt.want[column])
			}
		})
	}
}

// TestMembarrierDoesNothing with one user of the memory, or with one CPU online.
func TestMembarrierDoesNothing(t *testing.T) {
	for name, tt := range map[string]struct{ threads, before string }{
		"one user":       {"thread: enable; fence_ 0, 0\n", ""},
		"own CPU, alone": {"thread: enable; fence_ MEMBARRIER_CMD_FLAG_CPU, 0\n", ""},
		"one CPU online": {"thread: enable; fence_ MEMBARRIER_CMD_FLAG_CPU, 0\nthread: op\n", "c1 offline; c2 offline; "},
	} {
		onEvery(func(kernel string, _ int) {
			r := boot(t, kernel, fenced+tt.threads).run(tt.before + "t0 to calling; t0 poke cpu_id_start 99; c0 step; t0 to called")
			if got := r.field(0, "cpu_id_start"); got != 99 {
				t.Errorf("%s, %s: cpu_id_start is rewritten to %d", kernel, name, got)
			}
		})
	}
}

// TestMembarrierLeavesOthersAlone: an unregistered target gets the barrier and
// nothing else, another process not even that.
func TestMembarrierLeavesOthersAlone(t *testing.T) {
	onEvery(func(kernel string, _ int) {
		program := strings.Replace(fenced, "cpus 3", "cpus 3\nregister none", 1) + twoTargets
		r := boot(t, kernel, program).run("t1 to inside; t0 to calling; c0 step; c1 ipi")
		if got := r.Next(1); got != r.label("inside") {
			t.Errorf("%s: an unregistered target is sent to %#x", kernel, got)
		}

		// t0's fork child is on CPU 2, in a section of its own memory.
		program = strings.Replace(fenced, "calling:\n", "calling:\n    syscall fork\n    beq r0, 0, child\n"+
			"    mov r0, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ\n    mov r1, 0\n    mov r2, 0\n", 1)
		program = strings.Replace(program, "called:\n    ret\n", "called:\n    ret\nchild:\n    jmp child\n", 1)
		r = boot(t, kernel, program+"thread: enable; fence_ 0, 0\nthread: op\n").run("t1 to inside; t0 to calling; c0 step")
		r.run("c2 run t2; t2 to child")
		for r.Try(TakeIPI(1)) != nil {
			r.run("c0 step")
		}
		if r.Try(TakeIPI(2)) == nil {
			t.Errorf("%s: another process is interrupted", kernel)
		}
		r.run("t0 to called")
	})
}

// TestMembarrierFindsTheCPUIdle: a target that has left its CPU before the
// interrupt needs none: it is no longer in its section when it comes back.
func TestMembarrierFindsTheCPUIdle(t *testing.T) {
	onEvery(func(kernel string, _ int) {
		r := boot(t, kernel, fenced+twoTargets).run("t1 to inside; t2 to inside; t0 to calling; c0 step; c1 preempt; c1 ipi; c2 offline; t0 to called; c1 run t1")
		if got := r.Next(1); got != r.label("abort") {
			t.Errorf("%s: the preempted target is at %#x, want abort", kernel, got)
		}
	})
}

// TestMembarrierFences: when it returns, no thread executes another instruction
// of a section that it was in before the call, whatever else happens.
func TestMembarrierFences(t *testing.T) {
	var machines []*Machine
	for _, name := range []string{"5.10", "6.1", "6.18", "6.19", "7.3/v1", "7.3/v2", "7.3/arm64/v2", "6.19/arm"} {
		machines = append(machines, boot(t, name, fenced+"thread: enable; fence_ 0, 0; fence_ 0, 0\nthread: op; op; op\nthread: op; enable; fence_ 0, 0\nthread: op; op\n").Machine)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := drawOne(t, machines).Fork()
		in := newInsiders(m)
		walk(t, m, 400, func(c Choice) {
			if id, _ := m.Running(c.CPU()); c.Kind() == Step && in.forbidden[id] {
				t.Fatalf("%s: t%d is at %#x, in a section that it was in before a membarrier that has returned", m.Kernel(), id, m.Next(id))
			}
		}, in.observe)
	})
}

// insiders follows who has been inside a section since before a membarrier.
type insiders struct {
	m          *Machine
	start, end ir.Addr
	since      map[TaskID]map[TaskID]bool // by caller: who was inside when it called
	forbidden  map[TaskID]bool            // who must not go on
}

func newInsiders(m *Machine) *insiders {
	in := &insiders{m: m, since: map[TaskID]map[TaskID]bool{}, forbidden: map[TaskID]bool{}}
	f, _ := m.im.Func("op")
	for _, l := range f.Labels {
		switch l.Name {
		case "start":
			in.start = l.Addr
		case "commit":
			in.end = l.Addr
		}
	}
	return in
}

func (in *insiders) section(id TaskID) bool {
	ip := in.m.Regs(id).IP
	return ip >= in.start && ip < in.end
}

// observe runs after every transition.
func (in *insiders) observe() {
	m := in.m
	for i := range m.tasks {
		id, t := TaskID(i), &m.tasks[i]
		if !t.alive() || !in.section(id) {
			delete(in.forbidden, id)
			for _, inside := range in.since {
				delete(inside, id)
			}
		}
	}
	for i := range m.tasks {
		id, t := TaskID(i), &m.tasks[i]
		switch inside := in.since[id]; {
		case t.wait == waitFences && inside == nil:
			inside = map[TaskID]bool{}
			for j := range m.tasks {
				if j != i && m.tasks[j].alive() && in.section(TaskID(j)) {
					inside[TaskID(j)] = true
				}
			}
			in.since[id] = inside
		case t.wait != waitFences && inside != nil:
			for who := range inside {
				in.forbidden[who] = true
			}
			delete(in.since, id)
		}
	}
}
