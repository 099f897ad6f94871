package vcpu

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/ir"
)

// Code is a program compiled for stepping: immutable, shared by every machine.
type Code struct {
	ops    []uop
	start  []int32 // (address - CodeBase) → index into ops, -1
	Image  *ir.Image
	Splits bool // an instruction has a middle that another CPU can see
}

// uop is a micro-op with everything resolved, in one cache line. An operand
// that is an immediate is None + imm, so that no operand needs a test for its
// kind; a width is a mask, so that no common operation needs one for its width.
type uop struct {
	kind        uint8 // kSlow, or which common operation
	end         uint8 // what ends behind it
	micro       uint8 // index in its instruction
	code        ir.Opcode
	dst, a, b   ir.Reg
	base, index ir.Reg
	scale       uint8
	cond        ir.Cond
	keep        uint8 // the flags that an arithmetic operation leaves alone
	order       ir.Order
	width       ir.Width
	half        uint8  // of the memory's views: slots, but 0 through the thread pointer
	locked      bool   // of a locked instruction
	target      int32  // index of the op to branch to
	mask        uint64 // the bits of a value of the width
	imm         uint64
	disp        uint64
	ip          ir.Addr
	next        ir.Addr // the address behind the instruction
}

// What ends behind a micro-op.
const (
	endsNothing     uint8 = iota
	endsStep              // an unlocked instruction goes on with another access
	endsInstruction       // and so a step
)

// The kinds that are dispatched on: the common operations have one of their own,
// some have another that sets flags, and whatever is ordered is slow.
const (
	kSlow  uint8 = iota
	kCheck       // not of the program: asks whether the instruction will trap
	kGap         // not of the program: stands where no instruction begins
	kMov
	kAdd
	kSub
	kAnd
	kShl
	kLd
	kSt
	kBr
	kBeq
	kBne
	kJmp
	kNop
	kAdds
	kSubs
	kAnds
)

var common = map[ir.Opcode]uint8{
	ir.Nop: kNop, ir.Fence: kNop, ir.Mov: kMov, ir.Zext: kMov, ir.Add: kAdd, ir.Sub: kSub, ir.And: kAnd, ir.Shl: kShl,
	ir.Ld: kLd, ir.St: kSt, ir.Br: kBr, ir.Beq: kBeq, ir.Bne: kBne, ir.Jmp: kJmp,
}

var commonWithFlags = map[ir.Opcode]uint8{ir.Add: kAdds, ir.Sub: kSubs, ir.And: kAnds}

// compiler turns an image's instructions into micro-ops.
type compiler struct {
	c      *Code
	big    bool // big-endian: memory isn't what the host's is
	linked bool // there are reservations, which a store may break
}

// Compile prepares an image for stepping.
func Compile(im *ir.Image) *Code {
	c := &Code{Image: im, start: make([]int32, len(im.Code))}
	for i := range c.start {
		c.start[i] = -1
	}
	k := compiler{c: c, big: bigEndian(im)}
	for i := range im.Instrs {
		for _, o := range im.Instrs[i].Micro() {
			k.linked = k.linked || o.Code == ir.Ll
		}
	}
	for i := range im.Instrs {
		k.instruction(&im.Instrs[i], im.Addrs[i])
		next := im.Addrs[i] + ir.Addr(im.Instrs[i].Len())
		if i+1 == len(im.Instrs) || im.Addrs[i+1] != next {
			c.ops = append(c.ops, uop{kind: kGap, ip: next})
		}
	}
	k.targets()
	return c
}

