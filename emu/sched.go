package emu

import "github.com/rseqemu/rseqemu/abi"

// mayRun reports whether an idle CPU may pick the task: it must be online and
// allowed, and picking a task from another CPU costs a migration, unless the
// task can't stay where it was.
func (m *Machine) mayRun(c CPUID, t *task) bool {
	if !m.cpus[c].online || t.affinity&(1<<c) == 0 {
		return false
	}
	return !m.migrates(c, t) || m.budget.has(Migrations)
}

// migrates reports whether running the task there is a migration that somebody
// has to decide on.
func (m *Machine) migrates(c CPUID, t *task) bool {
	return t.cpu >= 0 && t.cpu != c && m.cpus[t.cpu].online && t.affinity&(1<<t.cpu) != 0
}

// run puts a runnable task on an idle CPU and returns to its user code.
func (m *Machine) run(c CPUID, t *task) {
	if m.migrates(c, t) {
		m.budget.spend(Migrations)
	}
	m.switchIn(c, t)
	if t.entering != 0 {
		m.enter(c, t)
		return
	}
	m.exitToUser(t)
}

// switchIn is the scheduler's half: the CPU and the concurrency id may change,
// and the notify rule hears of it.
func (m *Machine) switchIn(c CPUID, t *task) {
	prev := t.cpu
	m.cpus[c].cur = m.id(t)
	t.state, t.cpu = taskRunning, c
	m.assignCID(t)
	m.emit(EvSchedIn, c, t, uint64(prev), 0)
	m.switchedIn(t, prev)
}

// switchedIn tells the notify rule of a task that got a CPU, after having had
// another, or none.
func (m *Machine) switchedIn(t *task, prev CPUID) {
	switch m.k.Notify {
	case NotifyOld:
		if prev >= 0 && prev != t.cpu {
			m.oldEvent(t, eventMigrate)
		}
	case NotifyNew:
		if m.idsOf(t) != t.rseq.ids {
			t.rseq.idsChanged = true
		}
		m.newSwitch(t)
	}
}

// firstCPU is what the scheduler does to a new task: it sets its CPU, which to
// the notify rule is a migration, so that a child has its ids written before it
// first returns, whatever its parent left there.
func (m *Machine) firstCPU(t *task) {
	if m.k.Notify == NotifyOld {
		m.oldEvent(t, eventMigrate)
	} else if t.rseq.area != 0 {
		t.rseq.idsChanged = true
	}
}

// switchOut takes the CPU's task off it.
func (m *Machine) switchOut(c CPUID, to taskState) {
	t := &m.tasks[m.cpus[c].cur]
	m.emit(EvSchedOut, c, t, 0, 0)
	m.cpus[c].cur = none
	m.memOf(t).Unreserve(int(c))
	m.releaseCID(t)
	t.state = to
	if m.k.Notify == NotifyOld {
		m.oldEvent(t, eventPreempt)
	}
}

// wake makes a blocked task runnable.
func (m *Machine) wake(t *task) {
	t.state, t.wait = taskRunnable, waitNone
}

// offline takes a CPU away: its task leaves as if preempted, and tasks that may
// run nowhere else are let loose, as the kernel does.
func (m *Machine) offline(c CPUID) {
	cpu := &m.cpus[c]
	if cpu.cur >= 0 {
		m.interrupt(c)
		m.switchOut(c, taskRunnable)
	}
	if cpu.ipi != 0 {
		m.takeIPI(c)
	}
	cpu.online = false
	var online uint64
	for i := range m.cpus {
		if m.cpus[i].online {
			online |= 1 << i
		}
	}
	for i := range m.tasks {
		if t := &m.tasks[i]; t.affinity&online == 0 {
			t.affinity = ^uint64(0) >> (64 - len(m.cpus))
		}
	}
}

// setAffinity changes where a task may run; one that runs elsewhere must leave.
func (m *Machine) setAffinity(t *task, mask uint64) abi.Errno {
	mask &= ^uint64(0) >> (64 - len(m.cpus))
	var online uint64
	for i := range m.cpus {
		if m.cpus[i].online {
			online |= 1 << i
		}
	}
	if mask&online == 0 {
		return abi.EINVAL
	}
	t.affinity = mask
	if t.state == taskRunning && mask&(1<<t.cpu) == 0 {
		m.cpus[t.cpu].ipi |= ipiResched
	}
	return 0
}

// takeIPI handles the interrupts that other CPUs have sent to this one.
func (m *Machine) takeIPI(c CPUID) {
	cpu := &m.cpus[c]
	why := cpu.ipi
	cpu.ipi = 0
	if cpu.cur < 0 {
		m.acknowledge(c, why)
		return
	}
	t := &m.tasks[cpu.cur]
	user := t.wait == waitNone
	if user {
		m.interrupt(c)
	}
	if why&ipiRSeq != 0 {
		m.rseqIPI(t)
	}
	if why&ipiResched != 0 && user && t.rseq.slice&sliceGranted != 0 {
		m.grant(t, true) // no: it is the second
	}
	if user {
		m.exitToUser(t)
	}
	m.acknowledge(c, why)
}
