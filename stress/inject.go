package stress

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// point is an instruction before which something can be put in.
type point struct {
	fn   string
	part part
}

// part is where a point is in its function.
type part uint8

// The parts. Where somebody is that has read its CPU's number and isn't in the section
// yet, it may go to another CPU; inside it can be aborted.
const (
	before    part = iota // a section's start_ip
	inside                // a section, or a handler: delays only, as no system call may be made there
	elsewhere             // behind, or in a function without
	parts
)

// act is the number at a point from which on it isn't the turns of a loop but an
// action. It is done once a round, when the point is passed for the first time, or, of
// a number so many times actions higher, so many times later: done each time it could
// keep an operation that starts again from ever coming to its end.
const act = 1 << 20

// The actions.
const (
	yield   = act + iota // sched_yield
	nap                  // a nanosleep of a nanosecond, which takes some fifty microseconds
	signal               // the thread sends itself a signal
	actions = iota
)

// latest is how many times a point is passed at most before its action.
const latest = 2

// turns are how many a delay's loop makes: a power of two, from and to which. Two
// threads that run at the same time meet within microseconds. A thread that is to be
// preempted has to wait for the timer, which comes once in milliseconds.
type turns struct{ from, to int }

var (
	short = turns{1, 12}
	long  = turns{8, 17}
)

// injected returns the program's functions with a point before each instruction,
// and the points; the first one stands for none. A point loads its number from the
// thread's own memory, and does nothing if that is 0. Inside a section the number is
// halved each time: a loop there, or a section that starts again, comes to its end
// before the next preemption sooner or later. The registers' contents stay; where an
// instruction reads flags that were set before, there is no point.
func injected(p *ir.Program, free ir.Reg) ([]ir.Func, []point, error) {
	points := []point{{}}
	funcs := slices.Clone(p.Funcs)
	for i := range funcs {
		f := &funcs[i]
		handler := slices.ContainsFunc(p.Handlers, func(h ir.Handler) bool { return h.Func == f.Name })
		where := partsOf(f)
		var body []ir.Item
		for j, it := range f.Body {
			if it.Kind == ir.Code && !flagsLive(f.Body[j:]) {
				pt := point{f.Name, where[j]}
				if handler {
					pt.part = inside
				}
				body = append(body, pt.items(len(points), free)...)
				points = append(points, pt)
			}
			body = append(body, it)
		}
		f.Body = body
	}
	if len(points) > maxPoints {
		return nil, nil, fmt.Errorf("%s has %d instructions to put delays in front of, and may have %d", p.Name, len(points)-1, maxPoints-1)
	}
	return funcs, points, nil
}

// items are the instructions of a point.
func (pt point) items(n int, r ir.Reg) []ir.Item {
	number := ir.At(ir.TP, "stress_delay").Plus(int64(4 * n))
	turn, on := fmt.Sprintf("stress_%d", n), fmt.Sprintf("stress_%d_on", n)
	code := func(ops ...ir.Op) ir.Item { return ir.Item{Instr: ir.NewInstr(ops...)} }
	label := func(name string) ir.Item { return ir.Item{Kind: ir.Label, Name: name} }
	items := []ir.Item{code(ir.Load(ir.W4, r, number)), code(ir.BranchEqImm(ir.W8, r, 0, on))}
	if pt.part == inside {
		return append(items, code(ir.Shr.Imm(r, r, 1)), code(ir.Store(ir.W4, number, r)), code(ir.BranchEqImm(ir.W8, r, 0, on)),
			label(turn), code(ir.Sub.Imm(r, r, 1)), code(ir.BranchNeImm(ir.W8, r, 0, turn)), label(on))
	}
	lr := ir.At(ir.TP, "stress_lr")
	return append(items, code(ir.Store(ir.W8, lr, ir.LR)), code(ir.CallFunc("stress_outside")), code(ir.Load(ir.W8, ir.LR, lr)), label(on))
}

// registers is how many general registers code has natively, on x86-64.
const registers = 10