// instruction appends the micro-ops of the instruction at ip.
func (k *compiler) instruction(in *ir.Instr, ip ir.Addr) {
	c := k.c
	c.start[ip-ir.CodeBase] = int32(len(c.ops))
	if delicate(in) {
		c.ops = append(c.ops, uop{kind: kCheck, ip: ip})
	}
	accesses := 0
	for j := range in.Micro() {
		o := &in.Ops[j]
		if o.Loads() || o.Stores() {
			if accesses > 0 && !in.Locked {
				c.ops[len(c.ops)-1].end = endsStep
				c.Splits = true
			}
			accesses++
		}
		u := uop{
			kind: k.kind(o), micro: uint8(j), code: o.Code, dst: o.Dst, a: o.A, b: o.B,
			base: o.Mem.Base, index: o.Mem.Index, scale: o.Mem.Scale,
			cond: o.Cond, keep: keep(o.Flags), order: o.Order, width: ir.Width(o.Width.Bytes()), locked: in.Locked, target: -1,
			mask: mask(ir.Width(o.Width.Bytes())), imm: uint64(o.Imm), disp: uint64(o.Mem.Disp),
			ip: ip, next: ip + ir.Addr(in.Len()),
		}
		if u.dst == ir.None {
			u.dst = sink
		}
		if u.base != ir.TP {
			u.half = slots
		}
		c.ops = append(c.ops, u)
	}
	c.ops[len(c.ops)-1].end = endsInstruction
}

// kind decides who runs a micro-op.
func (k *compiler) kind(o *ir.Op) uint8 {
	switch {
	case o.Flags != ir.NoFlags:
		return commonWithFlags[o.Code] // kSlow is zero
	case o.Code == ir.Ld && (o.Order != ir.Plain || k.big),
		o.Code == ir.St && (o.Order != ir.Plain || k.big || k.linked):
		return kSlow
	}
	return common[o.Code]
}

// keep returns the flags that stay.
func keep(mode ir.FlagMode) uint8 {
	switch mode {
	case ir.SetFlags:
		return 0
	case ir.KeepC:
		return FlagC
	}
	return ^uint8(0)
}

// targets replaces the addresses that branches go to, which linking has checked,
// by indices.
func (k *compiler) targets() {
	im, at := k.c.Image, 0
	for i := range im.Instrs {
		for at = int(k.c.start[im.Addrs[i]-ir.CodeBase]); k.c.ops[at].kind == kCheck; at++ {
		}
		for j, o := range im.Instrs[i].Micro() {
			if o.Target != "" {
				k.c.ops[at+j].target = int32(k.c.at(o.TargetIP))
			}
		}
	}
}

// delicate reports whether an instruction could trap after it has changed a
// register, the flags or memory. Its micro-ops are tried before they are run,
// because on real processors a fault comes before any effect. (One that reads
// what it has itself written or reserved can't be tried. No instruction set has
// such a one.)
func delicate(in *ir.Instr) bool {
	effect, stored, linked, late := false, false, false, false
	for _, o := range in.Micro() {
		if o.Loads() && stored || o.Code == ir.Sc && linked {
			return false
		}
		if o.Loads() || o.Stores() || o.Code == ir.Trap {
			late = late || effect
		}
		stored = stored || o.Stores()
		linked = linked || o.Code == ir.Ll
		effect = effect || stored || linked || o.Flags != ir.NoFlags || o.Code == ir.Bit || o.Code == ir.Flipc ||
			o.Dst < ir.None && !o.Dst.Temp()
	}
	return late
}

// at returns the index of the first op of the instruction at ip, or -1.
func (c *Code) at(ip ir.Addr) int {
	if off := uint64(ip - ir.CodeBase); off < uint64(len(c.start)) {
		return int(c.start[off])
	}
	return -1
}

// resume returns the index of the op that a thread is at, or -1 if that is none.
func (c *Code) resume(r *Regs) int {
	pc := c.at(r.IP)
	if pc < 0 || r.Micro == 0 {
		return pc
	}
	if c.ops[pc].kind == kCheck {
		pc++
	}
	if pc += int(r.Micro); pc >= len(c.ops) || c.ops[pc].ip != r.IP || c.ops[pc].kind == kGap {
		return -1
	}
	return pc
}

func bigEndian(im *ir.Image) bool {
	return im.Arch.ByteOrder() == binary.ByteOrder(binary.BigEndian)
}
