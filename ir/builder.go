package ir

import "github.com/rseqemu/rseqemu/abi"

// Constructors of micro-ops, so that a program in Go reads like one in text:
//
//	Load(W4, R2, At(TP, "cpu_id_start"))     ld.4 r2, [tp + cpu_id_start]
//	Add.Imm(R4, R4, 1).S()                   adds r4, r4, 1
//	BranchNe(W4, R4, R2, "abort")            bne.4 r4, r2, abort
//
// They check nothing: [Instr.Validate], which [Link] calls, does.

// Sym returns a symbol as a value: the address of data, of a function or of a
// descriptor, a constant.
func Sym(name string) Value { return Value{Sym: name} }

// Num returns a number as a value.
func Num(n int64) Value { return Value{Off: n} }

// Plus returns the value n further on.
func (v Value) Plus(n int64) Value {
	v.Off += n
	return v
}

// At returns the operand [base + sym].
func At(base Reg, sym string) Mem { return Mem{Base: base, Index: None, Sym: sym} }

// Off returns the operand [base + disp].
func Off(base Reg, disp int64) Mem { return Mem{Base: base, Index: None, Disp: disp} }

// Abs returns the operand [sym].
func Abs(sym string) Mem { return Mem{Base: None, Index: None, Sym: sym} }

// Indexed returns the operand with index<<scale added.
func (m Mem) Indexed(index Reg, scale uint8) Mem {
	m.Index, m.Scale = index, scale
	return m
}

// Plus returns the operand with disp added.
func (m Mem) Plus(disp int64) Mem {
	m.Disp += disp
	return m
}

// Reg returns dst := a op b, for the arithmetic opcodes Add to Sar.
func (c Opcode) Reg(dst, a, b Reg) Op { return make3(c, dst, a, b) }

// Imm returns dst := a op n, for the arithmetic opcodes Add to Sar.
func (c Opcode) Imm(dst, a Reg, n int64) Op { return make3(c, dst, a, None).value(Num(n)) }

// Sym returns dst := a op sym, for the arithmetic opcodes Add to Sar.
func (c Opcode) Sym(dst, a Reg, sym string) Op { return make3(c, dst, a, None).value(Sym(sym)) }

// MovReg returns dst := a.
func MovReg(dst, a Reg) Op { return make3(Mov, dst, a, None) }

// MovImm returns dst := n.
func MovImm(dst Reg, n int64) Op { return MovVal(dst, Num(n)) }

// MovSym returns dst := sym.
func MovSym(dst Reg, sym string) Op { return MovVal(dst, Sym(sym)) }

// MovVal returns dst := v.
func MovVal(dst Reg, v Value) Op { return make3(Mov, dst, None, None).value(v) }

// CmpReg sets the flags of a - b.
func CmpReg(a, b Reg) Op { return Sub.Reg(None, a, b).S() }

// CmpImm sets the flags of a - n.
func CmpImm(a Reg, n int64) Op { return Sub.Imm(None, a, n).S() }

// TstReg sets the flags of a & b.
func TstReg(a, b Reg) Op { return And.Reg(None, a, b).S() }

// TstImm sets the flags of a & n.
func TstImm(a Reg, n int64) Op { return And.Imm(None, a, n).S() }

// ZextReg returns dst := the low w bytes of a, zero-extended.
func ZextReg(w Width, dst, a Reg) Op { return make3(Zext, dst, a, None).W(w) }

// SextReg returns dst := the low w bytes of a, sign-extended.
func SextReg(w Width, dst, a Reg) Op { return make3(Sext, dst, a, None).W(w) }

// InsReg replaces the low w bytes of dst by those of a.
func InsReg(w Width, dst, a Reg) Op { return make3(Ins, dst, a, None).W(w) }

// Load returns dst := [m].
func Load(w Width, dst Reg, m Mem) Op { return make3(Ld, dst, None, None).mem(m).W(w) }

// Store returns [m] := a.
func Store(w Width, m Mem, a Reg) Op { return make3(St, None, a, None).mem(m).W(w) }

// StoreImm returns [m] := n.
func StoreImm(w Width, m Mem, n int64) Op { return NewOp(St).mem(m).value(Num(n)).W(w) }

// StoreVal returns [m] := v.
func StoreVal(w Width, m Mem, v Value) Op { return NewOp(St).mem(m).value(v).W(w) }

// Lea returns dst := the address of m.
func Lea(dst Reg, m Mem) Op { return make3(La, dst, None, None).mem(m) }

// BitReg returns C := bit b of a.
func BitReg(a, b Reg) Op { return make3(Bit, None, a, b) }

