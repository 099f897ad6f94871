package lifttest

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/vcpu"
)

// state draws a state for a stub. What is used as an address leads into the
// window mostly, and what is jumped to is where a branch goes.
func (d *drawer) state(s *stub) (b record) {
	for n := range b.Slot[:32] {
		b.Slot[n] = d.value()
	}
	for i := range b.Window {
		b.Window[i] = byte(d.Uint32())
	}
	b.Slot[SlotPointer] = d.value()
	b.Slot[SlotFlags] = uint64(d.Uint32() & 0xf0000000)
	b.Slot[SlotStub] = uint64(s.entry)
	for i := range s.instrs {
		ops := s.instrs[i].IR.Micro()
		for _, o := range ops {
			switch {
			case o.Loads() || o.Stores():
				d.point(&b, o.Mem)
			case o.Code == ir.Ret:
				d.set(&b, ir.LR, uint64(s.takenAt()))
			case o.Code == ir.Jmpr && o.A.Temp() && ops[0].Code == ir.Add: // riscv's jalr
				d.set(&b, ops[0].A, uint64(s.takenAt())-uint64(ops[0].Imm))
			case o.Code == ir.Jmpr && o.A.Temp():
				d.set(&b, ops[0].A, uint64(s.takenAt()))
			case o.Code == ir.Jmpr:
				d.set(&b, o.A, uint64(s.takenAt()))
			}
		}
	}
	return b
}

// set gives a register of package ir a value.
func (d *drawer) set(b *record, r ir.Reg, v uint64) {
	for n := range b.Slot[:32] {
		if d.Register(n) == r && r != ir.None {
			b.Slot[n] = v
		}
	}
}

// point makes a memory operand one in the window, aligned to sixteen bytes or
// not.
func (d *drawer) point(b *record, m ir.Mem) {
	at := uint64(Window) + uint64(d.IntN(WindowSize))
	if d.IntN(4) > 0 {
		at &^= 15
	}
	small := uint64(d.IntN(8))
	if m.Index != ir.None && !m.Index.Temp() {
		d.set(b, m.Index, small)
		at -= small << m.Scale
	}
	d.set(b, m.Base, at-uint64(m.Disp))
}

// value draws a number: near where something changes, small, or any.
func (d *drawer) value() uint64 {
	n := d.Uint64()
	switch d.IntN(5) {
	case 0:
		return n
	case 1:
		return n % 70
	case 2:
		return -(n % 70)
	case 3:
		edges := []uint64{1 << 7, 1 << 8, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 63}
		return edges[d.IntN(len(edges))] + n%5 - 2
	}
	return n<<32 | (1<<31 + n>>60 - 8)
}

// diff says in what the processor's outcome isn't the emulator's.
func (d *drawer) diff(s *stub, in, want, got *record) string {
	var b strings.Builder
	lost := nzcvOf(s.instrs[len(s.instrs)-1].Lost)
	for n := range want.Slot {
		switch {
		case want.Slot[n] == got.Slot[n], n == SlotFlags && !d.Carry, n == SlotFlags && (want.Slot[n]^got.Slot[n])&^lost == 0:
			continue
		}
		fmt.Fprintf(&b, "%s: %#x before, %#x in the emulator, %#x on the processor\n", d.slotName(n), in.Slot[n], want.Slot[n], got.Slot[n])
	}
	for i := range want.Window {
		if want.Window[i] != got.Window[i] {
			fmt.Fprintf(&b, "byte %d of the window: %#x before, %#x in the emulator, %#x on the processor\n", i, in.Window[i], want.Window[i], got.Window[i])
		}
	}
	if b.Len() > 0 {
		b.WriteString("with " + in.String())
	}
	return b.String()
}

func (d *drawer) slotName(n int) string {
	switch n {
	case SlotFlags:
		return "flags"
	case SlotPointer:
		return "thread pointer"
	case SlotStub:
		return "taken"
	}
	return fmt.Sprintf("register %d (%v)", n, d.Register(n))
}

// String returns the registers.
func (r *record) String() string {
	var b strings.Builder
	for n, v := range r.Slot {
		fmt.Fprintf(&b, "%d=%#x ", n, v)
	}
	return b.String()
}

// The flags of arm64 have their names' order from bit 31 down, and C the other
// way round.

func flags(nzcv uint64) (f uint8) {
	for i, flag := range []uint8{vcpu.FlagN, vcpu.FlagZ, vcpu.FlagC, vcpu.FlagV} {
		if nzcv>>(31-i)&1 != 0 {
			f |= flag
		}
	}
	return f ^ vcpu.FlagC
}

// nzcvOf returns the places of a set of flags.
func nzcvOf(set isa.Flags) (v uint64) {
	for i, flag := range []isa.Flags{isa.N, isa.Z, isa.C, isa.V} {
		if set&flag != 0 {
			v |= 1 << (31 - i)
		}
	}
	return v
}

func nzcv(f uint8) (v uint64) {
	for i, flag := range []uint8{vcpu.FlagN, vcpu.FlagZ, vcpu.FlagC, vcpu.FlagV} {
		if (f^vcpu.FlagC)&flag != 0 {
			v |= 1 << (31 - i)
		}
	}
	return v
}
