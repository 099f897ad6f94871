package report

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// halves reports whether the two halves of the word at a are variables of their
// own, as the fields of struct rseq are.
func halves(im *ir.Image, a ir.Addr) bool {
	if a >= ir.ThreadBase && a < ir.StackBase {
		off := uint64(a-ir.ThreadBase)%im.ThreadStride - im.ThreadBefore
		return off < ir.RSeqSpace && off != abi.OffRSeqCS
	}
	for i := range im.Prog.Data {
		if d := &im.Prog.Data[i]; d.Width == 4 {
			if off := a - im.Symbols[d.Name]; off < ir.Addr(4*d.Count) {
				return true
			}
		}
	}
	return false
}

func syscallNote(e emu.Event) string {
	if e.Kind == emu.EvSyscall {
		return fmt.Sprintf("system call %s", abi.Syscall(e.A))
	}
	if errno, ok := abi.ErrnoOf(e.A); ok {
		return fmt.Sprintf("%s returns -%s", abi.Syscall(e.B), errno)
	}
	return fmt.Sprintf("%s returns %d", abi.Syscall(e.B), int64(e.A))
}
