package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/emu"
)

// ExecutionLimits bound a stateless search.
type ExecutionLimits struct {
	// Executions is how many ends of runs are looked at; 0: DefaultExecutions.
	Executions int
	// Steps is the length of a run, at most and by default 10,000 transitions.
	Steps int
	// Switches leaves only those preemptions that are a context switch: another
	// thread waits for the CPU, gets it, and makes a step before the next one. It
	// wants every thread bound to a CPU.
	Switches bool
}

// DefaultExecutions takes some minutes.
const DefaultExecutions = 10_000_000

const maxExecutionSteps = 10_000

// ExecutionResult is what a stateless search found out.
type ExecutionResult struct {
	Kernel emu.Kernel
	Budget emu.Budget
	CPUs   int
	// Failure is the first run that was found to break a property, not the
	// cheapest one; nil if there was none. It ends the search.
	Failure *Failure
	// Complete says that every run within the budget was covered and none broke a
	// property. If neither that nor a Failure ended the search, Why says what did.
	Complete bool
	Why      string
	// Executions is the number of runs that were made to their end: of those that
	// differ only in the order of independent transitions, one.
	Executions int
	// Blocked is the number of runs that were given up, as all that could follow had
	// been covered: none or few if threads are bound to CPUs, up to as many as
	// Executions where the budget has migrations.
	Blocked     int
	Transitions int
	Depth       int // transitions of the longest run
}

// Orderless is a property that doesn't care which calls were over when others
// began. One that doesn't say so is taken to care.
type Orderless interface {
	Orderless() bool
}

// Executions covers every run of the machine within its budget as [Exhaustive] does,
// but without storing states: it makes runs to their end, and of the runs that differ
// only in the order of independent transitions ([emu.Footprint]) one. It takes the
// memory of a single run, and time for all of them. The machine must be fresh and is
// used up.
//
// It is source-DPOR with sleep sets (Abdulla, Aronis, Jonsson, Sagonas: Optimal
// dynamic partial order reduction, 2014), depth first over snapshots instead of by
// running again from the start:
//
//  1. in a new state, decide where to begin: all that can happen on one CPU, which
//     are the ways in which that CPU's own next transition can go, or everything
//  2. for each of these choices, unless it sleeps: make it, and find the earlier
//     transitions that it is in a race with, those that happen right before it in
//     the order of conflicts and on another CPU. For each, have the state in which
//     that one was made begin with something that leads to the other order as well
//  3. in the state that it leads to, the choices sleep that were followed before it
//     or slept, as long as nothing conflicts with them: their runs are covered
//
// What DPOR takes for granted doesn't hold here, and is seen to:
//
//   - A thread has one next transition. Here a CPU has several, which exclude each
//     other: step 1 begins with all of them.
//   - No transition disables another CPU's. One that may change everything does, and
//     so may the run of a thread that can run elsewhere. Where the first is made, or
//     the second is possible ([emu.Machine.Closed]), the state begins with everything.
//   - Whatever is enabled happens some day. A signal needn't: where there may be one,
//     the state begins with everything. Other events are alternatives of something
//     that does happen: a step of the thread, or its run at home.
//   - What was possible stays so. A budget runs out: so step 1 wants a choice on the
//     CPU that costs nothing and doesn't sleep, and behind which all the runs that
//     begin elsewhere can be had.
//
// If a property looks at more than data, ends of processes, calls and returns
// ([Reducible], as for [emu.OneCPU]) all transitions conflict, and the runs are all
// schedules.
func Executions(ctx context.Context, m *emu.Machine, factories []Factory, lim ExecutionLimits) (*ExecutionResult, error) {
	if lim.Executions <= 0 {
		lim.Executions = DefaultExecutions
	}
	if lim.Steps <= 0 || lim.Steps > maxExecutionSteps {
		lim.Steps = maxExecutionSteps
	}
	if m.MemoryModel() != emu.SC {
		return nil, fmt.Errorf("what is independent is known of memory order sc only, not of %s", m.MemoryModel())
	}
	if m.Kernel().Slices == emu.SlicesOn {
		return nil, fmt.Errorf("what is independent is not known of time slice extensions: kernel %s has them", m.Kernel())
	}
	if lim.Switches && !m.Bound() {
		return nil, errors.New(`context switches only: a thread may run on several CPUs; bind each to one ("thread on 0: …")`)
	}
	w, err := newWorld(m, factories)
	if err != nil {
		return nil, err
	}
	s := &stateless{world: w, lim: lim, res: &ExecutionResult{Kernel: m.Kernel(), CPUs: m.CPUs(), Budget: m.Budget()}}
	for _, p := range w.props {
		r, ok := p.(Reducible)
		s.plain = s.plain || !ok || r.Allows()&emu.OneCPU == 0
		o, ok := p.(Orderless)
		s.history = s.history || !ok || !o.Orderless()
	}
	m.Observe(func(e emu.Event) {
		s.foot.Observe(e)
		w.observe(e)
	})
	s.run(ctx)
	return s.res, nil
}

// stateless is a search that is under way.
type stateless struct {
	*world
	lim     ExecutionLimits
	res     *ExecutionResult
	plain   bool // everything conflicts
	history bool // the order of calls and returns matters
	path    []*junction
	depth   int            // of path that is in use; the rest is spare
	foot    *emu.Footprint // of the transition that is made
	left    emu.TaskID     // whom the last preemption took off its CPU
	buf     []emu.Choice
	done    bool
	reverse []int // buffer of race
}

