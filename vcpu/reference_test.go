package vcpu_test

import (
	"encoding/binary"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
	"pgregory.net/rapid"
)

// reference runs a linked program as its documentation reads: instruction by
// instruction, byte by byte, with nothing compiled and nothing fast.
type reference struct {
	im       *ir.Image
	order    binary.ByteOrder
	bytes    map[ir.Addr]byte // readable
	writable map[ir.Addr]bool
	reserved []ir.Addr
	regs     []vcpu.Regs // by CPU

	undo []func() // of the instruction's stores
}

func newReference(im *ir.Image, m *vcpu.Memory, regs []vcpu.Regs) *reference {
	x := &reference{im: im, order: im.Arch.ByteOrder(), bytes: map[ir.Addr]byte{}, writable: map[ir.Addr]bool{},
		reserved: make([]ir.Addr, len(regs)), regs: append([]vcpu.Regs(nil), regs...)}
	for _, s := range m.Segments() {
		b := make([]byte, s.Size)
		m.ReadBytes(s.Base, b)
		for i, v := range b {
			a := s.Base + ir.Addr(i)
			x.bytes[a] = v
			x.writable[a] = s.Perm&vcpu.Write != 0
		}
	}
	return x
}

// memory returns the bytes as Mutable has them.
func (x *reference) memory(m *vcpu.Memory) []byte {
	var all []byte
	for _, s := range m.Segments() {
		if s.Perm&vcpu.Write != 0 {
			for i := range s.Size {
				all = append(all, x.bytes[s.Base+ir.Addr(i)])
			}
		}
	}
	return all
}

// instruction runs one instruction of a CPU. One that traps has no effect.
func (x *reference) instruction(cpu int) vcpu.Trap {
	r := &x.regs[cpu]
	i := x.im.Index(r.IP)
	if i < 0 {
		return vcpu.Trap{Kind: vcpu.TrapFetch, Addr: r.IP}
	}
	in, saved, reserved := &x.im.Instrs[i], *r, x.reserved[cpu]
	ip := r.IP
	r.IP += ir.Addr(in.Len())
	x.undo = nil
	for _, o := range in.Micro() {
		t := x.micro(cpu, &o, ip)
		if t.Kind == vcpu.TrapSyscall {
			return t
		}
		if t.Kind != vcpu.TrapNone {
			*r, x.reserved[cpu] = saved, reserved
			for _, f := range x.undo {
				f()
			}
			return t
		}
	}
	return vcpu.Trap{}
}

