package emu

// Closed reports whether what can happen on a CPU is changed by nothing but what
// happens there, and by transitions that may change everything: somebody on it is in
// user mode, or it is idle and each thread that may get it can run nowhere else.
// Then its choices, together with the wakings of these threads, are all that the CPU
// will have until one of them is made.
func (m *Machine) Closed(c CPUID) bool {
	if m.budget.has(Unplugs) || m.online() < len(m.cpus) {
		return false
	}
	if cur := m.cpus[c].cur; cur >= 0 {
		return m.tasks[cur].wait == waitNone
	}
	for i := range m.tasks {
		t := &m.tasks[i]
		if !t.alive() || !m.mayCome(c, t) {
			continue
		}
		for o := range m.cpus {
			if CPUID(o) != c && m.mayCome(CPUID(o), t) {
				return false
			}
		}
	}
	return true
}

// mayCome reports whether a task may ever get the CPU, as far as that is known now:
// budgets only get smaller.
func (m *Machine) mayCome(c CPUID, t *task) bool {
	return t.affinity&(1<<c) != 0 && (!m.migrates(c, t) || m.budget.has(Migrations))
}

// Concerns reports whether a choice happens on the CPU, or wakes a thread that the
// CPU, which is idle, may get.
func (m *Machine) Concerns(c CPUID, choice Choice) bool {
	switch choice.Kind() {
	case Wake:
		return m.cpus[c].cur < 0 && m.mayCome(c, &m.tasks[choice.Task()])
	case Signal:
		return false
	}
	return choice.CPU() == c
}

// Bound reports whether every thread that lives may run on one CPU only.
func (m *Machine) Bound() bool {
	for i := range m.tasks {
		if t := &m.tasks[i]; t.alive() && t.affinity&(t.affinity-1) != 0 {
			return false
		}
	}
	return true
}
