package mmcid

import "fmt"

// Rules are what of the algorithm can be as it once was. The zero value is the
// algorithm with all repairs.
type Rules struct {
	// Direct: when CPUs are to own the ids a thread leaves its id with its CPU at once,
	// not in transit (6.19 up to the repair of February 2026, commit 4327fb13fa47).
	Direct bool
	// Unordered: other CPUs may see the new mode before they see that it is a
	// transition, as on machines with weak memory order (repaired by 47ee94efccf6).
	Unordered bool
	// EarlyChild: a fork counts the child, and gives it an id, before walks can see it
	// (repaired in March 2026).
	EarlyChild bool
	// ShortWalk: the walk over tasks stops short of the last one, which is that of
	// another process in the same memory, a vfork's: it was to end when all were seen,
	// and counted some twice (repaired in March 2026, too).
	ShortWalk bool

	kept bool // a task keeps an id that is too high: what dense needs
}

// label says what a step is, in words made when somebody asks.
type label struct {
	format string
	a, b   int8
}

func (l label) String() string {
	args := []any{l.a, l.b}
	n := 0
	for _, r := range l.format {
		if r == '%' {
			n++
		}
	}
	return fmt.Sprintf(l.format, args[:n]...)
}

// step is something that can happen, and the state behind it.
type step struct {
	what label
	to   state
}

// doer adds a step.
type doer func(change func(n *state), format string, ab ...int)

// steps are all that can happen next. Each is what the kernel does with one run queue
// locked, or with the mutex of the mode.
func (m *Model) steps(s *state) []step {
	var out []step
	do := func(change func(n *state), format string, ab ...int) {
		n, what := *s, label{format: format}
		for i, x := range ab {
			if i == 0 {
				what.a = int8(x)
			} else {
				what.b = int8(x)
			}
		}
		change(&n)
		out = append(out, step{what, n})
	}
	for c := range m.CPUs {
		switch p := &s.cpus[c]; {
		case p.seek != nobody:
			if s.take(m.CPUs) != none {
				do(func(n *state) { m.found(n, c) }, "c%d finds an id for T%d", c, int(p.cur))
			}
		case p.cur != none:
			m.ofRunning(s, c, do)
		default:
			for t := range s.tasks {
				if s.tasks[t].life == queued && int(s.tasks[t].cpu) == c {
					do(func(n *state) { m.in(n, c, t) }, "c%d gets T%d", c, t)
				}
			}
		}
	}
	for t := range s.tasks {
		from := s.tasks[t].cpu
		if s.tasks[t].life != queued || s.cpus[from].seek != nobody {
			continue
		}
		for c := range int(s.allowed) {
			if c != int(from) && s.cpus[c].seek == nobody {
				do(func(n *state) { n.tasks[t].cpu = int8(c) }, "T%d is moved to c%d", t, c)
			}
		}
	}
	if s.walk.on {
		m.walkOn(s, do)
	} else if s.grows > 0 && int(s.allowed) < m.CPUs {
		do(func(n *state) {
			n.grows--
			n.allowed++
			m.fewer(n)
		}, "c%d is allowed, too", int(s.allowed))
	}
	return out
}

// ofRunning are the steps of the task on a CPU.
func (m *Model) ofRunning(s *state, c int, do doer) {
	t := int(s.cpus[c].cur)
	do(func(n *state) { out(n, c) }, "T%d leaves c%d", t, c)
	if child := s.tasks[t].forking; child != none {
		do(func(n *state) {
			n.tasks[child].life, n.tasks[child].cpu = queued, int8(c)
			n.tasks[t].forking = none
		}, "T%d becomes visible", int(child))
		return
	}
	if s.walk.on {
		return // the mode's mutex
	}
	if child := s.free(); s.forks > 0 && child >= 0 {
		do(func(n *state) { m.fork(n, c, t, child) }, "T%d forks T%d", t, child)
	}
	if s.exits > 0 && s.users > 1 {
		do(func(n *state) {
			n.exits--
			n.tasks[t] = task{life: dead, cid: none, forking: none}
			n.cpus[c].cur = none
			n.users--
			m.fewer(n)
		}, "T%d exits", t)
	}
	if s.execs > 0 && s.users == 1 {
		do(func(n *state) {
			// A new memory: nobody has an id of it but the one that execs.
			n.execs--
			for i := range n.cpus {
				n.cpus[i].cid = none
			}
			n.perCPU, n.moving = false, false
			n.tasks[t].of, n.tasks[t].cid = own, 0
		}, "T%d execs", t)
	}
}

