package vet

import "github.com/rseqemu/rseqemu/ir"

// stores reports whether instruction i stores something that isn't the
// descriptor's address: the commit is such a store.
func (p *pass) stores(i int) bool {
	for _, e := range p.flow.exec(i) {
		if e.op.Stores() && !toRSeqCS(p.flow, e) {
			return true
		}
	}
	return false
}

// leadsToStore returns which instructions of a section, from lo, are a store or
// can come to one inside.
func (p *pass) leadsToStore(s *section) []bool {
	leads := make([]bool, s.hi-s.lo)
	var list []int
	for i := s.lo; i < s.hi; i++ {
		if p.stores(i) {
			leads[i-s.lo] = true
			list = append(list, i)
		}
	}
	for len(list) > 0 {
		i := list[len(list)-1]
		list = list[:len(list)-1]
		for _, from := range p.graph.prev[i] {
			if s.contains(int(from)) && !leads[int(from)-s.lo] {
				leads[int(from)-s.lo] = true
				list = append(list, int(from))
			}
		}
	}
	return leads
}

// hasStore reports whether the section stores anything, or goes where that
// can't be seen.
func (p *pass) hasStore(s *section) bool {
	for i := s.lo; i < s.hi; i++ {
		switch lastOp(p.im, i).Code {
		case ir.Call, ir.Syscall, ir.Jmpr:
			return true
		}
		if p.stores(i) {
			return true
		}
	}
	return false
}

var noCommitStore = newCheck("no-commit-store",
	"A section without a store before post_commit_ip. A section takes effect by the store at its end, the commit; "+
		"one without changes nothing, or changes it outside, where nothing is restarted.",
	func(p *pass) {
		for _, s := range p.sections {
			if !p.hasStore(s) && !p.commitsBehind(s) {
				p.at(s.start, s, "%s has no store before post_commit_ip, so it commits nothing: the store at its end is what makes a section take effect", s.Name)
			}
		}
	})

var latePostCommit = newCheck("late-post-commit",
	"An instruction between the last store of a section and post_commit_ip. An interruption there restarts the "+
		"section although it has committed, and it takes effect twice: the commit must be the last instruction.",
	func(p *pass) {
		for _, s := range p.sections {
			leads := p.leadsToStore(s)
			early := p.commitsBehind(s)
			for i := s.lo; i < s.hi && !early; i++ {
				on := false
				if p.stores(i) {
					p.graph.inside(s, i, func(to int) { on = on || !leads[to-s.lo] })
				}
				if on {
					p.at(i, s, "%s goes on after this store and stores nothing more: an interruption before post_commit_ip restarts a section that has committed, and it takes effect twice", s.Name)
				}
			}
		}
	})

var earlyPostCommit = newCheck("early-post-commit",
	"A store to per-CPU data at post_commit_ip, and none directly before it. post_commit_ip is the address behind "+
		"the commit; as it is, the kernel doesn't restart a thread that it interrupts before the store.",
	func(p *pass) {
		for _, s := range p.sections {
			if p.commitsBehind(s) {
				p.at(s.post, s, "%s ends before this store, which looks like its commit: post_commit_ip is the address behind the commit, and a thread interrupted here isn't restarted", s.Name)
			}
		}
	})

// commitsBehind reports whether the section runs into a store at post_commit_ip
// that looks like its commit: to memory that it has loaded from, or to data of
// a CPU, while it has no store at its own end.
func (p *pass) commitsBehind(s *section) bool {
	last := s.hi - 1
	if s.post < 0 || int(p.graph.next[last][0]) != s.post || p.stores(last) {
		return false
	}
	for _, e := range p.flow.exec(s.post) {
		if !e.op.Stores() || toRSeqCS(p.flow, e) || e.addr.inThread() || e.op.Mem.Base == ir.SP {
			continue
		}
		if e.addr.from != 0 || p.loadsFrom(s, e.op.Mem) {
			return true
		}
	}
	return false
}

// loadsFrom reports whether the section has a load with that operand, in words.
func (p *pass) loadsFrom(s *section, m ir.Mem) bool {
	for i := s.lo; i < s.hi; i++ {
		for _, o := range p.im.Instrs[i].Micro() {
			if o.Loads() && o.Mem == m {
				return true
			}
		}
	}
	return false
}

var updateBeforeCommit = newCheck("update-before-commit",
	"A store to per-CPU data, before the commit, of what was computed from its old contents: a counter, say. It "+
		"stays when the section is aborted afterwards, and the restart does it again. Only the commit may change "+
		"what a restart reads.",
	func(p *pass) {
		for _, s := range p.sections {
			leads := p.leadsToStore(s)
			cyclic := p.cycles(s)
			for i := s.lo; i < s.hi; i++ {
				if cyclic[i-s.lo] != 0 || !p.updates(s, i) {
					continue
				}
				again := false
				p.graph.inside(s, i, func(to int) { again = again || leads[to-s.lo] })
				if again {
					p.at(i, s, "%s changes per-CPU data by its old contents before the commit: an abort between the two doesn't take that back, and the restart does it again", s.Name)
				}
			}
		}
	})

// updates reports whether instruction i stores to data of a CPU what was
// computed from its contents.
func (p *pass) updates(s *section, i int) bool {
	for _, e := range p.flow.exec(i) {
		if e.op.Code == ir.Xadd && e.addr.from != 0 {
			return true
		}
		if e.op.Code == ir.St && e.op.A != ir.None && e.addr.from != 0 && !e.addr.inThread() && p.fromItself(s, e) {
			return true
		}
	}
	return false
}

// fromItself reports whether a stored value comes from a load, by the same
// operand, in the section. It looks back along straight code only, in which an
// operand means the same as long as its registers stay.
func (p *pass) fromItself(s *section, e event) bool {
	m := e.op.Mem
	var want [ir.NumRegs]bool
	want[e.op.A] = true
	i, k := e.instr, e.index-1
	for range maxWalk {
		for ; k >= 0; k-- {
			o := &p.im.Instrs[i].Ops[k]
			if o.Dst != ir.None && want[o.Dst] {
				if o.Loads() {
					return o.Mem == m && o.Dst != m.Base && o.Dst != m.Index
				}
				if o.Code != ir.Ins {
					want[o.Dst] = false
				}
				for _, r := range []ir.Reg{o.A, o.B} {
					want[r] = r != ir.None
				}
			}
			if o.Dst != ir.None && (o.Dst == m.Base || o.Dst == m.Index) {
				return false
			}
		}
		if i == s.start || len(p.graph.prev[i]) != 1 || p.graph.entered[i] != 0 || int(p.graph.prev[i][0]) != i-1 {
			return false
		}
		i--
		k = int(p.im.Instrs[i].N) - 1
	}
	return false
}
