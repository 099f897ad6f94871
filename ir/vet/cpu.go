package vet

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The ids that the kernel writes, and what kind of number each is.
var ids = []struct {
	name   string
	off    int64
	family string
}{
	{"cpu_id_start", abi.OffCPUIDStart, "a CPU"},
	{"cpu_id", abi.OffCPUID, "a CPU"},
	{"node_id", abi.OffNodeID, "a NUMA node"},
	{"mm_cid", abi.OffMMCID, "a concurrency id"},
}

func idAt(off int64) (name, family string) {
	for _, id := range ids {
		if id.off == off {
			return id.name, id.family
		}
	}
	return "an id", ""
}

// idUse is what a section does with the ids.
type idUse struct {
	inside  origins // loads in the section, which an abort makes happen again
	outside origins // loads elsewhere that surely read an id
	checks  []bool  // of each instruction, from lo: it uses an id loaded inside
	checked bool    // one does
	opaque  bool    // code that can't be seen takes part
	// onlyStart says that every id in use inside is cpu_id_start.
	onlyStart bool
	compares  []compare
	accesses  []event // to memory at an address made from an id loaded outside
}

// compare is a comparison of an id that was loaded inside, exactly, with
// another value.
type compare struct {
	event
	id, other value
}

// idUse finds out what a section does with the ids.
func (p *pass) idUse(s *section) *idUse {
	f := p.flow
	u := &idUse{inside: f.loadsIn(s), checks: make([]bool, s.hi-s.lo), onlyStart: true}
	u.outside = ^u.inside &^ (otherLoads | f.unsure)
	for i := s.lo; i < s.hi; i++ {
		switch lastOp(p.im, i).Code {
		case ir.Call, ir.Syscall, ir.Jmpr:
			u.opaque = true
		}
		for _, e := range f.exec(i) {
			if u.uses(e) {
				u.checks[i-s.lo], u.checked = true, true
			}
			u.compare(e)
			if (e.op.Loads() || e.op.Stores()) && !e.addr.inThread() && e.addr.from&u.outside != 0 && e.addr.from&(u.inside|otherLoads|f.unsure) == 0 {
				u.accesses = append(u.accesses, e)
			}
		}
	}
	return u
}

// uses reports whether a micro-op decides or computes with an id that was
// loaded inside. Copies and stores of one decide nothing.
func (u *idUse) uses(e event) bool {
	var from origins
	switch e.op.Code {
	case ir.Beq, ir.Bne:
		from = e.a.from | e.b.from
		// An id from outside against something from memory: from an area
		// that the analysis hasn't recognised, as likely as not.
		if mayBeID(e.a) && u.fromOutside(e.b) || mayBeID(e.b) && u.fromOutside(e.a) {
			return true
		}
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar, ir.Bit:
		from = e.a.from | e.b.from
		if e.op.Code == ir.Sub || e.op.Code == ir.Xor {
			if mayBeID(e.a) && u.fromOutside(e.b) || mayBeID(e.b) && u.fromOutside(e.a) {
				return true
			}
		}
	}
	if e.op.Mem.Base < ir.None || e.op.Mem.Index < ir.None {
		from |= e.addr.from
	}
	used := from & (u.inside | otherLoads)
	for _, v := range []value{e.a, e.b} {
		if v.from&used != 0 && (v.kind != field || v.n != abi.OffCPUIDStart) {
			u.onlyStart = false
		}
	}
	return used != 0
}

// mayBeID reports whether nothing is known of v.
func mayBeID(v value) bool { return v == value{} }

// fromOutside reports whether v is an id as it was loaded outside.
func (u *idUse) fromOutside(v value) bool { return v.kind == field && v.from&u.outside != 0 }

// compare keeps a comparison with an id that was loaded inside.
func (u *idUse) compare(e event) {
	switch {
	case e.op.Code == ir.Beq, e.op.Code == ir.Bne, e.op.Code == ir.Sub && e.op.Dst == ir.None:
	default:
		return
	}
	for _, c := range []compare{{e, e.a, e.b}, {e, e.b, e.a}} {
		if c.id.kind == field && c.id.from&u.inside != 0 && c.other.from&u.inside == 0 && c.other.kind != number {
			u.compares = append(u.compares, c)
			return
		}
	}
}

