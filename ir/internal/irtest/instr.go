package irtest

import (
	"math"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"pgregory.net/rapid"
)

// Names are what an instruction may refer to.
type Names struct {
	Values []string // for immediates and displacements
	Labels []string // to branch to
	Funcs  []string // to call
}

var (
	regs   = rapid.Custom(func(t *rapid.T) ir.Reg { return ir.R(rapid.IntRange(0, 31).Draw(t, "reg")) })
	source = rapid.OneOf(regs, rapid.Just(ir.TP))
	widths = rapid.SampledFrom([]ir.Width{ir.W1, ir.W2, ir.W4, ir.W8})
	conds  = rapid.Uint8Range(uint8(ir.Eq), uint8(ir.Pl))

	// Number draws numbers with a weight on the ends of the ranges.
	number = rapid.OneOf(
		rapid.Int64Range(-16, 16),
		rapid.Int64(),
		rapid.SampledFrom([]int64{
			math.MinInt64, math.MinInt64 + 1, math.MinInt32 - 1, math.MinInt32, math.MaxInt32, math.MaxUint32, math.MaxInt64,
			4095, 4096, 1000000, 0x53053053,
		}),
	)
)

// Instr draws an instruction that refers to the names.
func Instr(names Names) *rapid.Generator[ir.Instr] {
	return rapid.Custom(func(t *rapid.T) ir.Instr {
		g := gen{T: t, names: names}
		n := rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "micro-ops")
		ops := make([]ir.Op, n)
		access := false
		for i := range ops {
			ops[i] = g.op(n > 1, i == n-1)
			access = access || ops[i].Loads() || ops[i].Stores()
			if ops[i].Dst.Temp() {
				g.temps = append(g.temps, ops[i].Dst)
			}
		}
		in := ir.NewInstr(ops...)
		in.Locked = access && g.chance(8)
		if g.chance(6) {
			in = in.Sized(rapid.Uint8Range(1, ir.MaxSize).Draw(t, "size"))
		}
		return in
	})
}

// gen draws the parts of an instruction.
type gen struct {
	*rapid.T
	names Names
	temps []ir.Reg // that the bundle has written
}

func (g gen) chance(n int) bool { return rapid.IntRange(0, n-1).Draw(g.T, "chance") == 0 }

// src draws a register to read.
func (g gen) src() ir.Reg {
	if len(g.temps) > 0 && g.chance(2) {
		return rapid.SampledFrom(g.temps).Draw(g.T, "temp")
	}
	return source.Draw(g.T, "source")
}

// dst draws a register to write.
func (g gen) dst(bundle bool) ir.Reg {
	if bundle && g.chance(2) {
		return rapid.SampledFrom([]ir.Reg{ir.T0, ir.T1}).Draw(g.T, "temp")
	}
	return regs.Draw(g.T, "dst")
}

// both draws a register that is read and written.
func (g gen) both() ir.Reg {
	if len(g.temps) > 0 && g.chance(2) {
		return rapid.SampledFrom(g.temps).Draw(g.T, "temp")
	}
	return regs.Draw(g.T, "dst")
}

func (g gen) value() ir.Value { return value(g.T, g.names.Values) }

// value draws a value from the symbols.
func value(t *rapid.T, symbols []string) ir.Value {
	v := ir.Value{}
	if len(symbols) > 0 && rapid.Bool().Draw(t, "symbolic") {
		v.Sym = rapid.SampledFrom(symbols).Draw(t, "symbol")
		if rapid.Bool().Draw(t, "plain") || v.Sym[0] == '-' {
			return v
		}
	}
	v.Off = number.Draw(t, "offset")
	return v
}

// mem draws a memory operand.
func (g gen) mem() ir.Mem {
	m := ir.NoMem
	if !g.chance(4) {
		m.Base = g.src()
	}
	if g.chance(3) {
		m.Index = g.src()
		m.Scale = rapid.Uint8Range(0, 3).Draw(g.T, "scale")
	}
	v := g.value()
	if v.Sym == "" || v.Sym[0] != '-' {
		m.Sym, m.Disp = v.Sym, v.Off
	}
	return m
}

// op draws a micro-op of a bundle, or one that is an instruction of its own.
// Only the last may end the instruction.
func (g gen) op(bundle, last bool) ir.Op {
	w := widths.Draw(g.T, "width")
	makers := []func() ir.Op{
		func() ir.Op { return g.arithmetic(bundle).W(w) },
		func() ir.Op { return g.arithmetic(bundle).W(w) },
		func() ir.Op { return g.move(bundle).W(w) },
		func() ir.Op { return g.extend(bundle) },
		func() ir.Op { return g.load(w, bundle) },
		func() ir.Op { return g.load(w, bundle) },
		func() ir.Op { return g.store(w) },
		func() ir.Op { return g.store(w) },
		func() ir.Op { return g.flags(w, bundle) },
		func() ir.Op { return g.atomic(w, bundle) },
		func() ir.Op { return g.plain() },
	}
	if last {
		makers = append(makers, g.ending, g.ending, func() ir.Op { return g.branch(w) })
	}
	return rapid.SampledFrom(makers).Draw(g.T, "kind")()
}

