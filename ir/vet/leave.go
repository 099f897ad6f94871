package vet

import "github.com/rseqemu/rseqemu/ir"

// leaving makes a check for one kind of instruction inside of sections.
func leaving(id, doc string, code ir.Opcode, why string) check {
	return newCheck(id, doc, func(p *pass) {
		for i, s := range p.graph.of {
			if s != nil && lastOp(p.im, i).Code == code {
				p.at(i, s, "%s", s.Name+" "+why)
			}
		}
	})
}

var syscallInSection = leaving("syscall-in-section",
	"A system call inside a section. Kernels up to 6.18 abort when it blocks; later ones don't, and the section "+
		"commits although another thread has run in between. A kernel that is being debugged kills the thread.",
	ir.Syscall, "makes a system call: from Linux 6.19 on one that blocks aborts nothing, so that others run in the middle of the section, and a kernel that is being debugged kills the thread")

var callInSection = leaving("call-in-section",
	"A call inside a section. What is called lies outside: interrupted there, the kernel clears rseq_cs, and the "+
		"rest of the section runs without protection after the return.",
	ir.Call, "calls a function: the kernel clears rseq_cs if it interrupts outside of the section, and what follows the call then runs unprotected")

var retInSection = leaving("ret-in-section",
	"A ret inside a section. An interruption at the ret itself restarts an operation that is finished; leave by a "+
		"branch to code behind post_commit_ip and return there.",
	ir.Ret, "returns from its middle: an interruption at the ret restarts an operation that is already finished; a way out goes to code outside first")

var indirectJumpInSection = leaving("indirect-jump-in-section",
	"A jump to a register inside a section. Neither a reader nor a tool can tell whether it stays inside, where "+
		"the kernel restarts, or leaves.",
	ir.Jmpr, "jumps to a register: whether it stays where the kernel restarts it can't be told")

var trapInSection = leaving("trap-in-section",
	"A trap inside a section. The signal that it raises aborts the section first, so that its handler sees abort_ip "+
		"as the place of the fault.",
	ir.Trap, "raises a trap: delivering the signal aborts the section first, and the handler sees abort_ip as the place of the fault")

var jumpIntoSection = newCheck("jump-into-section",
	"A way into the middle of a section from outside: a branch, a function that begins there, or the abort_ip of "+
		"another section. rseq_cs holds its descriptor only by the store before start_ip; after an interruption "+
		"outside it holds none.",
	func(p *pass) {
		for i := range p.im.Instrs {
			last := lastOp(p.im, i)
			if !last.Branches() || last.Target == "" {
				continue
			}
			if s := p.middle(p.im.Index(last.TargetIP)); s != nil && p.graph.of[i] != s {
				p.at(i, s, "a jump into the middle of %s, past the store to rseq_cs before start_ip: if the kernel has cleared rseq_cs since, nothing is restarted", s.Name)
			}
		}
		for _, f := range p.im.Funcs {
			if i := p.im.Index(f.Entry); i >= 0 && f.End > f.Entry {
				if s := p.middle(i); s != nil {
					p.at(i, s, "%s begins in the middle of %s, which nobody has armed when it is called", f.Name, s.Name)
				}
			}
		}
		for _, from := range p.all {
			if s := p.middle(from.abort); s != nil && from != s && !from.sameRange(s) {
				p.on(from, "abort_ip of %s lies in the middle of %s, and the abort has cleared rseq_cs: the kernel doesn't restart that section", from.Name, s.Name)
			}
		}
	})

// middle returns the section that has instruction i inside, but not as its
// first, or nil.
func (p *pass) middle(i int) *section {
	if i < 0 || p.graph.of[i] == nil || p.graph.of[i].start == i {
		return nil
	}
	return p.graph.of[i]
}
