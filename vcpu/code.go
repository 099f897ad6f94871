package vcpu

import "github.com/rseqemu/rseqemu/ir"

// Code is a program compiled for stepping: immutable, shared by every machine.
type Code struct {
	ops    []uop
	start  []int32 // (address - CodeBase) → index into ops, -1
	Image  *ir.Image
	Splits bool // an instruction has a middle that another CPU can see
}

// uop is a micro-op with everything resolved. An operand that is an immediate
// is None + imm, so that no operand needs a test for its kind.
type uop struct {
	code        ir.Opcode
	kind        uint8 // kSlow, or which common operation
	width       ir.Width
	dst, a, b   ir.Reg
	base, index ir.Reg
	scale       uint8
	cond        ir.Cond
	flags       ir.FlagMode
	order       ir.Order
	micro       uint8 // index in its instruction
	last        bool  // of its instruction
	split       bool  // the step ends here, inside the instruction
	imm         uint64
	disp        uint64
	target      int32 // index of the op to branch to
	follow      int32 // index of the op at next, or -1
	targetIP    ir.Addr
	ip          ir.Addr
	next        ir.Addr // the address behind the instruction
}

// The kinds that the interpreter dispatches on: operations at full width without
// flags, plain accesses and direct branches have one of their own.
const (
	kSlow uint8 = iota
	kMov
	kAdd
	kSub
	kLd
	kSt
	kBr
	kBeq
	kBne
	kJmp
	kNop
)

func fast(o *ir.Op) uint8 {
	plain := o.Flags == ir.NoFlags && o.Width.Bytes() == 8
	switch o.Code {
	case ir.Nop, ir.Fence:
		return kNop
	case ir.Mov:
		if plain {
			return kMov
		}
	case ir.Add:
		if plain {
			return kAdd
		}
	case ir.Sub:
		if plain {
			return kSub
		}
	case ir.Ld:
		if o.Order == ir.Plain {
			return kLd
		}
	case ir.St:
		if o.Order == ir.Plain {
			return kSt
		}
	case ir.Br:
		return kBr
	case ir.Beq:
		if plain {
			return kBeq
		}
	case ir.Bne:
		if plain {
			return kBne
		}
	case ir.Jmp:
		return kJmp
	}
	return kSlow
}

// Compile prepares an image for stepping.
func Compile(im *ir.Image) *Code {
	c := &Code{Image: im, start: make([]int32, len(im.Code))}
	for i := range c.start {
		c.start[i] = -1
	}
	for i := range im.Instrs {
		in, ip := &im.Instrs[i], im.Addrs[i]
		c.start[ip-ir.CodeBase] = int32(len(c.ops))
		micro := in.Micro()
		seen := false
		for j := range micro {
			o := &micro[j]
			u := uop{
				code: o.Code, kind: fast(o), width: o.Width, dst: o.Dst, a: o.A, b: o.B,
				base: o.Mem.Base, index: o.Mem.Index, scale: o.Mem.Scale,
				cond: o.Cond, flags: o.Flags, order: o.Order, micro: uint8(j),
				last: j == len(micro)-1, imm: uint64(o.Imm), disp: uint64(o.Mem.Disp),
				targetIP: o.TargetIP, ip: ip, next: ip + ir.Addr(in.Len()),
			}
			if u.width == 0 {
				u.width = 8
			}
			if u.dst == ir.None {
				u.dst = sink
			}
			if o.Loads() || o.Stores() {
				if seen && !in.Locked {
					c.ops[len(c.ops)-1].split = true
					c.Splits = true
				}
				seen = true
			}
			c.ops = append(c.ops, u)
		}
	}
	for i := range c.ops {
		u := &c.ops[i]
		u.follow = int32(c.at(u.next))
		u.target = int32(c.at(u.targetIP))
	}
	return c
}

// at returns the index of the first op of the instruction at ip, or -1.
func (c *Code) at(ip ir.Addr) int {
	if off := uint64(ip - ir.CodeBase); off < uint64(len(c.start)) {
		return int(c.start[off])
	}
	return -1
}