// junction is a state on the way, and the transition that is followed from it.
type junction struct {
	snap    *emu.Snapshot // nil: there is only one choice
	props   []byte
	options []option
	at      int      // the option that is followed
	before  []uint64 // the transitions that happen before it, by number
	cpus    []switching
	moved   bool // the machine isn't in this state any more
}

// option is a choice in a state.
type option struct {
	choice emu.Choice
	begins bool // the state begins with it
	sleeps bool // what follows it is covered
	foot   emu.Footprint
}

// run goes through the tree of runs.
func (s *stateless) run(ctx context.Context) {
	s.push()
	for s.depth > 0 && !s.done {
		n := s.path[s.depth-1]
		n.at = n.next()
		if n.at == len(n.options) {
			s.depth--
			continue
		}
		if n.moved {
			s.m.Restore(n.snap)
			s.mustSetProps(n.props)
		}
		n.moved = true
		s.follow(n)
		if s.res.Transitions&0xfff == 0 && ctx.Err() != nil {
			s.stop("interrupted: " + context.Cause(ctx).Error())
		}
	}
	s.res.Complete = !s.done
}

// next is the first option that is to be followed. One that a race adds may be before
// the one that was followed last.
func (n *junction) next() int {
	for i := range n.options {
		if o := &n.options[i]; o.begins && !o.sleeps {
			return i
		}
	}
	return len(n.options)
}

// follow makes the transition that is due and goes to where it leads.
func (s *stateless) follow(n *junction) {
	o := &n.options[n.at]
	s.foot = &o.foot
	s.m.Footprint(o.choice, s.foot)
	s.res.Transitions++
	if o.choice.Kind() == emu.Preempt {
		s.left, _ = s.m.Running(o.choice.CPU())
	}
	if v := s.do(o.choice); v != nil {
		s.fail(v)
		return
	}
	if o.foot.Everything() {
		for i := range n.options {
			n.options[i].begins = true
		}
	}
	s.races()
	s.push()
	o.sleeps = true // from now on
}

// push enters the state that the machine is in: the end of a run, or a junction.
func (s *stateless) push() {
	s.res.Depth = max(s.res.Depth, s.depth)
	s.buf = s.m.Choices(s.buf[:0])
	if stuck(s.buf) {
		if v := s.end(); v != nil {
			s.fail(v)
			return
		}
		if s.res.Executions == s.lim.Executions {
			s.stop(fmt.Sprintf("more than %d executions", s.lim.Executions))
			return
		}
		s.res.Executions++
		return
	}
	if s.depth >= s.lim.Steps {
		s.stop(fmt.Sprintf("runs of more than %d transitions exist: an endless loop?", s.lim.Steps))
		return
	}
	if s.depth == len(s.path) {
		s.path = append(s.path, &junction{})
	}
	n := s.path[s.depth]
	n.at, n.moved = 0, false
	if s.lim.Switches {
		s.onlySwitches(n)
	}
	n.enter(s)
	if !s.begin(n) {
		s.res.Blocked++
		return
	}
	if len(n.options) > 1 {
		if n.snap == nil {
			n.snap = s.m.NewSnapshot()
		} else {
			s.m.Save(n.snap)
		}
		n.props = n.props[:0]
		for _, p := range s.props {
			n.props = p.AppendState(n.props)
		}
	}
	s.depth++
}

// enter makes options of the choices; those sleep that slept before the last
// transition, or were followed before it, and don't conflict with it.
func (n *junction) enter(s *stateless) {
	n.options = n.options[:0]
	for _, c := range s.buf {
		if k := len(n.options); k < cap(n.options) {
			n.options = n.options[:k+1]
			foot := n.options[k].foot
			n.options[k] = option{choice: c, foot: foot}
		} else {
			n.options = append(n.options, option{choice: c})
		}
	}
	if s.depth == 0 {
		return
	}
	last := s.path[s.depth-1]
	made := &last.options[last.at]
	for i := range last.options {
		o := &last.options[i]
		if !o.sleeps || s.conflict(&o.foot, &made.foot) {
			continue
		}
		for j := range n.options {
			if p := &n.options[j]; p.choice == o.choice {
				p.sleeps = true
				p.foot.Set(&o.foot)
			}
		}
	}
}

// begin decides what a new state begins with. It is false if all that sleeps.
func (s *stateless) begin(n *junction) bool {
	first := emu.CPUID(-1)
	if !s.plain && !slices.ContainsFunc(n.options, func(o option) bool { return o.choice.Kind() == emu.Signal }) {
		first = s.first(n)
	}
	some := false
	for i := range n.options {
		o := &n.options[i]
		o.begins = first < 0 || s.m.Concerns(first, o.choice)
		some = some || o.begins && !o.sleeps
	}
	return some
}

// first is the first CPU whose choices are enough to begin with, or -1.
func (s *stateless) first(n *junction) emu.CPUID {
	for c := range emu.CPUID(s.m.CPUs()) {
		if s.m.Closed(c) && slices.ContainsFunc(n.options, func(o option) bool {
			return !o.sleeps && s.m.Concerns(c, o.choice) && o.choice.Cost() == 0 && !migrates(s.m, o.choice)
		}) {
			return c
		}
	}
	return -1
}

// fail ends the search with the run that is under way.
func (s *stateless) fail(v *Violation) {
	f := &Failure{Violation: *v}
	for _, n := range s.path[:s.depth] {
		f.Schedule = append(f.Schedule, n.options[n.at].choice)
	}
	s.res.Failure, s.done = f, true
}

func (s *stateless) stop(why string) {
	if !s.done {
		s.res.Why, s.done = why, true
	}
}
