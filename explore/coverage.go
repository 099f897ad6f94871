package explore

import (
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// Coverage is what a search has tried, by instruction and by operation. A claim that
// a program holds is about all of it, and about nothing else.
type Coverage struct {
	// Instrs has an element for each instruction of the program.
	Instrs []InstrCoverage
	// Funcs are the functions of the threads' scripts, and Overlaps says of each
	// pair, by index, in how many states two threads were in them at once.
	Funcs    []string
	Overlaps [][]int
}

// InstrCoverage is what was tried at an instruction.
type InstrCoverage struct {
	// Steps is how often it was executed, micro-ops counted apart.
	Steps int
	// Events is how often each kind of kernel event came right before it, by
	// [emu.ChoiceKind].
	Events [emu.NumChoiceKinds]int
	// Local says that it was executed as a local step, or that a preemption before it
	// tells nothing: what an event would do before it, it does at another instruction
	// near by, where it was tried.
	Local bool
}

// Tried reports whether an event was tried before the instruction, or where that
// comes to the same.
func (c *InstrCoverage) Tried(k emu.ChoiceKind) bool { return c.Events[k] > 0 || c.Local }

// recorder notes what a worker tries.
type recorder struct {
	im     *ir.Image
	cov    Coverage
	fn     [][]int // by thread and call: its function's index
	inside []int   // buffer: by thread, the function it is in
}

func newRecorder(m *emu.Machine) *recorder {
	r := &recorder{im: m.Image(), cov: Coverage{Instrs: make([]InstrCoverage, len(m.Image().Instrs))}}
	at := map[string]int{}
	for _, t := range m.Image().Prog.Threads {
		var fns []int
		for _, c := range t.Calls {
			if _, ok := at[c.Func]; !ok {
				at[c.Func] = len(r.cov.Funcs)
				r.cov.Funcs = append(r.cov.Funcs, c.Func)
			}
			fns = append(fns, at[c.Func])
		}
		r.fn = append(r.fn, fns)
	}
	for range r.cov.Funcs {
		r.cov.Overlaps = append(r.cov.Overlaps, make([]int, len(r.cov.Funcs)))
	}
	return r
}

// state notes which operations are under way at once.
func (r *recorder) state(m *emu.Machine) {
	r.inside = r.inside[:0]
	for t, fns := range r.fn {
		if call, ok := m.InCall(emu.TaskID(t)); ok && call < len(fns) {
			f := fns[call]
			for _, g := range r.inside {
				r.cov.Overlaps[f][g]++
				if f != g {
					r.cov.Overlaps[g][f]++
				}
			}
			r.inside = append(r.inside, f)
		}
	}
}

// choice notes a transition that is about to be made.
func (r *recorder) choice(m *emu.Machine, c emu.Choice) {
	t := emu.TaskID(-1)
	switch k := c.Kind(); k {
	case emu.Signal:
		t = c.Task()
	case emu.Run, emu.Wake, emu.Online:
		return
	default:
		var ok bool
		if t, ok = m.Running(c.CPU()); !ok {
			return
		}
	}
	if i := r.im.Index(m.Next(t)); i >= 0 {
		if k := c.Kind(); k == emu.Step {
			r.cov.Instrs[i].Steps++
		} else {
			r.cov.Instrs[i].Events[k]++
		}
	}
}

// add adds what another worker has tried.
func (c *Coverage) add(o *Coverage) {
	for i := range c.Instrs {
		a, b := &c.Instrs[i], &o.Instrs[i]
		a.Steps += b.Steps
		a.Local = a.Local || b.Local
		for k := range a.Events {
			a.Events[k] += b.Events[k]
		}
	}
	for i := range c.Overlaps {
		for j := range c.Overlaps[i] {
			c.Overlaps[i][j] += o.Overlaps[i][j]
		}
	}
}

// NeverOverlapped are the pairs of functions that two threads call, and that were
// never under way at once.
func (c *Coverage) NeverOverlapped(p *ir.Program) (pairs [][2]string) {
	for i, f := range c.Funcs {
		for j, g := range c.Funcs[:i+1] {
			if c.Overlaps[i][j] == 0 && byTwo(p, f, g) {
				pairs = append(pairs, [2]string{g, f})
			}
		}
	}
	return pairs
}

// byTwo reports whether one thread calls the one function and another the other.
func byTwo(p *ir.Program, f, g string) bool {
	for i := range p.Threads {
		for j := range p.Threads {
			if i != j && calls(&p.Threads[i], f) && calls(&p.Threads[j], g) {
				return true
			}
		}
	}
	return false
}

func calls(t *ir.Thread, f string) bool {
	for _, c := range t.Calls {
		if c.Func == f {
			return true
		}
	}
	return false
}
