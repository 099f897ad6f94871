package lint

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// arming looks for the store of the descriptor to rseq_cs, which is the last
// instruction before start_ip, or inside.
func (l *linter) arming(s *section) {
	stores := s.graph.armed[s.Addr]
	if s.Addr == 0 {
		return // only the triple was given
	}
	if len(stores) == 0 {
		if l.seen(s) && !s.graph.ranges[[2]ir.Addr{s.start, s.post}] {
			l.at(s, "never-armed", s.start, "nothing in the function stores this section's descriptor (%#x) to rseq_cs, so the kernel never hears of it", uint64(s.Addr))
		}
		return
	}
	for _, at := range stores {
		if in := s.graph.instrs[at]; s.contains(at) || in.Next() == s.start {
			return
		}
	}
	at := stores[len(stores)-1]
	for _, a := range stores {
		if a < s.start {
			at = a // the last one before
		}
	}
	l.at(s, "armed-too-early", at, "this store to rseq_cs isn't directly before start_ip (%s): the kernel clears rseq_cs if it interrupts in between, and the section then runs unprotected", l.spot(s.start))
}

// seen reports whether enough of the function is known to say that nothing
// stores the descriptor: all of it could be lifted, from its beginning, and what is
// stored directly before start_ip isn't an unknown that may be an address.
func (l *linter) seen(s *section) bool {
	if s.entry == s.start || len(s.graph.stopped) > 0 || s.graph.instrs[s.entry] == nil {
		return false
	}
	return !s.graph.hides[s.start]
}

// area returns the address of struct rseq as the store to rseq_cs gives it.
func (l *linter) area(s *section) (value, bool) {
	for _, at := range s.graph.armed[s.Addr] {
		for _, a := range s.graph.accesses[at] {
			if a.op.Stores() && a.val == number(int64(s.Addr)) {
				return a.addr.plus(number(-abi.OffRSeqCS), unknown{}), true
			}
		}
	}
	return value{}, false
}

// jumpsInside looks for branches of a function into the middle of a section.
func (l *linter) jumpsInside(g *graph) {
	for _, from := range g.addrs {
		in := g.instrs[from]
		if in.Flow != isa.Jumps && in.Flow != isa.Branches {
			continue
		}
		if to := l.sectionAround(in.Target); to != nil && to.start != in.Target && !to.contains(from) {
			l.at(to, "jump-into-section", from, "a jump into the middle of the section, past the store to rseq_cs before start_ip: if the kernel has cleared rseq_cs since, nothing is restarted")
		}
	}
}

// sectionAround returns the section that an address is inside of, or nil.
func (l *linter) sectionAround(at ir.Addr) *section {
	lo, hi := 0, len(l.all)
	for lo < hi {
		if m := (lo + hi) / 2; l.all[m].start <= at {
			lo = m + 1
		} else {
			hi = m
		}
	}
	for i := lo - 1; i >= 0 && i >= lo-4; i-- {
		if s := l.all[i]; s.code && s.contains(at) {
			return s
		}
	}
	return nil
}
