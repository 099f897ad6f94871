package vet

import (
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

var kernelFieldWritten = newCheck("kernel-field-written",
	"A store to cpu_id_start, cpu_id, node_id or mm_cid. The kernel owns them: from Linux 7.0.13 on, and with an "+
		"area longer than 32 bytes, it compares them with what it wrote last and kills the thread if they differ. "+
		"Programs that say `register legacy`, `register none` or which `kernels` they are for are left alone.",
	func(p *pass) {
		if setup := &p.im.Prog.Setup; setup.Register != ir.RegisterFull || p.choosesKernels() {
			return
		}
		for i := range p.im.Instrs {
			for _, e := range p.flow.exec(i) {
				if e.op.Stores() && e.reached && e.addr.atID(e.op.Width) {
					p.at(i, p.graph.of[i], "a store to %s, which the kernel owns: it kills a thread that has changed it, with a registration longer than 32 bytes", idName(e.addr, e.op.Width))
				}
			}
		}
	})

// idName names the first id that w bytes at v touch.
func idName(v value, w ir.Width) string {
	for _, id := range ids {
		if v.overlaps(w, id.off, id.off+4) {
			return id.name
		}
	}
	return "an id"
}

// choosesKernels reports whether the program says which kernels it is for.
// Patterns that only exclude some choose none.
func (p *pass) choosesKernels() bool {
	for _, pattern := range p.im.Prog.Setup.Kernels {
		if !strings.HasPrefix(pattern, "!") {
			return true
		}
	}
	return false
}
