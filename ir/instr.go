package ir

// Op is one micro-op: a comparable value, written by name before linking (Sym,
// Target) and by number after it. Unused fields are zero, or None for a
// register, so that equal micro-ops are equal values; the zero Op is Nop only
// together with its None registers, which is why [NewOp] exists.
type Op struct {
	Code  Opcode
	Width Width
	Flags FlagMode
	Cond  Cond
	Order Order
	Dst   Reg
	A     Reg
	B     Reg // None: the operand is Sym + Imm
	Mem   Mem

	// Sym + Imm is the immediate operand: of Mov, of the last source of
	// arithmetic and of compare-and-branch, of St when A is None. Syscall
	// holds the call here, Trap its kind.
	Sym string
	Imm int64

	// Target is the label that a branch or call goes to; linking leaves the
	// name and puts the address into TargetIP.
	Target   string
	TargetIP Addr
}

// Mem is an operand [Base + Index<<Scale + Sym + Disp]. Scale is 0..3.
type Mem struct {
	Base  Reg
	Index Reg
	Scale uint8
	Sym   string
	Disp  int64
}

// NoMem is the Mem of a micro-op that has none.
var NoMem = Mem{Base: None, Index: None}

// NewOp returns a micro-op of that code with every operand absent, at the
// default width if it has one; a fence is a full one.
func NewOp(code Opcode) Op {
	o := Op{Code: code, Dst: None, A: None, B: None, Mem: NoMem}
	if code < numOpcodes {
		o.Width = byCode[code][0].width()
	}
	if code == Fence {
		o.Order = FenceFull
	}
	return o
}

// Loads reports whether the micro-op reads memory.
func (o Op) Loads() bool {
	switch o.Code {
	case Ld, Ll, Xadd, Xchg, Cmpxchg:
		return true
	}
	return false
}

// Stores reports whether the micro-op may write memory.
func (o Op) Stores() bool {
	switch o.Code {
	case St, Sc, Xadd, Xchg, Cmpxchg:
		return true
	}
	return false
}

// Branches reports whether the micro-op may set the instruction pointer
// without the kernel.
func (o Op) Branches() bool {
	switch o.Code {
	case Br, Beq, Bne, Jmp, Jmpr, Call, Ret:
		return true
	}
	return false
}

// MaxOps is the number of micro-ops that one machine instruction of a real
// instruction set needs at the most.
const MaxOps = 3

// Instr is a bundle: one machine instruction, and so one interruption point.
// The kernel takes control only between instructions. Another CPU can see
// between the memory accesses of one that isn't Locked, as it can in the
// middle of x86's add [mem], reg. It is a comparable value.
type Instr struct {
	Ops [MaxOps]Op
	// N is the number of micro-ops in use, 1..MaxOps.
	N uint8
	// Locked makes the whole bundle indivisible for other CPUs as well.
	Locked bool
	// Size is the length of its machine code in bytes; 0 means InstrSize.
	Size uint8
}

// InstrSize is the length in bytes of an instruction that doesn't say.
const InstrSize = 4

// NewInstr returns the bundle of one to three micro-ops.
func NewInstr(ops ...Op) Instr {
	if len(ops) == 0 || len(ops) > MaxOps {
		panic("ir: BUG: an instruction has one to three micro-ops")
	}
	in := Instr{N: uint8(len(ops))}
	copy(in.Ops[:], ops)
	for i := len(ops); i < MaxOps; i++ {
		in.Ops[i] = NewOp(Nop)
	}
	return in
}

// Lock returns the instruction with the Locked mark.
func (in Instr) Lock() Instr {
	in.Locked = true
	return in
}

// Len is the length of the instruction's machine code in bytes.
func (in Instr) Len() uint64 {
	if in.Size == 0 {
		return InstrSize
	}
	return uint64(in.Size)
}

// Micro returns the micro-ops in use. It aliases in.
func (in *Instr) Micro() []Op { return in.Ops[:in.N] }
