package vet

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

var versionNotZero = newCheck("version-not-zero",
	"A descriptor whose version isn't 0, the only one there is. Kernels up to 6.18 kill the thread; later ones "+
		"look at it only when they are being debugged.",
	func(p *pass) {
		for _, s := range p.all {
			if s.CS.Version != 0 {
				p.on(s, "%s has version %d, and only 0 exists: kernels up to 6.18 kill the thread with SIGSEGV", s.Name, s.CS.Version)
			}
		}
	})

var flagsNotZero = newCheck("flags-not-zero",
	"A descriptor with flags. Only kernels up to 5.x honour the no-restart bits; 6.0 to 6.18 kill the thread, and "+
		"later ones ignore them, so that the section is restarted all the same. Programs that say which `kernels` they "+
		"are for are left alone.",
	func(p *pass) {
		if p.choosesKernels() {
			return
		}
		for _, s := range p.all {
			if s.CS.Flags != 0 {
				p.on(s, "%s has flags %#x: kernels from 6.0 to 6.18 kill the thread with SIGSEGV, and later ones restart in spite of them", s.Name, s.CS.Flags)
			}
		}
	})

var postCommitOffset = newCheck("post-commit-offset",
	"A section that is empty, ends before it begins, wraps around the address space or ends beyond the code. "+
		"Inside is what satisfies ip - start_ip < post_commit_offset as unsigned numbers of 64 bits.",
	func(p *pass) {
		for _, s := range p.all {
			switch rangeFault(p.im, s) {
			case rangeEmpty:
				p.on(s, "%s is empty: post_commit_offset is 0, and no ip is less than that away from start_ip", s.Name)
			case rangeReversed:
				p.on(s, "%s ends before it begins: post_commit_ip lies before start_ip, so that post_commit_offset wraps around, which kernels up to 6.18 answer with SIGSEGV", s.Name)
			case rangeWraps:
				p.on(s, "%s wraps around: start_ip + post_commit_offset overflows, which kernels up to 6.18 answer with SIGSEGV", s.Name)
			case rangeBeyond:
				p.on(s, "%s ends beyond the code: post_commit_ip is %#x, so that the kernel takes what is behind for the section too", s.Name, s.CS.PostCommitIP())
			}
		}
	})

var notAnInstruction = newCheck("not-an-instruction",
	"A start_ip, post_commit_ip or abort_ip at which no instruction begins. The kernel doesn't look: it sends the "+
		"thread to abort_ip, whatever is there.",
	func(p *pass) {
		for _, s := range p.all {
			if s.start < 0 {
				p.on(s, "no instruction begins at start_ip of %s, %#x: the kernel compares addresses, and no thread enters the section there", s.Name, s.CS.StartIP)
			}
			if s.hi > 0 && s.post < 0 && p.splits(s.CS.PostCommitIP()) {
				p.on(s, "post_commit_ip of %s, %#x, is in the middle of an instruction: it is the address of the first instruction behind the commit", s.Name, s.CS.PostCommitIP())
			}
			if s.abort < 0 {
				p.on(s, "no instruction begins at abort_ip of %s, %#x, where the kernel sends a thread that it aborts", s.Name, s.CS.AbortIP)
			}
		}
	})

// splits reports whether the address is inside of an instruction, behind its
// first byte.
func (p *pass) splits(ip uint64) bool {
	i := firstFrom(p.im, ip) - 1
	return i >= 0 && uint64(p.im.Addrs[i])+p.im.Instrs[i].Len() > ip
}

var abortInside = newCheck("abort-inside",
	"An abort_ip inside its own section. Kernels up to 6.18 kill the thread; later ones continue there with "+
		"rseq_cs cleared, in a section that is no longer protected.",
	func(p *pass) {
		for _, s := range p.all {
			switch rangeFault(p.im, s) {
			case rangeReversed, rangeWraps:
				continue // almost everything is inside
			}
			if s.CS.Contains(s.CS.AbortIP) {
				p.on(s, "abort_ip of %s lies inside the section: kernels up to 6.18 kill the thread with SIGSEGV, and later ones continue there without protection", s.Name)
			}
		}
	})

var wrongSignature = newCheck("wrong-signature",
	"An abort_ip without the registered signature in the four bytes before it. Every kernel kills the thread when "+
		"it aborts: the signature proves that nobody but the program chose where it goes.",
	func(p *pass) {
		signatures := placeSignatures(p.im)
		for _, s := range p.all {
			if s.abort < 0 {
				continue // has a finding of its own
			}
			at := ir.Addr(s.CS.AbortIP - abi.RSeqSigSize)
			pos, ok := signatures[at]
			if !ok {
				p.on(s, "there is no signature in the four bytes before abort_ip of %s (%s): every kernel kills a thread that it would send there", s.Name, p.where(s.abort))
				continue
			}
			word := p.im.Arch.ByteOrder().Uint32(p.im.Code[at-ir.CodeBase:])
			if p.im.Prog.Setup.Register == ir.RegisterNone || word == p.im.Arch.Signature() {
				continue // who registers the area chooses the signature
			}
			p.findings = append(p.findings, Finding{
				Check: p.check, Pos: pos, Func: s.Func, Section: s.Name, Addr: at,
				Msg: wrongWord(s, word, p.im.Arch),
			})
		}
	})

// placeSignatures returns the lines of the program's signatures by address.
func placeSignatures(im *ir.Image) map[ir.Addr]ir.Pos {
	places := map[ir.Addr]ir.Pos{}
	at := ir.CodeBase
	for i := range im.Prog.Funcs {
		for _, it := range im.Prog.Funcs[i].Body {
			switch it.Kind {
			case ir.Signature:
				places[at] = it.Notes.Pos
				at += abi.RSeqSigSize
			case ir.Code:
				at += ir.Addr(it.Instr.Len())
			}
		}
	}
	return places
}

var overlappingSections = newCheck("overlapping-sections",
	"Two sections that share instructions. rseq_cs holds one descriptor: in what they share only one of them is "+
		"restarted, and arming the inner one disarms the outer one. What overlaps isn't looked into further.",
	func(p *pass) {
		p.overlaps(func(s, earlier *section) {
			if !s.sameRange(earlier) {
				p.on(s, "%s overlaps %s: rseq_cs holds one descriptor, so a thread in the instructions that they share is protected by one of them only", s.Name, earlier.Name)
			}
		})
	})

var duplicateDescriptor = newCheck("duplicate-descriptor",
	"Two descriptors for the same instructions. Which abort_ip is taken depends on the one that was stored last; "+
		"one section has one descriptor.",
	func(p *pass) {
		p.overlaps(func(s, earlier *section) {
			if s.sameRange(earlier) {
				p.on(s, "%s describes the same instructions as %s: which abort_ip the kernel takes depends on the descriptor that rseq_cs happens to hold", s.Name, earlier.Name)
			}
		})
	})

// overlaps calls report once for every section that shares instructions with
// one that begins no later.
func (p *pass) overlaps(report func(s, earlier *section)) {
	var longest, last *section
	for _, s := range byAddress(p.all) {
		switch {
		case last != nil && s.sameRange(last):
			report(s, last)
		case longest != nil && s.CS.StartIP < longest.CS.PostCommitIP():
			report(s, longest)
		}
		if longest == nil || s.CS.PostCommitIP() > longest.CS.PostCommitIP() {
			longest = s
		}
		last = s
	}
}

func wrongWord(s *section, word uint32, arch abi.Arch) string {
	return fmt.Sprintf("the word before abort_ip of %s is %#x and not the registered signature %#x: every kernel kills a thread that it would send there", s.Name, word, arch.Signature())
}