func (g gen) arithmetic(bundle bool) ir.Op {
	o := ir.NewOp(ir.Opcode(rapid.IntRange(int(ir.Add), int(ir.Sar)).Draw(g.T, "code")))
	o.Dst, o.A = g.dst(bundle), g.src()
	switch {
	case g.chance(3):
		o = o.S()
		if (o.Code == ir.Sub || o.Code == ir.And) && g.chance(2) {
			o.Dst = ir.None // cmp, tst
		}
	case (o.Code == ir.Add || o.Code == ir.Sub) && g.chance(3):
		o = o.SK()
	}
	g.last(&o, &o.B)
	return o
}

// last draws the last source of o: a register or an immediate.
func (g gen) last(o *ir.Op, r *ir.Reg) {
	if g.chance(2) {
		*r = g.src()
		return
	}
	v := g.value()
	o.Sym, o.Imm = v.Sym, v.Off
}

func (g gen) move(bundle bool) ir.Op {
	o := ir.NewOp(ir.Mov)
	o.Dst = g.dst(bundle)
	g.last(&o, &o.A)
	return o
}

func (g gen) extend(bundle bool) ir.Op {
	w := rapid.SampledFrom([]ir.Width{ir.W1, ir.W2, ir.W4}).Draw(g.T, "width")
	switch rapid.IntRange(0, 2).Draw(g.T, "extension") {
	case 0:
		return ir.ZextReg(w, g.dst(bundle), g.src())
	case 1:
		return ir.SextReg(w, g.dst(bundle), g.src())
	}
	return ir.InsReg(w, g.both(), g.src())
}

func (g gen) load(w ir.Width, bundle bool) ir.Op {
	switch rapid.IntRange(0, 3).Draw(g.T, "load") {
	case 0:
		return ir.Lea(g.dst(bundle), g.mem())
	case 1:
		return ir.Load(w, g.dst(bundle), g.mem()).Acq()
	}
	return ir.Load(w, g.dst(bundle), g.mem())
}

func (g gen) store(w ir.Width) ir.Op {
	o := ir.NewOp(ir.St).W(w)
	o.Mem = g.mem()
	g.last(&o, &o.A)
	if g.chance(4) {
		o = o.Rel()
	}
	return o
}

func (g gen) flags(w ir.Width, bundle bool) ir.Op {
	switch rapid.IntRange(0, 2).Draw(g.T, "flags") {
	case 0:
		o := ir.NewOp(ir.Bit).W(w)
		o.A = g.src()
		g.last(&o, &o.B)
		return o
	case 1:
		return ir.Select(ir.Cond(conds.Draw(g.T, "cond")), g.dst(bundle), g.src(), g.src())
	}
	return ir.NewOp(ir.Flipc)
}

func (g gen) atomic(w ir.Width, bundle bool) ir.Op {
	switch rapid.IntRange(0, 4).Draw(g.T, "atomic") {
	case 0:
		return ir.FetchAdd(w, g.dst(bundle), g.mem(), g.src())
	case 1:
		return ir.Exchange(w, g.dst(bundle), g.mem(), g.src())
	case 2:
		return ir.CompareExchange(w, g.both(), g.mem(), g.src())
	case 3:
		o := ir.LoadLinked(w, g.dst(bundle), g.mem())
		if g.chance(2) {
			o = o.Acq()
		}
		return o
	}
	o := ir.StoreConditional(w, g.dst(bundle), g.mem(), g.src())
	if g.chance(2) {
		o = o.Rel()
	}
	return o
}

func (g gen) plain() ir.Op {
	return rapid.SampledFrom([]ir.Op{
		ir.NewOp(ir.Nop), ir.Barrier(ir.FenceFull), ir.Barrier(ir.FenceW), ir.Barrier(ir.FenceR),
	}).Draw(g.T, "op")
}

// branch draws a branch to a label, or a return if there is none.
func (g gen) branch(w ir.Width) ir.Op {
	if len(g.names.Labels) == 0 {
		return ir.Return()
	}
	label := rapid.SampledFrom(g.names.Labels).Draw(g.T, "label")
	switch rapid.IntRange(0, 2).Draw(g.T, "branch") {
	case 0:
		return ir.Jump(label)
	case 1:
		return ir.Branch(ir.Cond(conds.Draw(g.T, "cond")), label)
	}
	o := ir.BranchEq(w, g.src(), ir.None, label)
	if g.chance(2) {
		o = ir.BranchNe(w, g.src(), ir.None, label)
	}
	g.last(&o, &o.B)
	return o
}

// ending draws what else ends an instruction.
func (g gen) ending() ir.Op {
	switch rapid.IntRange(0, 5).Draw(g.T, "ending") {
	case 0:
		if len(g.names.Funcs) > 0 {
			return ir.CallFunc(rapid.SampledFrom(g.names.Funcs).Draw(g.T, "function"))
		}
	case 1:
		return ir.Sys(rapid.SampledFrom(abi.Syscalls()).Draw(g.T, "call"))
	case 2:
		return ir.SysNr()
	case 3:
		return ir.Fault(int64(rapid.IntRange(ir.TrapUD, ir.TrapBrk).Draw(g.T, "trap")))
	case 4:
		return ir.JumpReg(g.src())
	}
	return ir.Return()
}
