package emu

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// clone makes a task for fork, vfork and clone. The child leaves the kernel
// with 0 in r0 right behind the call and, as it has no script, ends when the
// function that it was made in returns.
//
// What it inherits of the registration: with memory of its own all of it, since
// the area was copied too; in shared memory nothing, since it would be the
// parent's area (before 5.5: nothing only for a thread).
func (m *Machine) clone(t *task, flags, stack, tls uint64) (uint64, waitKind) {
	switch {
	case flags&abi.CloneThread != 0 && flags&abi.CloneSighand == 0,
		flags&abi.CloneSighand != 0 && flags&abi.CloneVM == 0:
		return abi.EINVAL.Ret(), waitNone
	}
	parent := m.id(t)
	id, proc, space := m.freeTask(), t.proc, m.procs[t.proc].mm
	if flags&abi.CloneThread == 0 {
		proc = m.freeProcess()
	}
	if flags&abi.CloneVM == 0 {
		space = m.freeMM()
	}
	if id < 0 || proc < 0 || space < 0 {
		return abi.EAGAIN.Ret(), waitNone
	}
	if flags&abi.CloneVM == 0 {
		copy(m.mem[space].Mutable(), m.memOf(t).Mutable())
		m.mms[space] = mm{membarrier: m.mms[m.procs[t.proc].mm].membarrier}
		m.resetCIDs(space)
	}
	if flags&abi.CloneThread == 0 {
		m.procs[proc] = process{handlers: m.procs[t.proc].handlers, mm: space}
	}
	m.mms[space].users++
	m.procs[proc].live++

	child := &m.tasks[id]
	*child = task{regs: t.regs, rseq: t.rseq, affinity: t.affinity, blocked: t.blocked, state: taskRunnable,
		inSyscall: true, cpu: t.cpu, proc: proc, script: none, cid: none, lastCID: none, parent: none}
	child.regs.R[ir.R0] = 0
	if stack != 0 {
		child.regs.R[ir.SP] = stack
	}
	if flags&abi.CloneSettls != 0 {
		child.regs.R[ir.TP] = tls
	}
	if flags&abi.CloneVM != 0 && (flags&abi.CloneThread != 0 || !m.k.InheritCloneVM) {
		child.rseq = rseqState{}
	}
	m.firstCPU(child)
	ret := uint64(tid(id))
	if flags&abi.CloneThread == 0 {
		ret = uint64(pid(proc))
	}
	if flags&abi.CloneVfork != 0 {
		child.parent = parent
		return ret, waitVfork
	}
	return ret, waitNone
}

func (m *Machine) freeTask() TaskID {
	for i := range m.tasks {
		if m.tasks[i].state == taskUnused {
			return TaskID(i)
		}
	}
	return none
}

func (m *Machine) freeProcess() int8 {
	for i := 1; i < len(m.procs); i++ {
		if p := &m.procs[i]; p.live == 0 && !p.done {
			return int8(i)
		}
	}
	return none
}

func (m *Machine) freeMM() int8 {
	for i := range m.mms {
		if m.mms[i].users == 0 {
			return int8(i)
		}
	}
	return none
}

// execFails is what an execve that fails returns. The address stands for the path:
// code is a program; read-only data is a file that is none, which the kernel finds
// out when it has begun, and then has the ids rewritten; and elsewhere there is
// nothing, which most kernels find out before.
func (m *Machine) execFails(t *task, path ir.Addr) abi.Errno {
	errno := abi.ENOENT
	if path-ir.RodataBase < ir.Addr(len(m.im.Rodata)) {
		errno = abi.ENOEXEC
	}
	if t.rseq.area != 0 && (errno == abi.ENOEXEC || m.k.ExecMissRewrites) {
		m.rewrite(t)
	}
	return errno
}

// exec replaces the program of the task's process: the entry stands for the
// path, and must be a function of the program. Memory is fresh, nothing is
// registered, other threads are gone. It reports whether it succeeded.
func (m *Machine) exec(t *task, entry ir.Addr) bool {
	if m.im.Index(entry) < 0 {
		return false
	}
	self := m.id(t)
	for i := range m.tasks {
		if o := &m.tasks[i]; o.alive() && o.proc == t.proc && TaskID(i) != self {
			m.exitTask(o, 0)
		}
	}
	p := &m.procs[t.proc]
	if m.mms[p.mm].users > 1 {
		space := m.freeMM()
		if space < 0 {
			return false
		}
		m.mms[p.mm].users--
		p.mm = space
		m.mms[space].users = 1
	}
	m.releaseCID(t)
	copy(m.mem[p.mm].Mutable(), m.initial)
	m.mms[p.mm].membarrier = false
	m.resetCIDs(p.mm)
	for s := range p.handlers {
		if p.handlers[s] != sigIgnore {
			p.handlers[s] = sigDefault
		}
	}
	t.rseq = rseqState{}
	m.resetRegs(t, int(self))
	t.regs.SetIP(entry)
	// What runs now isn't the script's call any more.
	t.script, t.inCall = none, false
	m.assignCID(t)
	m.releaseVfork(t)
	return true
}

// exitTask ends a thread. It never touches user memory.
func (m *Machine) exitTask(t *task, code uint8) {
	id := m.id(t)
	m.emit(EvExit, t.cpu, t, uint64(code), 0)
	if t.state == taskRunning {
		if m.order != nil {
			m.settle(t.cpu)
		}
		m.memOf(t).Unreserve(int(t.cpu))
		m.cpus[t.cpu].cur = none
		m.releaseCID(t)
	}
	p := &m.procs[t.proc]
	m.mms[p.mm].users--
	m.releaseVfork(t)
	*t = task{state: taskDead, cpu: none, script: t.script, call: t.call, proc: t.proc, cid: none, lastCID: none, parent: none}
	if p.live--; p.live == 0 && !p.done {
		p.done, p.exit = true, Exit{Code: code, Task: id}
	}
}

// exitProcess ends all threads of a process.
func (m *Machine) exitProcess(proc int8, e Exit) {
	p := &m.procs[proc]
	p.done, p.exit = true, e
	if e.Signal != 0 {
		t := &m.tasks[e.Task]
		m.emit(EvKill, t.cpu, t, uint64(e.Signal), uint64(e.Reason))
	}
	for i := range m.tasks {
		if t := &m.tasks[i]; t.alive() && t.proc == proc {
			m.exitTask(t, e.Code)
		}
	}
}

// releaseVfork lets the parent of a vfork go on.
func (m *Machine) releaseVfork(t *task) {
	if t.parent >= 0 {
		if p := &m.tasks[t.parent]; p.wait == waitVfork {
			m.wake(p)
		}
		t.parent = none
	}
}

// Exits returns how each process ended, the first one's threads being the
// program's. One that still lives isn't listed.
func (m *Machine) Exits() []Exit {
	var out []Exit
	for i := range m.procs {
		if m.procs[i].done {
			out = append(out, m.procs[i].exit)
		}
	}
	return out
}

// Killed returns the first process's end, or that of any other, that was a
// signal.
func (m *Machine) Killed() (Exit, bool) {
	for i := range m.procs {
		if p := &m.procs[i]; p.done && p.exit.Signal != 0 {
			return p.exit, true
		}
	}
	return Exit{}, false
}