func (x *reference) micro(cpu int, o *ir.Op, ip ir.Addr) (t vcpu.Trap) {
	r := &x.regs[cpu]
	get := func(reg ir.Reg) uint64 {
		if reg == ir.None {
			return 0
		}
		return r.R[reg]
	}
	set := func(v uint64) {
		if o.Dst != ir.None {
			r.R[o.Dst] = v
		}
	}
	source := func(reg ir.Reg) uint64 { // a register or the immediate
		if reg == ir.None {
			return uint64(o.Imm)
		}
		return r.R[reg]
	}
	low := func(v uint64) uint64 { v, _ = arithmetic(ir.Or, o.Width, v, 0); return v }
	bits := uint64(o.Width.Bytes()) * 8
	addr := ir.Addr(get(o.Mem.Base) + get(o.Mem.Index)*(1<<o.Mem.Scale) + uint64(o.Mem.Disp))
	jump := func(taken bool) {
		if taken {
			r.IP = o.TargetIP
		}
	}
	flag := func(bit uint8, v bool) {
		r.Flags &^= bit
		if v {
			r.Flags |= bit
		}
	}
	switch o.Code {
	case ir.Nop, ir.Fence:
	case ir.Mov:
		set(low(source(o.A)))
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar:
		v, f := arithmetic(o.Code, o.Width, get(o.A), source(o.B))
		if o.Flags == ir.KeepC {
			f = f&^vcpu.FlagC | r.Flags&vcpu.FlagC
		}
		if o.Flags != ir.NoFlags {
			r.Flags = f
		}
		set(v)
	case ir.Zext:
		set(low(get(o.A)))
	case ir.Sext:
		v := low(get(o.A))
		if v>>(bits-1) == 1 {
			v -= 1 << bits
		}
		set(v)
	case ir.Ins:
		set(get(o.Dst) - low(get(o.Dst)) + low(get(o.A)))
	case ir.La:
		set(uint64(addr))
	case ir.Bit:
		flag(vcpu.FlagC, get(o.A)>>(source(o.B)%bits)%2 == 1)
	case ir.Flipc:
		r.Flags ^= vcpu.FlagC
	case ir.Csel:
		if holds(o.Cond, r.Flags) {
			set(get(o.A))
		} else {
			set(get(o.B))
		}
	case ir.Br:
		jump(holds(o.Cond, r.Flags))
	case ir.Beq:
		jump(low(get(o.A)) == low(source(o.B)))
	case ir.Bne:
		jump(low(get(o.A)) != low(source(o.B)))
	case ir.Jmp:
		jump(true)
	case ir.Jmpr:
		r.IP = ir.Addr(get(o.A))
	case ir.Call:
		r.R[ir.LR] = uint64(r.IP)
		jump(true)
	case ir.Ret:
		r.IP = ir.Addr(r.R[ir.LR])
	case ir.Syscall:
		return vcpu.Trap{Kind: vcpu.TrapSyscall, Addr: ip, Arg: o.Imm}
	case ir.Trap:
		return vcpu.Trap{Kind: map[int64]vcpu.TrapKind{ir.TrapUD: vcpu.TrapUD, ir.TrapBrk: vcpu.TrapBrk}[o.Imm], Addr: ip}
	default:
		return x.access(cpu, o, addr, get, source, set, flag)
	}
	return t
}

func (x *reference) access(cpu int, o *ir.Op, a ir.Addr, get, source func(ir.Reg) uint64, set func(uint64), flag func(uint8, bool)) vcpu.Trap {
	plain := (o.Code == ir.Ld || o.Code == ir.St) && o.Order == ir.Plain
	switch {
	case !plain && uint64(a)%uint64(o.Width.Bytes()) != 0:
		return vcpu.Trap{Kind: vcpu.TrapAlign, Addr: a}
	case o.Code == ir.Sc && x.reserved[cpu] != a:
		set(1)
		return vcpu.Trap{}
	case o.Loads() && !x.all(o.Width, a, func(a ir.Addr) bool { _, ok := x.bytes[a]; return ok }):
		return vcpu.Trap{Kind: vcpu.TrapLoad, Addr: a}
	case o.Stores() && !x.all(o.Width, a, func(a ir.Addr) bool { return x.writable[a] }):
		return vcpu.Trap{Kind: vcpu.TrapStore, Addr: a}
	}
	old := x.load(o.Width, a)
	switch o.Code {
	case ir.St:
		x.store(cpu, o.Width, a, source(o.A))
		return vcpu.Trap{}
	case ir.Sc:
		x.reserved[cpu] = 0
		x.store(cpu, o.Width, a, get(o.A))
		old = 0
	case ir.Ll:
		x.reserved[cpu] = a
	case ir.Xadd:
		x.store(cpu, o.Width, a, old+get(o.A))
	case ir.Xchg:
		x.store(cpu, o.Width, a, get(o.A))
	case ir.Cmpxchg:
		expected, _ := arithmetic(ir.Or, o.Width, get(o.Dst), 0)
		flag(vcpu.FlagZ, old == expected)
		if old == expected {
			x.store(cpu, o.Width, a, get(o.A))
		}
	}
	set(old)
	return vcpu.Trap{}
}

func (x *reference) all(w ir.Width, a ir.Addr, ok func(ir.Addr) bool) bool {
	for i := range w.Bytes() {
		if !ok(a + ir.Addr(i)) {
			return false
		}
	}
	return true
}

func (x *reference) load(w ir.Width, a ir.Addr) uint64 {
	b := make([]byte, 8)
	for i := range w.Bytes() {
		at := i
		if x.order == binary.ByteOrder(binary.BigEndian) {
			at = w.Bytes() - 1 - i
		}
		b[at] = x.bytes[a+ir.Addr(i)]
	}
	return binary.LittleEndian.Uint64(b)
}