// in is a task that gets a CPU.
//
//  1. CPUs own the ids: the CPU's is used and the task's goes back; if the CPU has
//     none it takes over the task's, or in a transition that becomes nobody's
//  2. tasks own them: the other way round; an id that is too high is exchanged
//  3. neither has one: a new one is looked for with the run queue locked
func (m *Model) in(n *state, c, id int) {
	p, t := &n.cpus[c], &n.tasks[id]
	p.cur, t.life = int8(id), running
	switch {
	case n.perCPU && p.cid != none: // 1
		t.drop()
		t.of = cpus
	case n.perCPU && t.of == own:
		if n.moving && !m.Direct {
			t.of = transit
		} else {
			p.cid = t.cid
			t.drop()
			t.of = cpus
		}
	case !n.perCPU && t.of == own: // 2
		p.cid = none
		if t.cid >= n.most() && !m.kept {
			if cid := n.take(int(n.most())); cid != none {
				t.cid = cid
			}
		}
	case !n.perCPU && p.cid != none:
		t.of, t.cid = own, p.cid
		if n.moving {
			t.of = transit
		}
		p.cid = none
	default: // 3
		p.seek = own
		switch {
		case n.moving && !(n.perCPU && m.Direct):
			p.seek = transit
		case n.perCPU:
			p.seek = cpus
		}
		if n.take(m.CPUs) != none {
			m.found(n, c)
		}
	}
}

// found gives the CPU that looks for an id one.
func (m *Model) found(n *state, c int) {
	p := &n.cpus[c]
	t := &n.tasks[p.cur]
	cid := n.take(m.CPUs)
	t.of = p.seek
	if p.seek == cpus {
		p.cid = cid
	} else {
		t.cid = cid
	}
	p.seek = nobody
}

// out is a task that leaves its CPU.
func out(n *state, c int) {
	p := &n.cpus[c]
	t := &n.tasks[p.cur]
	p.cur, t.life = none, queued
	if t.of != own {
		t.drop()
	}
}

// free is a task that isn't there yet, or -1.
func (s *state) free() int {
	for i := range s.tasks {
		if s.tasks[i].life == absent {
			return i
		}
	}
	return -1
}

// fork makes a task on the parent's CPU. If there are more tasks than CPUs now, CPUs
// are to own the ids, and the child begins when the walk is over.
func (m *Model) fork(n *state, c, parent, child int) {
	n.forks--
	n.users++
	t := &n.tasks[child]
	*t = task{life: queued, cpu: int8(c), cid: none, forking: none}
	switch {
	case n.perCPU:
	case n.users <= n.allowed:
		if m.EarlyChild {
			t.life, n.tasks[parent].forking = born, int8(child)
		}
		if cid := n.take(int(n.most())); cid != none {
			t.of, t.cid = own, cid
		}
	default:
		t.life = born
		n.perCPU = true
		n.walk = walk{on: true, toCPUs: true, by: int8(parent), child: int8(child), half: m.Unordered}
		n.moving = !m.Unordered
		if !m.Unordered {
			m.toCPU(n, parent)
		}
	}
}

// fewer has tasks own the ids again if they are fewer than the CPUs.
func (m *Model) fewer(n *state) {
	if n.perCPU && n.users < n.allowed {
		n.perCPU, n.moving = false, true
		n.walk = walk{on: true, by: none, child: none}
	}
}

// toCPU takes a task's own id from it.
func (m *Model) toCPU(n *state, id int) {
	switch t := &n.tasks[id]; {
	case t.of != own || t.life == born:
	case t.life != running:
		t.drop()
	case m.Direct:
		p := &n.cpus[t.cpu]
		p.cid = t.cid
		t.drop()
		t.of = cpus
	default:
		t.of = transit
	}
}

// walkOn is the next step of a transition: it locks the run queue of a task, or a CPU's,
// and takes the id from its former owner.
func (m *Model) walkOn(s *state, do doer) {
	w := &s.walk
	if w.by != none {
		// Who walks must be on a CPU, which has its id.
		if t := &s.tasks[w.by]; t.life != running || s.cpus[t.cpu].seek != nobody {
			return
		}
	}
	if w.half {
		do(func(n *state) {
			n.moving, n.walk.half = true, false
			m.toCPU(n, int(w.by))
		}, "all see the transition")
		return
	}
	if w.toCPUs {
		for t := int(w.next); t < MaxTasks; t++ {
			if l := s.tasks[t].life; l != queued && l != running || m.ShortWalk && s.last() == t {
				continue // it doesn't see it
			}
			if s.cpus[s.tasks[t].cpu].seek == nobody {
				do(func(n *state) {
					m.toCPU(n, t)
					n.walk.next = int8(t + 1)
				}, "the walk comes to T%d", t)
			}
			return
		}
	}
	if !w.toCPUs && int(w.next) < m.CPUs {
		if s.cpus[w.next].seek == nobody {
			do(func(n *state) {
				toTask(n, int(w.next))
				n.walk.next++
			}, "the walk comes to c%d", int(w.next))
		}
		return
	}
	do(func(n *state) {
		if n.walk.child != none {
			n.tasks[n.walk.child].life = queued
		}
		n.walk, n.moving = walk{}, false
	}, "the walk is over")
}

// toTask takes a CPU's own id from it: its task has it, in transit, or nobody.
func toTask(n *state, c int) {
	p := &n.cpus[c]
	if p.cid == none {
		return
	}
	if p.cur != none && n.tasks[p.cur].of == cpus {
		t := &n.tasks[p.cur]
		t.of, t.cid = transit, p.cid
	}
	p.cid = none
}
