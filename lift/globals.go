package lift

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// RISC-V's linker shortens the way to variables that are near the address in gp,
// which the start-up code sets once, from the symbol __global_pointer$.

// globals returns an instruction with what it finds through gp as an address of
// the program.
func (c *collector) globals(in isa.Instr) isa.Instr {
	gp, ok := c.o.Lookup("__global_pointer$")
	if c.arch.globals == ir.None || !ok || gp.Extern {
		return in
	}
	out := in
	out.Refs = append([]isa.Ref(nil), in.Refs...)
	for i := range out.IR.Micro() {
		op := &out.IR.Ops[i]
		if op.Mem.Base == c.arch.globals && op.Mem.Index == ir.None {
			op.Mem.Base, op.Mem.Disp = ir.None, op.Mem.Disp+int64(gp.Addr)
			out.Refs = append(out.Refs, isa.Ref{Op: i, Mem: true})
		}
		if op.A != c.arch.globals || op.B != ir.None || op.Flags != ir.NoFlags {
			continue
		}
		switch op.Code {
		case ir.Mov:
			*op = ir.MovImm(op.Dst, int64(gp.Addr))
		case ir.Add:
			*op = ir.MovImm(op.Dst, op.Imm+int64(gp.Addr))
		default:
			continue
		}
		out.Refs = append(out.Refs, isa.Ref{Op: i})
	}
	return out
}
