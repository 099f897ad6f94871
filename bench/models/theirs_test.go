package models_test

// The Promela models once more, as plain Go: what list.pml and counter.pml say,
// d_step by d_step, with their names. theirs is one state of either.

type theirs struct {
	busy, cells [2]uint8 // cells: head, or cnt
	next, nst   [4]uint8 // of node number 1.. at 0..; the counter's succ is nst[0]
	t           [3]thread
}

type thread struct{ pc, op, cpu, r1, r2, rt, on uint8 }

// label is which of a thread's choices was made.
type label struct {
	thread int
	what   uint8 // 0, 1: dispatched on that CPU; preempted; stepped
}

const (
	preempted uint8 = 2
	stepped   uint8 = 3
)

// rules is a model: its number of threads and of retries, and what a step does.
type rules struct {
	threads int
	maxr    uint8
	abort   uint8 // the handler's pc; a section is pc 2 up to it
	step    func(r *rules, s *theirs, i int)
}

func (r *rules) successors(s theirs, yield func(label, theirs)) {
	for i := range r.threads {
		t := &s.t[i]
		if t.op < 2 && t.on == 0 {
			for c := range uint8(2) {
				if s.busy[c] == 0 {
					n := s
					n.busy[c], n.t[i].on = uint8(i)+1, c+1
					yield(label{i, c}, n)
				}
			}
		}
		if t.on == 0 {
			continue
		}
		n := s
		n.busy[t.on-1], n.t[i].on = 0, 0
		if t.pc >= 2 && t.pc < r.abort {
			u := &n.t[i]
			u.pc, u.cpu, u.r1, u.r2 = r.abort, 0, 0, 0
		}
		yield(label{i, preempted}, n)
		n = s
		r.step(r, &n, i)
		yield(label{i, stepped}, n)
	}
}

// done ends an operation; behind the last one the thread leaves its CPU.
func (t *thread) done(s *theirs) {
	op, on := t.op+1, t.on
	if op == 2 {
		s.busy[on-1], on = 0, 0
	}
	*t = thread{op: op, on: on}
}

// before is what list and counter have in common: pc 0 to 2, and the handler.
func (r *rules) before(s *theirs, t *thread) bool {
	switch {
	case t.pc == 0:
		t.cpu, t.pc = t.on-1, 1
	case t.pc == 1:
		t.pc = 2
	case t.pc == 2 && t.cpu == t.on-1:
		t.pc = 3
	case t.pc == 2:
		t.pc, t.cpu = r.abort, 0
	case t.pc == r.abort && t.rt < r.maxr:
		t.rt, t.pc = t.rt+1, 0
	case t.pc == r.abort:
		t.done(s)
	default:
		return false
	}
	return true
}

func listStep(r *rules, s *theirs, i int) {
	t := &s.t[i]
	if r.before(s, t) {
		return
	}
	switch head := &s.cells[t.cpu]; t.pc {
	case 3:
		if t.r1 = *head; t.op == 1 && t.r1 == 0 {
			t.done(s)
			return
		}
		t.pc = 4
	case 4:
		if t.op == 0 {
			s.next[i] = t.r1
		} else {
			t.r2 = s.next[t.r1-1]
		}
		t.pc = 5
	case 5:
		if t.op == 0 {
			*head, s.nst[i] = uint8(i)+1, 1
		} else {
			*head, s.nst[t.r1-1], s.next[t.r1-1] = t.r2, 2, 0
		}
		t.done(s)
	}
}

func counterStep(r *rules, s *theirs, i int) {
	t := &s.t[i]
	if r.before(s, t) {
		return
	}
	switch cnt := &s.cells[t.cpu]; t.pc {
	case 3:
		t.r1, t.pc = *cnt, 4
	case 4:
		*cnt = t.r1 + 1
		s.nst[0]++
		t.done(s)
	}
}

func list(threads int, maxr uint8) *rules {
	return &rules{threads: threads, maxr: maxr, abort: 6, step: listStep}
}

func counter(threads int, maxr uint8) *rules {
	return &rules{threads: threads, maxr: maxr, abort: 5, step: counterStep}
}

// reach is breadth-first search: all states, and the number of transitions.
func (r *rules) reach() (states map[theirs]bool, transitions int) {
	states = map[theirs]bool{{}: true}
	queue := []theirs{{}}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		r.successors(s, func(_ label, n theirs) {
			transitions++
			if !states[n] {
				states[n] = true
				queue = append(queue, n)
			}
		})
	}
	return states, transitions
}