// BitImm returns C := bit n of a.
func BitImm(a Reg, n int64) Op { return make3(Bit, None, a, None).value(Num(n)) }

// Select returns dst := a if the condition holds, and b if not.
func Select(c Cond, dst, a, b Reg) Op {
	o := make3(Csel, dst, a, b)
	o.Cond = c
	return o
}

// Branch goes to the label if the condition holds.
func Branch(c Cond, label string) Op {
	o := NewOp(Br).to(label)
	o.Cond = c
	return o
}

// BranchEq goes to the label if a == b.
func BranchEq(w Width, a, b Reg, label string) Op { return make3(Beq, None, a, b).to(label).W(w) }

// BranchNe goes to the label if a != b.
func BranchNe(w Width, a, b Reg, label string) Op { return make3(Bne, None, a, b).to(label).W(w) }

// BranchEqImm goes to the label if a == n.
func BranchEqImm(w Width, a Reg, n int64, label string) Op {
	return make3(Beq, None, a, None).value(Num(n)).to(label).W(w)
}

// BranchNeImm goes to the label if a != n.
func BranchNeImm(w Width, a Reg, n int64, label string) Op {
	return make3(Bne, None, a, None).value(Num(n)).to(label).W(w)
}

// Jump goes to the label.
func Jump(label string) Op { return NewOp(Jmp).to(label) }

// JumpReg goes to the address in a.
func JumpReg(a Reg) Op { return make3(Jmpr, None, a, None) }

// CallFunc calls a function of the program.
func CallFunc(name string) Op { return NewOp(Call).to(name) }

// Return returns to the caller.
func Return() Op { return NewOp(Ret) }

// Barrier returns a fence: FenceFull, FenceW or FenceR.
func Barrier(order Order) Op {
	o := NewOp(Fence)
	o.Order = order
	return o
}

// FetchAdd returns dst := [m]; [m] := dst + a, indivisible.
func FetchAdd(w Width, dst Reg, m Mem, a Reg) Op { return make3(Xadd, dst, a, None).mem(m).W(w) }

// Exchange returns dst := [m]; [m] := a, indivisible.
func Exchange(w Width, dst Reg, m Mem, a Reg) Op { return make3(Xchg, dst, a, None).mem(m).W(w) }

// CompareExchange stores a in [m] if dst is there, indivisible; dst becomes
// what was there, and Z says whether it was equal.
func CompareExchange(w Width, dst Reg, m Mem, a Reg) Op {
	return make3(Cmpxchg, dst, a, None).mem(m).W(w)
}

// LoadLinked returns dst := [m], and reserves it.
func LoadLinked(w Width, dst Reg, m Mem) Op { return make3(Ll, dst, None, None).mem(m).W(w) }

// StoreConditional stores a in [m] if it is still reserved; dst is 0 if so, and
// 1 if not.
func StoreConditional(w Width, dst Reg, m Mem, a Reg) Op {
	return make3(Sc, dst, a, None).mem(m).W(w)
}

// Sys enters the kernel.
func Sys(call abi.Syscall) Op { return NewOp(Syscall).value(Num(int64(call))) }

// SysNr enters the kernel with the number of the call in r8.
func SysNr() Op { return NewOp(Syscall).value(Num(SyscallInR8)) }

// Fault raises a fault: TrapUD or TrapBrk.
func Fault(kind int64) Op { return NewOp(Trap).value(Num(kind)) }

// W returns the micro-op at that width.
func (o Op) W(w Width) Op {
	o.Width = w
	return o
}

// S returns the micro-op setting all flags: adds for add.
func (o Op) S() Op {
	o.Flags = SetFlags
	return o
}

// SK returns the micro-op setting the flags but C: addsk for add.
func (o Op) SK() Op {
	o.Flags = KeepC
	return o
}

// Acq returns the load with acquire order.
func (o Op) Acq() Op {
	o.Order = Acquire
	return o
}

// Rel returns the store with release order.
func (o Op) Rel() Op {
	o.Order = Release
	return o
}

// Sized returns the instruction with the length of its machine code in bytes.
func (in Instr) Sized(n uint8) Instr {
	if in.Size = n; n == InstrSize {
		in.Size = 0
	}
	return in
}

func make3(c Opcode, dst, a, b Reg) Op {
	o := NewOp(c)
	o.Dst, o.A, o.B = dst, a, b
	return o
}

func (o Op) value(v Value) Op {
	o.Sym, o.Imm = v.Sym, v.Off
	return o
}

func (o Op) mem(m Mem) Op {
	o.Mem = m
	return o
}

func (o Op) to(label string) Op {
	o.Target = label
	return o
}
