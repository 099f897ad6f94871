package mmcid

import "fmt"

// Model is what there is and what may happen.
type Model struct {
	Rules
	CPUs    int // that there are, 1..MaxCPUs
	Allowed int // that tasks may run on, 1..CPUs; 0: all
	Tasks   int // at the beginning, each with an id of its own, 1..Allowed
	// How many forks, exits, CPUs that are allowed in addition, and execs (of the last
	// task) there may be.
	Forks, Exits, Grows, Execs int
}

// Result is what a search of all orders found out.
type Result struct {
	States, Transitions int
	// Broken is the property that doesn't hold, or "": unique, bound, progress, dense.
	Broken string
	// Path are the steps of a shortest run to where it is broken. For progress and
	// dense that is a state from which there is no way to one where it would be.
	Path []string
}

// maxStates bounds a search: some hundred bytes each.
const maxStates = 2_000_000

// Explore takes every step in every state, shortest runs first. The error is for a
// model out of range, or with too many states.
func (m Model) Explore() (*Result, error) {
	if m.Allowed == 0 {
		m.Allowed = m.CPUs
	}
	switch {
	case m.CPUs < 1 || m.CPUs > MaxCPUs:
		return nil, fmt.Errorf("%d CPUs are out of range (1..%d)", m.CPUs, MaxCPUs)
	case m.Allowed < 1 || m.Allowed > m.CPUs:
		return nil, fmt.Errorf("%d CPUs allowed of %d", m.Allowed, m.CPUs)
	case m.Tasks < 1 || m.Tasks > m.Allowed:
		return nil, fmt.Errorf("%d tasks are out of range (1..%d)", m.Tasks, m.Allowed)
	case min(m.Forks, m.Exits, m.Grows, m.Execs) < 0 || max(m.Exits, m.Grows, m.Execs) > 100 || m.Tasks+m.Forks > MaxTasks:
		return nil, fmt.Errorf("%d forks, %d exits, %d CPUs more, %d execs are out of range (at most %d tasks)", m.Forks, m.Exits, m.Grows, m.Execs, MaxTasks)
	}
	g := &graph{number: map[state]int32{}}
	g.add(m.first(), -1, label{})
	for at := 0; at < len(g.states); at++ {
		if broken := m.wrong(&g.states[at]); broken != "" {
			return g.result(broken, at), nil
		}
		if len(g.states) > maxStates {
			return nil, fmt.Errorf("more than %d states: fewer forks or CPUs", maxStates)
		}
		from := g.states[at]
		for _, st := range m.steps(&from) {
			to := g.add(st.to, int32(at), st.what)
			g.edges = append(g.edges, edge{int32(at), to})
		}
	}
	for _, p := range []struct {
		name string
		good func(*state) bool
	}{{"progress", settled}, {"dense", m.dense}} {
		if at := g.stuck(p.good); at >= 0 {
			return g.result(p.name, at), nil
		}
	}
	return g.result("", 0), nil
}

// first is the state in which each task is on its CPU's run queue with its own id.
func (m *Model) first() state {
	s := state{users: int8(m.Tasks), allowed: int8(m.Allowed), forks: int8(m.Forks), exits: int8(m.Exits),
		grows: int8(m.Grows), execs: int8(m.Execs)}
	for i := range s.cpus {
		s.cpus[i] = cpu{cur: none, cid: none}
	}
	for i := range s.tasks {
		s.tasks[i].cid, s.tasks[i].forking = none, none
		if i < m.Tasks {
			s.tasks[i] = task{life: queued, cpu: int8(i), cid: int8(i), of: own, forking: none}
		}
	}
	return s
}

// wrong is what must never be.
func (m *Model) wrong(s *state) string {
	ids, twice := s.held()
	switch {
	case twice:
		return "unique"
	case ids>>m.CPUs != 0:
		return "bound"
	}
	for c := range m.CPUs {
		if p := &s.cpus[c]; p.cur != none && p.seek == nobody && s.using(c) == none {
			return "unique" // one that has no id can't have one for itself
		}
	}
	return ""
}

// settled reports whether no transition is under way and no CPU looks for an id.
func settled(s *state) bool {
	for i := range s.cpus {
		if s.cpus[i].seek != nobody {
			return false
		}
	}
	return !s.walk.on
}

// dense reports whether, besides, as many tasks run as can, with ids as low as can be.
func (m *Model) dense(s *state) bool {
	n := int8(0)
	for c := range m.CPUs {
		if s.cpus[c].cur == none {
			continue
		}
		if s.using(c) >= s.most() {
			return false
		}
		n++
	}
	return settled(s) && n == s.most()
}

type edge struct{ from, to int32 }

// graph is what was seen, in the order in which it was.
type graph struct {
	number map[state]int32
	states []state
	parent []int32
	what   []label // the step from the parent
	edges  []edge
}

func (g *graph) add(s state, parent int32, what label) int32 {
	if i, ok := g.number[s]; ok {
		return i
	}
	i := int32(len(g.states))
	g.number[s] = i
	g.states, g.parent, g.what = append(g.states, s), append(g.parent, parent), append(g.what, what)
	return i
}

// stuck is the first state from which no good one can be reached, or -1.
func (g *graph) stuck(good func(*state) bool) int {
	// The edges by where they lead, to be followed backwards.
	begin := make([]int32, len(g.states)+1)
	for _, e := range g.edges {
		begin[e.to+1]++
	}
	for i := range g.states {
		begin[i+1] += begin[i]
	}
	back, next := make([]int32, len(g.edges)), append([]int32(nil), begin...)
	for _, e := range g.edges {
		back[next[e.to]] = e.from
		next[e.to]++
	}
	reaches := make([]bool, len(g.states))
	var todo []int32
	for i := range g.states {
		if good(&g.states[i]) {
			reaches[i] = true
			todo = append(todo, int32(i))
		}
	}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, from := range back[begin[at]:begin[at+1]] {
			if !reaches[from] {
				reaches[from] = true
				todo = append(todo, from)
			}
		}
	}
	for i, ok := range reaches {
		if !ok {
			return i
		}
	}
	return -1
}

func (g *graph) result(broken string, at int) *Result {
	r := &Result{States: len(g.states), Transitions: len(g.edges), Broken: broken}
	for i := int32(at); broken != "" && g.parent[i] >= 0; i = g.parent[i] {
		r.Path = append([]string{g.what[i].String()}, r.Path...)
	}
	return r
}