// cpuCheck makes a check of sections that use ids and hide nothing.
func cpuCheck(id, doc string, run func(p *pass, s *section, u *idUse)) check {
	return newCheck(id, doc, func(p *pass) {
		for _, s := range p.sections {
			if u := p.idUse(s); !u.opaque {
				run(p, s, u)
			}
		}
	})
}

var noCPUCheck = cpuCheck("no-cpu-check",
	"A section that uses data of the CPU whose number was loaded before start_ip, and never loads and compares "+
		"cpu_id (or mm_cid) inside. The kernel restarts only what it interrupts inside: a migration between the "+
		"load and start_ip goes unnoticed, and the thread works on the data of a CPU that it isn't on.",
	func(p *pass, s *section, u *idUse) {
		if !u.checked && len(u.accesses) > 0 {
			i := u.accesses[0].instr
			p.at(i, s, "%s works on data of the CPU whose number was loaded at %s, and never compares cpu_id inside: a migration before start_ip isn't restarted and goes unnoticed",
				s.Name, p.where(p.firstLoad(u.accesses[0].addr.from)))
		}
	})

// firstLoad returns the instruction of the first load of a set.
func (p *pass) firstLoad(from origins) int {
	for b, l := range p.flow.loads {
		if from&(1<<b) != 0 {
			return l.instr
		}
	}
	panic("vet: BUG: no load")
}

var storeBeforeCheck = cpuCheck("store-before-check",
	"A store to per-CPU data on a way on which cpu_id hasn't been compared yet. Until then the thread may be on "+
		"another CPU than the one whose data this is, and a branch to the abort handler takes no store back.",
	func(p *pass, s *section, u *idUse) {
		if !u.checked {
			return
		}
		before := p.unchecked(s, u)
		for _, e := range u.accesses {
			if e.op.Stores() && before[e.instr-s.lo] && !u.checks[e.instr-s.lo] {
				p.at(e.instr, s, "%s stores to data of the CPU whose number was loaded at %s before it has compared cpu_id: the thread may be on another CPU, and no abort takes the store back",
					s.Name, p.where(p.firstLoad(e.addr.from)))
			}
		}
	})

// unchecked returns which instructions of the section, from lo, can be reached
// from start_ip before an id has been used.
func (p *pass) unchecked(s *section, u *idUse) []bool {
	seen := make([]bool, s.hi-s.lo)
	seen[s.start-s.lo] = true
	for list := []int{s.start}; len(list) > 0; {
		i := list[len(list)-1]
		list = list[:len(list)-1]
		if u.checks[i-s.lo] {
			continue
		}
		p.graph.inside(s, i, func(to int) {
			if !seen[to-s.lo] {
				seen[to-s.lo] = true
				list = append(list, to)
			}
		})
	}
	return seen
}

var cpuIDStartCompared = cpuCheck("cpu-id-start-compared",
	"A section that compares cpu_id_start instead of cpu_id. Both are the CPU while the area is registered, but "+
		"without a registration cpu_id_start is 0, a CPU like any other: the comparison succeeds, and nothing is "+
		"restarted. cpu_id is -1 then.",
	func(p *pass, s *section, u *idUse) {
		if !u.onlyStart {
			return
		}
		for _, c := range u.compares {
			p.at(c.instr, s, "%s compares cpu_id_start and not cpu_id: without a registration cpu_id_start is 0 and the comparison succeeds, whereas cpu_id is -1", s.Name)
		}
	})

var wrongIDCompared = cpuCheck("wrong-id-compared",
	"A comparison of two ids of different kinds: a CPU, a NUMA node and an mm_cid are numbered independently. Data "+
		"that is indexed by mm_cid needs the comparison with mm_cid.",
	func(p *pass, s *section, u *idUse) {
		for _, c := range u.compares {
			id, family := idAt(c.id.n)
			other, otherFamily := idAt(c.other.n)
			if c.other.kind == field && family != otherFamily {
				p.at(c.instr, s, "%s compares %s, which is %s, with %s, which is %s: the two are numbered independently", s.Name, id, family, other, otherFamily)
			}
		}
	})