// unused finds a register that the program has no use for.
func unused(p *ir.Program) (ir.Reg, bool) {
	used := map[ir.Reg]bool{}
	for _, t := range p.Threads {
		for _, c := range t.Calls {
			for i := range c.Args {
				used[ir.R(i)] = true
			}
		}
	}
	for i := range p.Funcs {
		for j := range p.Funcs[i].Body {
			for _, o := range p.Funcs[i].Body[j].Instr.Micro() {
				for _, r := range []ir.Reg{o.Dst, o.A, o.B, o.Mem.Base, o.Mem.Index} {
					used[r] = true
				}
			}
		}
	}
	for n := registers - 1; n >= 0; n-- {
		if r := ir.R(n); !used[r] && n != 8 { // r8 is a system call's number
			return r, true
		}
	}
	return ir.None, false
}

// partsOf says of each line of a function in which part it is. A section whose ends
// aren't labels of the function in order has everything inside.
func partsOf(f *ir.Func) []part {
	where := make([]part, len(f.Body))
	last := 0 // behind the last section's start
	for _, s := range f.Sections {
		from, to := labelled(f, s.StartIP), labelled(f, s.PostCommitIP)
		if s.HasOffset || from < 0 || to < from {
			from, to = 0, len(where)
		}
		for i := from; i < to; i++ {
			where[i] = inside
		}
		last = max(last, from)
	}
	for i := last; i < len(where); i++ {
		if where[i] == before {
			where[i] = elsewhere
		}
	}
	return where
}

func labelled(f *ir.Func, v ir.Value) int {
	if v.Off != 0 {
		return -1
	}
	return slices.IndexFunc(f.Body, func(it ir.Item) bool { return it.Kind == ir.Label && it.Name == v.Sym })
}

// flagsLive reports whether the flags may be read from here on before they are set.
// An encoder refuses a reader that is elsewhere than behind its setter.
func flagsLive(rest []ir.Item) bool {
	for _, it := range rest {
		for _, o := range it.Instr.Micro() {
			switch {
			case o.Code == ir.Br, o.Code == ir.Csel, o.Code == ir.Flipc, o.Flags == ir.KeepC:
				return true
			case o.Flags == ir.SetFlags, o.Code == ir.Cmpxchg, o.Code == ir.Bit:
				return false
			}
		}
	}
	return false
}

// rows is how many rounds' injections a process has; then they begin anew.
const rows = 1024

// maxPoints bounds the points of a program: a row's number has ten bits for one.
const maxPoints = 1024

// drawn draws what is put in where, for each row of a thread: a point that it may come
// to, and from bit 10 on its number. Each part has the same odds, as few as there are
// before most sections. Of eight rows one has nothing.
func drawn(points []point, comesTo map[string]bool, signals bool, delay turns, rng *rand.Rand) []uint32 {
	kinds := actions
	if !signals {
		kinds = signal - act
	}
	var its [parts][]uint32
	for n, pt := range points {
		if comesTo[pt.fn] {
			its[pt.part] = append(its[pt.part], uint32(n))
		}
	}
	there := slices.DeleteFunc(its[:], func(of []uint32) bool { return len(of) == 0 })
	out := make([]uint32, rows)
	for i := range out {
		if len(there) == 0 || rng.IntN(8) == 0 {
			continue
		}
		of := there[rng.IntN(len(there))]
		n := of[rng.IntN(len(of))]
		number := uint32(1) << (delay.from + rng.IntN(delay.to-delay.from+1))
		if points[n].part != inside && rng.IntN(2) == 0 {
			number = uint32(act + rng.IntN(kinds) + actions*rng.IntN(latest))
		}
		out[i] = n | number<<10
	}
	return out
}

// comesTo are the functions that a thread may come to: those that it calls, those that
// these call, and the handlers.
func comesTo(p *ir.Program, t int) map[string]bool {
	all := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		i := slices.IndexFunc(p.Funcs, func(f ir.Func) bool { return f.Name == name })
		if i < 0 || all[name] {
			return
		}
		all[name] = true
		for j := range p.Funcs[i].Body {
			for _, o := range p.Funcs[i].Body[j].Instr.Micro() {
				visit(o.Target)
			}
		}
	}
	for _, c := range p.Threads[t].Calls {
		visit(c.Func)
	}
	for _, h := range p.Handlers {
		visit(h.Func)
	}
	return all
}
