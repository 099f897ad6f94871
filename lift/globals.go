package lift

import (
	"errors"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// RISC-V's linker shortens the way to variables that are near the address in gp,
// which the start-up code sets once, from the symbol __global_pointer$.

// globals returns an instruction with what it finds through gp as an address of
// the program. Who builds with a shadow call stack has another use for gp, and who
// strips a file leaves nobody a way to know it: the error says so.
func (c *collector) globals(in isa.Instr) (isa.Instr, error) {
	reg := c.arch.globals
	if reg == ir.None || !uses(&in.IR, reg) {
		return in, nil
	}
	gp, ok := c.o.Lookup("__global_pointer$")
	if !ok || gp.Extern {
		return in, errors.New("it uses gp, and the file has no symbol __global_pointer$ that says what is there")
	}
	out := in
	out.Refs = append([]isa.Ref(nil), in.Refs...)
	for i := range out.IR.Micro() {
		op := &out.IR.Ops[i]
		if op.Mem.Base == reg && op.Mem.Index == ir.None {
			op.Mem.Base, op.Mem.Disp = ir.None, op.Mem.Disp+int64(gp.Addr)
			out.Refs = append(out.Refs, isa.Ref{Op: i, Mem: true})
		}
		if op.A != reg || op.B != ir.None || op.Flags != ir.NoFlags || op.Dst == reg {
			continue
		}
		switch {
		case op.Code == ir.Mov:
			*op = ir.MovImm(op.Dst, int64(gp.Addr))
		case op.Code == ir.Add && op.Width == ir.W8:
			*op = ir.MovImm(op.Dst, op.Imm+int64(gp.Addr))
		default:
			continue
		}
		out.Refs = append(out.Refs, isa.Ref{Op: i})
	}
	if uses(&out.IR, reg) {
		return in, errors.New("it uses gp in a way that isn't followed")
	}
	return out, nil
}

// uses reports whether an instruction reads or writes a register.
func uses(in *ir.Instr, r ir.Reg) bool {
	for i := range in.Micro() {
		op := &in.Ops[i]
		if (op.Reads()|op.Writes())&ir.RegsOf(r) != 0 {
			return true
		}
	}
	return false
}
