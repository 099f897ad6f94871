package lint

import (
	"math/bits"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// descriptor looks at a descriptor by itself.
func (l *linter) descriptor(s *section) {
	cs := s.CS
	if cs.Version != 0 {
		l.at(s, "version-not-zero", s.start, "version is %d, and only 0 exists: kernels up to 6.18 kill the thread with SIGSEGV", cs.Version)
	}
	if cs.Flags != 0 {
		l.at(s, "flags-not-zero", s.start, "flags are %#x: kernels from 6.0 to 6.18 kill the thread with SIGSEGV, and later ones restart in spite of them", cs.Flags)
	}
	if s.Addr%abi.RSeqCSAlign != 0 {
		l.at(s, "misaligned-descriptor", s.start, "the descriptor is at %#x, and struct rseq_cs is aligned to %d bytes", uint64(s.Addr), abi.RSeqCSAlign)
	}
	l.checkRange(s)
	l.checkAbort(s)
}

// checkRange looks at start_ip and post_commit_offset. Only if they are good is
// the code looked at.
func (l *linter) checkRange(s *section) {
	cs := s.CS
	in := l.SectionAt(s.start)
	switch {
	case in == nil || !in.Exec:
		l.at(s, "not-an-instruction", s.start, "start_ip is %#x, where no code is", cs.StartIP)
	case cs.PostCommitOffset == 0:
		l.at(s, "post-commit-offset", s.start, "the section is empty: post_commit_offset is 0, and no ip is less than that away from start_ip")
	case s.post < s.start:
		l.at(s, "post-commit-offset", s.start, "start_ip + post_commit_offset (%#x) wraps around, which kernels up to 6.18 answer with SIGSEGV", cs.PostCommitOffset)
	case uint64(s.post-in.Addr) > in.Size:
		l.at(s, "post-commit-offset", s.start, "post_commit_ip is %#x, and %s, in which the section begins, ends at %#x", uint64(s.post), in.Name, uint64(in.Addr)+in.Size)
	default:
		s.code = true
	}
}

// checkAbort looks at abort_ip.
func (l *linter) checkAbort(s *section) {
	cs := s.CS
	in := l.SectionAt(s.abort)
	switch {
	case in == nil || !in.Exec:
		l.at(s, "not-an-instruction", s.start, "abort_ip is %#x, where no code is", cs.AbortIP)
		return
	case s.code && s.contains(s.abort):
		l.at(s, "abort-inside", s.abort, "abort_ip lies inside the section: kernels up to 6.18 kill the thread with SIGSEGV, and later ones continue there without protection")
	}
	b, ok := l.Bytes(s.abort-abi.RSeqSigSize, abi.RSeqSigSize)
	if !ok {
		l.at(s, "wrong-signature", s.abort, "nothing is in the four bytes before abort_ip, where the signature belongs")
		return
	}
	got := l.Arch.ByteOrder().Uint32(b)
	switch want := l.opt.Signature; got {
	case want:
	case bits.ReverseBytes32(want):
		l.at(s, "wrong-signature", s.abort, "before abort_ip is %#08x, the signature in the wrong byte order (%#08x): every kernel kills a thread that it would send there", got, want)
	default:
		l.at(s, "wrong-signature", s.abort, "before abort_ip is %#08x and not the signature %#08x: every kernel kills a thread that it would send there", got, want)
	}
}

// descriptors looks at them with each other, and at the tables of them.
func (l *linter) descriptors() {
	// l.all is in the order of start_ip: who overlaps begins before the last
	// end. A copy is told from the first of its kind.
	var first, longest *section
	for _, s := range l.all {
		if !s.code {
			continue
		}
		switch {
		case first != nil && first.start == s.start && first.post == s.post:
			l.at(s, "duplicate-descriptor", s.start, "the descriptor at %#x is for the same code as the one at %#x", uint64(s.Addr), uint64(first.Addr))
			continue
		case longest != nil && longest.post > s.start:
			l.at(s, "overlapping-sections", s.start, "the section at %s ends behind the beginning of this one: of the instructions in both only those of the one in rseq_cs are restarted", l.spot(longest.start))
		}
		first = s
		if longest == nil || s.post > longest.post {
			longest = s
		}
	}

	if l.PtrArray != nil {
		listed := map[ir.Addr]bool{}
		for _, a := range l.PtrArray {
			listed[a] = true
		}
		inTable := map[ir.Addr]bool{}
		for _, d := range l.CS {
			inTable[d.Addr] = true
		}
		described := map[ir.Addr]bool{}
		for _, s := range l.all {
			described[s.Addr] = true
			if inTable[s.Addr] && !listed[s.Addr] {
				l.at(s, "not-in-pointer-array", s.start, "the descriptor at %#x isn't in __rseq_cs_ptr_array, by which debuggers know that they must not stop inside", uint64(s.Addr))
			}
		}
		for i, a := range l.PtrArray {
			if !described[a] {
				l.report.Findings = append(l.report.Findings, l.finding("stray-pointer", a, "entry %d of __rseq_cs_ptr_array is %#x, where no descriptor is", i, uint64(a)))
			}
		}
	}
	starts := map[ir.Addr]bool{}
	for _, s := range l.all {
		starts[s.start] = true
	}
	for i, e := range l.Exits {
		if !starts[e.Start] {
			l.report.Findings = append(l.report.Findings, l.finding("stray-pointer", e.Start, "entry %d of __rseq_exit_point_array is for a section at %#x, where none begins", i, uint64(e.Start)))
		}
	}
}
