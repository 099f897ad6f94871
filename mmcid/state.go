package mmcid

// The bounds of a model.
const (
	MaxCPUs  = 4
	MaxTasks = 6
)

const none = -1

// owner says whose a task's id is.
type owner uint8

const (
	nobody  owner = iota // it has none
	own                  // the task's, also while it doesn't run
	transit              // nobody's: it goes back when the task leaves its CPU
	cpus                 // its CPU's
)

// life is where a task is.
type life uint8

const (
	absent life = iota
	born        // counted, but no walk sees it
	queued      // on a run queue
	running
	dead
)

type task struct {
	life    life
	cpu     int8 // whose run queue it is on
	cid     int8 // if it is the task's own, or in transit
	of      owner
	forking int8 // the child that isn't visible yet, or none (Rules.EarlyChild)
}

// cpu is a CPU. One that looks for an id has its run queue locked.
type cpu struct {
	cur  int8 // the task on it, or none
	cid  int8 // that it owns, or none
	seek owner
}

// walk is a mode's transition under way.
type walk struct {
	on     bool
	toCPUs bool
	half   bool // the mode is set, that it is a transition isn't yet (Rules.Unordered)
	next   int8 // task or CPU whose turn it is
	by     int8 // the task that walks, or none: a worker
	child  int8 // that begins when the walk is over, or none
}

// state is a state of the model. It is comparable.
type state struct {
	tasks                      [MaxTasks]task
	cpus                       [MaxCPUs]cpu
	users                      int8 // tasks that count
	allowed                    int8 // the first so many CPUs
	perCPU                     bool // CPUs own the ids
	moving                     bool // … or will, or won't any more: a transition
	walk                       walk
	forks, exits, grows, execs int8 // that may still come
}

// most is the number of ids that there should be.
func (s *state) most() int8 { return min(s.users, s.allowed) }

// held are the ids that somebody has, bit n: id n; twice says that two have one.
func (s *state) held() (ids uint, twice bool) {
	add := func(cid int8) {
		if cid >= 0 {
			twice = twice || ids&(1<<cid) != 0
			ids |= 1 << cid
		}
	}
	for i := range s.tasks {
		if t := &s.tasks[i]; t.of == own || t.of == transit {
			add(t.cid)
		}
	}
	for i := range s.cpus {
		add(s.cpus[i].cid)
	}
	return ids, twice
}

// take takes a free id: the lowest below a bound, or none.
func (s *state) take(bound int) int8 {
	ids, _ := s.held()
	for cid := range bound {
		if ids&(1<<cid) == 0 {
			return int8(cid)
		}
	}
	return none
}

// using is the id that a CPU's task uses, or none.
func (s *state) using(c int) int8 {
	switch t := &s.tasks[s.cpus[c].cur]; t.of {
	case cpus:
		return s.cpus[c].cid
	case own, transit:
		return t.cid
	}
	return none
}

// last is the youngest task that can be seen, or -1.
func (s *state) last() int {
	for t := MaxTasks - 1; t >= 0; t-- {
		if l := s.tasks[t].life; l == queued || l == running {
			return t
		}
	}
	return -1
}

// drop gives a task's id back.
func (t *task) drop() { t.of, t.cid = nobody, none }
