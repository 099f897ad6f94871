package emu

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// What an onlooker can see of a machine. Nothing here changes it.

// Running returns the task on a CPU.
func (m *Machine) Running(c CPUID) (TaskID, bool) {
	t := m.cpus[c].cur
	return t, t >= 0
}

// Regs returns a copy of a task's registers.
func (m *Machine) Regs(t TaskID) vcpu.Regs { return m.tasks[t].regs }

// LastCPU returns the CPU where a task runs or ran last, or -1.
func (m *Machine) LastCPU(t TaskID) CPUID { return m.tasks[t].cpu }

// Tasks returns the number of tasks that there can be.
func (m *Machine) Tasks() int { return len(m.tasks) }

// Memory returns the address space that a task runs in, which must not be
// written to.
func (m *Machine) Memory(t TaskID) *vcpu.Memory { return m.memOf(&m.tasks[t]) }

// Next returns the address of the task's next instruction, which is that of its
// next call if it is between calls.
func (m *Machine) Next(t TaskID) ir.Addr {
	return m.nextIP(&m.tasks[t])
}

func (m *Machine) nextIP(t *task) ir.Addr {
	if t.regs.IP == ir.ReturnIP && !t.inCall && t.script >= 0 && int(t.call) < len(m.calls[t.script]) {
		return m.calls[t.script][t.call].entry
	}
	return t.regs.IP
}

// InCall returns which call of its script a task has begun and not finished.
func (m *Machine) InCall(t TaskID) (call int, ok bool) {
	k := &m.tasks[t]
	return int(k.call), k.inCall && k.alive() && k.script >= 0
}

// Place returns a number for where a task is: the call of its script and the
// instruction, and whether it runs, and on which CPU. Two places in the program have two
// numbers.
func (m *Machine) Place(t TaskID) uint64 {
	k := &m.tasks[t]
	return uint64(k.regs.IP)<<32 ^ uint64(k.regs.Micro)<<28 ^ uint64(uint16(k.call))<<12 ^ uint64(k.state)<<8 ^ uint64(uint8(k.cpu))
}

// CallName returns a call of a thread's script as its program writes it:
// push(n1, 3).
func (m *Machine) CallName(t TaskID, call int) string {
	script := m.tasks[t].script
	if script < 0 || call >= len(m.im.Prog.Threads[script].Calls) {
		return "?"
	}
	c := &m.im.Prog.Threads[script].Calls[call]
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = a.String()
	}
	return fmt.Sprintf("%s(%s)", c.Func, strings.Join(args, ", "))
}

// Peek reads a number from the first process's memory; 0 where nothing is
// mapped.
func (m *Machine) Peek(a ir.Addr, w ir.Width) int64 {
	v, _ := m.mem[m.procs[0].mm].Load(a, w)
	return int64(v)
}

// Blocked says what each thread that can't go on waits for.
func (m *Machine) Blocked() string {
	var out []string
	for i := range m.tasks {
		t := &m.tasks[i]
		switch {
		case t.state == taskBlocked || t.state == taskRunning && t.wait != waitNone:
			out = append(out, fmt.Sprintf("t%d waits for %s", i, waitNames[t.wait]))
		case t.state == taskRunnable:
			out = append(out, fmt.Sprintf("t%d waits for a CPU", i))
		}
	}
	return strings.Join(out, ", ")
}

var waitNames = [...]string{waitNone: "nothing", waitSleep: "a sleep to end", waitPage: "a page", waitPause: "a signal",
	waitFutex: "a futex wake", waitVfork: "its vfork child", waitFences: "the other CPUs of its membarrier"}

// Finished returns how many calls of its script a thread has finished, and
// whether it has ended.
func (m *Machine) Finished(t TaskID) (calls int, ended bool) {
	k := &m.tasks[t]
	return int(k.call), k.state == taskDead
}
