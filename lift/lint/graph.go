package lint

import (
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

const (
	// maxInstrs bounds the instructions of one function that are looked at, and
	// maxStripped those behind a section whose function no symbol names. All
	// functions together have maxAll.
	maxInstrs   = 20000
	maxStripped = 500
	maxAll      = 4_000_000
	// maxAborts bounds to how many handlers an instruction is known to abort: one,
	// but for descriptors of the same code.
	maxAborts = 8
	// maxRounds bounds how often values are followed through a function.
	maxRounds = 12
	// maxPreamble is how far before start_ip, in bytes, an instruction is looked
	// for that leads there, if nothing else is known to.
	maxPreamble = 40
)

// graph is the code of a function as far as it can be reached, with the abort
// handlers of its sections.
type graph struct {
	bound  int       // of how many instructions
	addrs  []ir.Addr // sorted
	instrs map[ir.Addr]*isa.Instr
	// stopped are the addresses at which the way ended, since the instruction
	// isn't lifted.
	stopped map[ir.Addr]error
	// entered are the addresses that are entered from outside: what is in the
	// registers there isn't known.
	entered map[ir.Addr]bool
	// aborts are the handlers that the kernel may go to from an instruction.
	aborts map[ir.Addr][]ir.Addr
	// accesses to memory and what they mean, in the order of the code; armed are
	// the stores of descriptors, by the descriptor's address.
	accesses map[ir.Addr][]access
	armed    map[ir.Addr][]ir.Addr
	// hides are the addresses before which eight bytes are stored that aren't
	// known; ranges are the sections some descriptor of which is stored.
	hides  map[ir.Addr]bool
	ranges map[[2]ir.Addr]bool
}

func newGraph() *graph {
	return &graph{
		instrs: map[ir.Addr]*isa.Instr{}, stopped: map[ir.Addr]error{}, entered: map[ir.Addr]bool{}, aborts: map[ir.Addr][]ir.Addr{},
		accesses: map[ir.Addr][]access{}, armed: map[ir.Addr][]ir.Addr{}, hides: map[ir.Addr]bool{}, ranges: map[[2]ir.Addr]bool{},
	}
}

// newGraphOf returns the graph of the function that the sections are in.
func (l *linter) newGraphOf(list []*section) *graph {
	entry := list[0].entry
	g := newGraph()
	g.bound = maxInstrs
	if entry == list[0].start {
		g.bound = maxStripped
	}
	if entry != list[0].start {
		l.reach(g, entry, true)
	}
	// The sections whose beginnings the function doesn't reach as far as it is
	// known, and the handlers, which only the kernel goes to.
	for _, o := range list {
		if g.instrs[o.start] == nil {
			l.reach(g, l.preambleOf(o), true)
		}
		l.reach(g, o.start, false)
		l.reach(g, o.abort, false)
	}
	g.addrs = make([]ir.Addr, 0, len(g.instrs))
	for a := range g.instrs {
		g.addrs = append(g.addrs, a)
	}
	slices.Sort(g.addrs)
	for _, s := range list {
		for i, _ := slices.BinarySearch(g.addrs, s.start); i < len(g.addrs) && s.contains(g.addrs[i]); i++ {
			a := g.addrs[i]
			switch {
			case slices.Contains(g.aborts[a], s.abort):
			case len(g.aborts[a]) < maxAborts:
				g.aborts[a] = append(g.aborts[a], s.abort)
			default:
				g.entered[s.abort] = true
			}
			if l.looked++; l.looked > maxAll {
				break
			}
		}
	}
	l.follow(g)
	for at, all := range g.accesses {
		for _, a := range all {
			if a.op.Stores() && a.op.Width.Bytes() == 8 && !a.val.isNumber() {
				g.hides[g.instrs[at].Next()] = true
			}
		}
	}
	for _, s := range list {
		if len(g.armed[s.Addr]) > 0 {
			g.ranges[[2]ir.Addr{s.start, s.post}] = true
		}
	}
	return g
}

// reach adds what can be reached from an address.
func (l *linter) reach(g *graph, from ir.Addr, entered bool) {
	if entered {
		g.entered[from] = true
	}
	for list := []ir.Addr{from}; len(list) > 0 && len(g.instrs) < g.bound; {
		at := list[len(list)-1]
		list = list[:len(list)-1]
		if g.instrs[at] != nil || g.stopped[at] != nil {
			continue
		}
		in, err := l.instr(at)
		if err != nil {
			g.stopped[at] = err
			if n := l.length(at); n > 0 {
				g.entered[at+n] = true
				list = append(list, at+n)
			}
			continue
		}
		g.instrs[at] = &in
		succs(&in, func(to ir.Addr) {
			if to != in.Next() && l.isEntry(to) {
				return // a tail call
			}
			list = append(list, to)
		})
	}
}

// isEntry reports whether a function begins at an address.
func (l *linter) isEntry(at ir.Addr) bool {
	s, ok := l.SymbolAt(at)
	return ok && s.Func && s.Size > 0
}

// length returns how long the instruction at an address is that isn't lifted, or
// 0 if only who knows the instruction can tell.
func (l *linter) length(at ir.Addr) ir.Addr {
	code, ok := l.Code(at)
	switch {
	case !ok:
	case l.Arch == abi.ARM64:
		return 4
	case l.Arch == abi.RISCV64 && code[0]&3 != 3:
		return 2
	case l.Arch == abi.RISCV64 && code[0]&0x1f != 0x1f:
		return 4
	}
	return 0
}

// succs calls do with where control goes from an instruction, within the
// function: a call comes back.
func succs(in *isa.Instr, do func(to ir.Addr)) {
	switch in.Flow {
	case isa.Falls, isa.Calls, isa.CallsReg, isa.Syscalls:
		do(in.Next())
	case isa.Branches:
		do(in.Next())
		do(in.Target)
	case isa.Jumps:
		do(in.Target)
	}
}

// preambleOf returns an address before start_ip from which a straight way leads
// there, and whose last instruction stores the descriptor. Without one it is
// start_ip.
func (l *linter) preambleOf(s *section) ir.Addr {
	best := s.start
	for back := ir.Addr(2); back <= maxPreamble && back <= s.start; back++ {
		g := newGraph()
		at := s.start - back
		from := at
		g.entered[from] = true
		for at < s.start {
			in, err := l.instr(at)
			if err != nil || in.Flow != isa.Falls {
				break
			}
			g.instrs[at] = &in
			g.addrs = append(g.addrs, at)
			at = in.Next()
		}
		if at != s.start {
			continue
		}
		l.follow(g)
		if len(g.armed[s.Addr]) > 0 {
			return from
		}
	}
	return best
}
