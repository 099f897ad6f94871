package lint

import (
	"errors"
	"slices"
	"sort"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// body is what can be reached from start_ip inside of a section.
type body struct {
	instrs []*isa.Instr    // by address
	index  map[ir.Addr]int // of instrs
	next   [][]int         // the ways on inside
	leaves [][]ir.Addr     // the ways out
	stores int             // of instructions
	// whole says that every instruction was lifted.
	whole bool
}

// bodyOf collects the code inside.
func (l *linter) bodyOf(s *section) *body {
	b := &body{index: map[ir.Addr]int{}, whole: true}
	seen := map[ir.Addr]bool{}
	for list := []ir.Addr{s.start}; len(list) > 0; {
		at := list[len(list)-1]
		list = list[:len(list)-1]
		if seen[at] || !s.contains(at) {
			continue
		}
		seen[at] = true
		in := s.graph.instrs[at]
		if in == nil {
			b.whole = false
			if n := l.length(at); n > 0 && s.graph.stopped[at] != nil {
				list = append(list, at+n)
			}
			l.unsupported(s, at)
			continue
		}
		b.instrs = append(b.instrs, in)
		succs(in, func(to ir.Addr) { list = append(list, to) })
	}
	slices.SortFunc(b.instrs, func(x, y *isa.Instr) int { return int(int64(x.Addr - y.Addr)) })
	for i, in := range b.instrs {
		b.index[in.Addr] = i
	}
	b.next, b.leaves = make([][]int, len(b.instrs)), make([][]ir.Addr, len(b.instrs))
	for i, in := range b.instrs {
		succs(in, func(to ir.Addr) {
			if k, ok := b.index[to]; ok {
				b.next[i] = append(b.next[i], k)
			} else if !s.contains(to) {
				b.leaves[i] = append(b.leaves[i], to)
			}
		})
		if l.stores(s, in) {
			b.stores++
		}
	}
	return b
}

// unsupported reports an instruction that isn't lifted.
func (l *linter) unsupported(s *section, at ir.Addr) {
	err := s.graph.stopped[at]
	if err == nil {
		l.at(s, "unsupported-instruction", at, "the function has more than %d instructions, and this one isn't looked at", maxInstrs)
		return
	}
	var u *isa.Unsupported
	if !errors.As(err, &u) {
		l.at(s, "unsupported-instruction", at, "%v", err)
		return
	}
	l.at(s, "unsupported-instruction", at, "unsupported instruction: % x (%s)", u.Code, u.Why)
}

// stores reports whether an instruction stores something that isn't rseq_cs.
func (l *linter) stores(s *section, in *isa.Instr) bool {
	for _, a := range s.graph.accesses[in.Addr] {
		if a.op.Stores() && !(a.val.isNumber() && l.isDescriptor(ir.Addr(a.val.off))) {
			return true
		}
	}
	return false
}

// inside looks at the code between start_ip and post_commit_ip.
func (l *linter) inside(s *section) {
	if l.looked > maxAll {
		l.at(s, "unsupported-instruction", s.start, "not looked at: the sections have more than %d instructions together", maxAll)
		return
	}
	b := l.bodyOf(s)
	l.looked += len(b.instrs)
	s.body, s.instrs, s.stores = b, len(b.instrs), b.stores
	if l.splits(s) {
		return
	}
	if n := len(b.instrs); n > l.opt.MaxInstrs {
		l.at(s, "long-section", s.start, "%d instructions, and %d are the budget", n, l.opt.MaxInstrs)
	}
	for _, in := range b.instrs {
		switch in.Flow {
		case isa.Syscalls:
			l.at(s, "syscall-in-section", in.Addr, "a system call inside: from Linux 6.19 on one that blocks aborts nothing, so that others run in the middle of the section, and a kernel that is being debugged kills the thread")
		case isa.Calls, isa.CallsReg:
			l.at(s, "call-in-section", in.Addr, "a call inside: the kernel clears rseq_cs if it interrupts outside of the section, and what follows the call then runs unprotected")
		case isa.Returns:
			l.at(s, "ret-in-section", in.Addr, "a return from the middle: an interruption at it restarts an operation that is finished")
		case isa.JumpsReg:
			l.at(s, "indirect-jump-in-section", in.Addr, "a jump to a register: whether it stays where the kernel restarts can't be told")
		case isa.Traps:
			l.at(s, "trap-in-section", in.Addr, "a trap inside: delivering its signal aborts the section first, and the handler sees abort_ip as its place")
		}
	}
	l.commit(s)
	l.loops(s)
	l.cpu(s)
	l.exits(s)
}

// splits reports whether an instruction reaches over post_commit_ip, so that
// what is inside isn't known.
func (l *linter) splits(s *section) bool {
	for _, in := range s.body.instrs {
		if in.Addr < s.post && in.Next() > s.post {
			l.at(s, "not-an-instruction", in.Addr, "post_commit_ip, %#x, is in the middle of this instruction: it is the address of the first instruction behind the commit", uint64(s.post))
			return true
		}
	}
	return false
}

// opaque reports whether a section does something that can't be seen.
func (b *body) opaque() bool {
	return !b.whole || slices.ContainsFunc(b.instrs, func(in *isa.Instr) bool {
		switch in.Flow {
		case isa.Calls, isa.CallsReg, isa.JumpsReg, isa.Syscalls:
			return true
		}
		return false
	})
}

// commit looks for the store that makes the section take effect, which has to be
// its last instruction.
func (l *linter) commit(s *section) {
	b := s.body
	if b.opaque() {
		return
	}
	if b.stores == 0 {
		l.at(s, "no-commit-store", s.start, "no store before post_commit_ip, so the section commits nothing: the store at its end is what makes it take effect")
		return
	}
	// 1. From where a store can still come.
	leads := make([]bool, len(b.instrs))
	prev := make([][]int, len(b.instrs))
	var list []int
	for i, in := range b.instrs {
		for _, to := range b.next[i] {
			prev[to] = append(prev[to], i)
		}
		if l.stores(s, in) {
			leads[i] = true
			list = append(list, i)
		}
	}
	for len(list) > 0 {
		i := list[len(list)-1]
		list = list[:len(list)-1]
		for _, from := range prev[i] {
			if !leads[from] {
				leads[from] = true
				list = append(list, from)
			}
		}
	}
	// 2. A store behind which the section goes on, and no store can come.
	for i, in := range b.instrs {
		if l.stores(s, in) && slices.ContainsFunc(b.next[i], func(to int) bool { return !leads[to] }) {
			l.at(s, "late-post-commit", in.Addr, "the section goes on behind this store and stores nothing more: an interruption before post_commit_ip restarts a section that has committed, and it takes effect twice")
		}
	}
}

// exits compares the ways out with those that the file declares.
func (l *linter) exits(s *section) {
	if l.Exits == nil {
		return
	}
	declared := l.exitsOf(s.start)
	var told []ir.Addr
	for i, in := range s.body.instrs {
		for _, to := range s.body.leaves[i] {
			if to == s.post || l.leadsTo(to, s.abort) || slices.ContainsFunc(declared, func(d ir.Addr) bool { return l.leadsTo(to, d) }) {
				continue
			}
			if !slices.Contains(told, to) {
				told = append(told, to)
				l.at(s, "undeclared-exit", in.Addr, "a way out to %s, which __rseq_exit_point_array doesn't have: a debugger that steps over the section by it loses the thread", l.spot(to))
			}
		}
	}
}

// maxExits bounds the declared exits of a section that are looked at.
const maxExits = 64

// exitsOf returns the declared exits of the section that begins at start.
func (l *linter) exitsOf(start ir.Addr) (to []ir.Addr) {
	if l.byStart == nil {
		l.byStart = slices.Clone(l.Exits)
		sort.SliceStable(l.byStart, func(i, j int) bool { return l.byStart[i].Start < l.byStart[j].Start })
	}
	i := sort.Search(len(l.byStart), func(i int) bool { return l.byStart[i].Start >= start })
	for ; i < len(l.byStart) && l.byStart[i].Start == start && len(to) < maxExits; i++ {
		to = append(to, l.byStart[i].Exit)
	}
	return to
}

// maxTrampoline bounds the code that only restores registers on the way to an
// exit, as x86's sections have it.
const maxTrampoline = 8

// leadsTo reports whether a place is another one, or straight code leads there.
func (l *linter) leadsTo(at, to ir.Addr) bool {
	for range maxTrampoline {
		if at == to {
			return true
		}
		in, err := l.instr(at)
		switch {
		case err != nil:
			return false
		case in.Flow == isa.Jumps:
			at = in.Target
		case in.Flow == isa.Falls:
			at = in.Next()
		default:
			return false
		}
	}
	return at == to
}
