package vet

import (
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// armedSet is the set of what rseq_cs may hold, and why.
type armedSet uint64

const (
	armedEntry   armedSet = 1 << iota // nothing has been stored since the operation began
	armedAborted                      // 0, which the kernel stored when it aborted a section
	armedLapsed                       // 0, which the kernel stored when it found the ip outside of the armed section
	armedNone                         // 0 or a number that is no descriptor, which the program stored
	armedUnknown                      // what can't be told

	firstDescriptor = 5 // the bit of the image's first descriptor
)

const noDescriptor = armedEntry | armedAborted | armedLapsed | armedNone | armedUnknown

// armedBit returns the set that holds the descriptor alone; those with a high
// number count as unknown.
func armedBit(s *section) armedSet {
	if s.index >= 64-firstDescriptor {
		return armedUnknown
	}
	return 1 << (firstDescriptor + s.index)
}

// descriptors calls yield for every descriptor in the set.
func (a armedSet) descriptors(f *flow, yield func(*section)) {
	if a&^noDescriptor == 0 {
		return
	}
	for i, placed := range f.im.Sections {
		if i >= 64-firstDescriptor {
			return
		}
		if s := f.descriptors[int64(placed.Addr)]; a&armedBit(s) != 0 {
			yield(s)
		}
	}
}

// outside reports whether a section that may be armed doesn't hold
// instruction i.
func (a armedSet) outside(f *flow, i int) (outside bool) {
	a.descriptors(f, func(s *section) {
		outside = outside || !s.CS.Contains(uint64(f.im.Addrs[i]))
	})
	return outside
}

// arm returns what rseq_cs may hold after a store. A descriptor's address goes
// to rseq_cs wherever it goes, since struct rseq may be elsewhere than at tp:
// there is no other use for one.
func (f *flow) arm(a armedSet, e event) armedSet {
	w := e.op.Width
	s := f.descriptors[e.a.n]
	isDescriptor := s != nil && e.a.kind == number && w.Bytes() == 8
	var to armedSet
	switch {
	case e.addr.kind == thread && e.addr.n == abi.OffRSeqCS && w.Bytes() == 8:
		switch {
		case isDescriptor:
			to = armedBit(s)
		case e.a.kind == number:
			to = armedNone
		default:
			to = armedUnknown
		}
	case e.addr.overlaps(w, abi.OffRSeqCS, abi.OffFlags):
		to = armedUnknown
	case isDescriptor:
		to = armedBit(s)
	case e.addr.kind == nearTP:
		return a | armedUnknown
	default:
		return a
	}
	if e.op.Code == ir.Sc || e.op.Code == ir.Cmpxchg {
		return a | to // which may not store
	}
	return to
}

// arms reports whether the micro-op stores the section's descriptor to
// rseq_cs.
func (f *flow) arms(s *section, e event) bool {
	return e.op.Stores() && f.arm(0, e) == armedBit(s)
}

// toRSeqCS reports whether the micro-op stores to rseq_cs, which is no store
// of the program's data.
func toRSeqCS(f *flow, e event) bool {
	if e.addr.kind == thread {
		return e.addr.n >= abi.OffRSeqCS && e.addr.n < abi.OffFlags
	}
	return e.a.kind == number && f.descriptors[e.a.n] != nil && e.op.Width.Bytes() == 8
}

var neverArmed = newCheck("never-armed",
	"A descriptor that no instruction stores to rseq_cs. The kernel restarts a section only if rseq_cs holds "+
		"its descriptor at the interruption; without the store nothing is ever restarted.",
	func(p *pass) {
		other := map[*section]bool{} // those that armed-for-other has
		p.unarmed(func(s *section, _ int, a armedSet) {
			other[s] = p.otherThan(s, a) != nil
		})
		for _, s := range p.all {
			if p.neverArmed(s) && !other[s] {
				p.on(s, "no instruction stores %s to rseq_cs, so the kernel never restarts the section: it only looks at the descriptor that rseq_cs holds", s.Name)
			}
		}
	})

var notArmed = newCheck("not-armed",
	"A way into a section on which rseq_cs doesn't hold its descriptor: nothing was stored, or the kernel "+
		"cleared it when it aborted the section. On every way, a retry too, the descriptor must be stored again.",
	func(p *pass) {
		ways := []struct {
			bit  armedSet
			text string
		}{
			{armedAborted, "after an abort, which clears rseq_cs"},
			{armedEntry, "from the beginning of the function"},
			{armedNone, "after rseq_cs was cleared"},
		}
		p.unarmed(func(s *section, i int, a armedSet) {
			var why []string
			for _, w := range ways {
				if a&w.bit != 0 {
					why = append(why, w.text)
				}
			}
			if len(why) > 0 && !p.neverArmed(s) {
				p.at(i, s, "%s is entered without storing its descriptor to rseq_cs %s: the kernel doesn't restart a section that rseq_cs doesn't name",
					s.Name, strings.Join(why, " and "))
			}
		})
	})

var armedTooEarly = newCheck("armed-too-early",
	"Instructions between the store to rseq_cs and start_ip. An interruption there finds the ip outside of the "+
		"section and clears rseq_cs, and the section then runs without protection. The store must be the last "+
		"instruction before start_ip, or stand inside.",
	func(p *pass) {
		p.unarmed(func(s *section, i int, a armedSet) {
			// Where nothing was stored at all, not-armed says more.
			if a&armedLapsed != 0 && a&armedBit(s) != 0 && a&(armedEntry|armedAborted|armedNone) == 0 {
				p.at(i, s, "the store of %s to rseq_cs isn't directly before start_ip: the kernel clears rseq_cs if it interrupts in between, outside of the section, which then runs unprotected", s.Name)
			}
		})
	})

var armedForOther = newCheck("armed-for-other",
	"A section that is entered while rseq_cs holds the descriptor of another one. The kernel compares the ip with "+
		"that one's range and finds it outside, so it clears rseq_cs instead of restarting.",
	func(p *pass) {
		p.unarmed(func(s *section, i int, a armedSet) {
			if other := p.otherThan(s, a); other != nil {
				p.at(i, s, "%s is entered with %s in rseq_cs: the kernel finds the ip outside of that section's range and restarts nothing", s.Name, other.Name)
			}
		})
	})

// neverArmed reports whether nothing can have stored the descriptor.
func (p *pass) neverArmed(s *section) bool { return !p.flow.armed[s] && !p.flow.hidesArming() }

// unarmed calls report with the first place at which a section needs to be
// armed and may not be, and with all that rseq_cs may hold there. That is
// start_ip; if the section arms itself, the first access to memory.
func (p *pass) unarmed(report func(s *section, i int, a armedSet)) {
	for _, s := range p.sections {
		itself := p.armsItself(s)
		for i := s.lo; i < s.hi; i++ {
			st := &p.flow.before[i]
			needed := i == s.start
			if itself {
				needed = p.accessesBeforeArming(s, i)
			}
			if needed && st.reached && st.armed&^(armedUnknown|armedBit(s)) != 0 {
				report(s, i, st.armed)
				break
			}
		}
	}
}

// armsItself reports whether the section stores its own descriptor.
func (p *pass) armsItself(s *section) bool {
	for i := s.lo; i < s.hi; i++ {
		for _, e := range p.flow.exec(i) {
			if p.flow.arms(s, e) {
				return true
			}
		}
	}
	return false
}

// accessesBeforeArming reports whether instruction i goes to memory, and not to
// arm the section.
func (p *pass) accessesBeforeArming(s *section, i int) bool {
	for _, e := range p.flow.exec(i) {
		if p.flow.arms(s, e) {
			return false
		}
		if e.op.Loads() || e.op.Stores() {
			return true
		}
	}
	return false
}

// otherThan returns a descriptor in the set that isn't for the code at the
// section's start_ip, or nil.
func (p *pass) otherThan(s *section, a armedSet) (other *section) {
	a.descriptors(p.flow, func(o *section) {
		if o != s && other == nil && !o.CS.Contains(s.CS.StartIP) {
			other = o
		}
	})
	return other
}