func (x *reference) store(cpu int, w ir.Width, a ir.Addr, v uint64) {
	b := make([]byte, 8)
	x.order.PutUint64(b, v)
	if x.order == binary.ByteOrder(binary.BigEndian) {
		b = b[8-w.Bytes():]
	}
	for i := range w.Bytes() {
		a, old := a+ir.Addr(i), x.bytes[a+ir.Addr(i)]
		x.bytes[a] = b[i]
		x.undo = append([]func(){func() { x.bytes[a] = old }}, x.undo...)
		for other, r := range x.reserved {
			if other != cpu && r != 0 && r/8 == a/8 {
				x.reserved[other] = 0
				x.undo = append(x.undo, func() { x.reserved[other] = r })
			}
		}
	}
}

// holds says what the conditions mean, in the words of their documentation.
func holds(c ir.Cond, f uint8) bool {
	n, z, cc, v := f&vcpu.FlagN != 0, f&vcpu.FlagZ != 0, f&vcpu.FlagC != 0, f&vcpu.FlagV != 0
	return map[ir.Cond]bool{ir.Eq: z, ir.Ne: !z, ir.Lo: cc, ir.Hs: !cc, ir.Ls: cc || z, ir.Hi: !cc && !z,
		ir.Lt: n != v, ir.Ge: n == v, ir.Le: z || n != v, ir.Gt: !z && n == v, ir.Mi: n, ir.Pl: !n}[c]
}

// untried reports whether an instruction is one of the unreal ones that are not
// tried before they run, so that their traps may come too late.
func untried(in *ir.Instr) bool {
	stored, linked := false, false
	for _, o := range in.Micro() {
		if o.Loads() && stored || o.Code == ir.Sc && linked {
			return true
		}
		stored = stored || o.Stores()
		linked = linked || o.Code == ir.Ll
	}
	return false
}

// instruction runs one instruction, whole or in steps.
func instruction(s source, code *vcpu.Code, m *vcpu.Memory, cpu int, r *vcpu.Regs) vcpu.Trap {
	if oneIn(s, 2) {
		_, t := code.Run(m, cpu, r, 1)
		return t
	}
	for {
		if t := code.Step(m, cpu, r); t.Kind != vcpu.TrapNone || r.Boundary() {
			return t
		}
	}
}

// TestProgramsRunAsTheReferenceDoes runs random programs on two CPUs, an
// instruction here and an instruction there, and compares everything after each.
func TestProgramsRunAsTheReferenceDoes(t *testing.T) {
	checkPrograms(t, func(t *rapid.T) {
		s := rapidSource{t}
		im := randomProgram(s, pick(s, arches))
		code, m := vcpu.Compile(im), randomMemory(s, im)
		if oneIn(s, 3) {
			code = code.Uncommon()
		}
		regs := []vcpu.Regs{randomRegs(s, im), randomRegs(s, im)}
		want := newReference(im, m, regs)
		for range 40 {
			cpu := s.below(2)
			r := &regs[cpu]
			i := im.Index(r.IP)
			wantTrap := want.instruction(cpu)
			trap := instruction(s, code, m, cpu, r)
			if i >= 0 && untried(&im.Instrs[i]) && wantTrap.Kind > vcpu.TrapSyscall {
				return
			}
			got, expect := &machine{m, *r}, &machine{m.Clone(), want.regs[cpu]}
			copy(expect.mem.Mutable(), want.memory(m))
			copy(expect.mem.Reservations(), want.reserved)
			name := "no instruction"
			if i >= 0 {
				name = im.Instrs[i].String()
			}
			if d := diff(got, expect); d != "" || trap != wantTrap {
				t.Fatalf("%s on c%d, %v: trap is %v, want %v\n%s", name, cpu, im.Arch, trap, wantTrap, d)
			}
			if trap.Kind > vcpu.TrapSyscall {
				// As the kernel would: on to another instruction.
				r.SetIP(pick(s, im.Addrs))
				want.regs[cpu].SetIP(r.IP)
				m.Unreserve(cpu)
				want.reserved[cpu] = 0
			}
		}
	})
}