var indexFromOtherLoad = cpuCheck("index-from-other-load",
	"A section that compares cpu_id with one load of the CPU's number, while the address of the data was made from "+
		"another. The thread may migrate between the two loads: the comparison succeeds, and the data is that of "+
		"the first CPU.",
	func(p *pass, s *section, u *idUse) {
		var index, compared origins
		for _, e := range u.accesses {
			index |= e.addr.from
		}
		for _, c := range u.compares {
			if c.other.from == 0 {
				return // with what can't be told
			}
			compared |= c.other.from
		}
		if len(u.compares) == 0 || index == 0 || (index|compared)&^u.outside != 0 || index&compared != 0 {
			return
		}
		for _, c := range u.compares {
			p.at(c.instr, s, "%s compares cpu_id with the load at %s, but its data is that of the CPU loaded at %s: the thread may migrate between the two loads",
				s.Name, p.where(p.firstLoad(compared)), p.where(p.firstLoad(index)))
		}
	})

var retryWithoutReload = cpuCheck("retry-without-reload",
	"A retry, after cpu_id turned out to be another than the CPU's number loaded before, that doesn't load that "+
		"number again. Once the thread has migrated, the comparison fails for ever.",
	func(p *pass, s *section, u *idUse) {
		for _, c := range u.compares {
			if c.other.kind != field {
				continue
			}
			source := p.firstLoad(c.other.from)
			if to := p.mismatch(c); to >= 0 && !s.contains(to) && p.leads(to, s.start, source) {
				p.at(c.instr, s, "%s is retried without loading the CPU's number at %s again: once the thread has migrated, cpu_id differs for ever", s.Name, p.where(source))
			}
		}
	})

// mismatch returns where control goes if the compared values differ, or -1.
func (p *pass) mismatch(c compare) int {
	next := p.graph.next[c.instr]
	cond := c.op.Code
	if cond == ir.Sub {
		// cmp decides nothing: look for the branch, in the bundle or next.
		last := lastOp(p.im, c.instr)
		if last.Code != ir.Br {
			if next[0] < 0 {
				return -1
			}
			last, next = lastOp(p.im, int(next[0])), p.graph.next[next[0]]
		}
		switch {
		case last.Code == ir.Br && last.Cond == ir.Ne:
			cond = ir.Bne
		case last.Code == ir.Br && last.Cond == ir.Eq:
			cond = ir.Beq
		}
	}
	switch cond {
	case ir.Bne:
		return int(next[1])
	case ir.Beq:
		return int(next[0])
	}
	return -1
}

// leads reports whether control goes from one instruction to another without a
// choice on the way, and without passing a third.
func (p *pass) leads(from, to, without int) bool {
	for range maxWalk {
		switch {
		case from == to:
			return true
		case from < 0 || from == without || lastOp(p.im, from).Code == ir.Call:
			return false
		}
		from = p.graph.only(from)
	}
	return false
}

var unscaledIndex = newCheck("unscaled-index",
	"An address of per-CPU data with the CPU's number itself added, not shifted by percpu_shift. The areas of the "+
		"CPUs are 1<<percpu_shift bytes apart; as it is, all of them share the first one's.",
	func(p *pass) {
		for i := range p.im.Instrs {
			for _, e := range p.flow.exec(i) {
				id, data := e.a, e.b
				switch {
				case e.op.Code == ir.Add && id.kind == number:
					id, data = data, id
				case e.op.Code == ir.Add:
				case e.op.Mem != ir.NoMem:
					id, data = e.base, num(e.op.Mem.Disp)
				default:
					continue
				}
				if id.kind == field && data.kind == number && data.n >= int64(ir.PerCPUBase) && data.n < int64(ir.ThreadBase) {
					name, _ := idAt(id.n)
					p.at(i, p.graph.of[i], "an address of per-CPU data with %s itself added: the areas of the CPUs are 1<<percpu_shift bytes apart", name)
				}
			}
		}
	})
