package report

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// names gives numbers the names that the program has for them.
type names struct {
	im *ir.Image
}

func namesOf(im *ir.Image) names { return names{im} }

// value prints a number: an address of the program by its name, an errno by
// its, a small number in decimal.
func (n names) value(v uint64) string {
	a := ir.Addr(v)
	switch {
	case v < 4096:
		return fmt.Sprint(v)
	case v >= 1<<63:
		if e, ok := abi.ErrnoOf(v); ok {
			return "-" + e.String()
		}
		if int64(v) > -4096 {
			return fmt.Sprint(int64(v))
		}
	case a >= ir.CodeBase && a < ir.RodataBase && n.im.Index(a) >= 0:
		return n.im.Where(a)
	case a >= ir.RodataBase && a < ir.StackBase:
		return n.im.DataName(a)
	}
	return fmt.Sprintf("%#x", v)
}

// halves reports whether the two halves of the word at a are variables of their
// own, as the fields of struct rseq are.
func (n names) halves(im *ir.Image, a ir.Addr) bool {
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
