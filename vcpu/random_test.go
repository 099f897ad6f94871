package vcpu_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
	"pgregory.net/rapid"
)

// checkPrograms is rapid.Check for laws about programs, whose number has to be
// large for a bundle to meet the registers that make a difference.
func checkPrograms(t *testing.T, law func(t *rapid.T)) {
	rounds := 20
	if testing.Short() {
		rounds = 2
	}
	rapid.Check(t, func(t *rapid.T) {
		for range rounds {
			law(t)
		}
	})
}

// source makes the decisions that a random program is made of.
type source interface {
	// below returns a number from 0 to n-1.
	below(n int) int
}

// rapidSource decides by a property test, which then makes programs smaller.
type rapidSource struct{ t *rapid.T }

func (s rapidSource) below(n int) int { return rapid.IntRange(0, n-1).Draw(s.t, "choice") }

// byteSource decides by a fuzzer's bytes, and for 0 behind their end.
type byteSource struct{ b []byte }

func (s *byteSource) below(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	v := int(s.b[0])
	s.b = s.b[1:]
	if n > 256 && len(s.b) > 0 {
		v |= int(s.b[0]) << 8
		s.b = s.b[1:]
	}
	return v % n
}

func pick[T any](s source, from []T) T { return from[s.below(len(from))] }

// oneIn reports true once in n times; byteSource's zeros are no.
func oneIn(s source, n int) bool { return s.below(n) == n-1 }

var forms = sync.OnceValue(vocabulary)

// randomProgram draws a program of one function with an instruction at each of
// the labels l0, l1, …, and links it.
func randomProgram(s source, arch abi.Arch) *ir.Image {
	n := 1 + s.below(12)
	f := ir.Func{Name: "f"}
	for i := range n {
		if oneIn(s, 16) {
			f.Body = append(f.Body, ir.Item{Kind: ir.Signature, DefaultSig: true})
		}
		f.Body = append(f.Body,
			ir.Item{Kind: ir.Label, Name: label(i)},
			ir.Item{Kind: ir.Code, Instr: randomInstr(s, n)})
	}
	p := &ir.Program{
		Name: "random",
		Data: []ir.Data{
			{Kind: ir.Global, Name: "cell", Width: ir.W8, Count: 3},
			{Kind: ir.ReadOnly, Name: "fixed", Width: ir.W8, Count: 2, Init: []ir.Value{ir.Num(7), ir.Sym("cell")}},
			{Kind: ir.PerCPU, Name: "own", Width: ir.W4, Count: 1},
		},
		Funcs: []ir.Func{f},
		Setup: ir.Setup{StackSize: 16},
	}
	im, err := ir.Link(p, arch)
	if err != nil {
		panic(fmt.Sprintf("%v\n%v", err, p.Funcs[0].Body))
	}
	return im
}

func label(i int) string { return fmt.Sprintf("l%d", i) }

// randomInstr draws a valid instruction; its branches go to one of n labels.
func randomInstr(s source, n int) ir.Instr {
	ops := make([]ir.Op, 1+s.below(3)*s.below(2))
	for i := range ops {
		ops[i] = randomOp(s, n)
	}
	in := ir.NewInstr(ops...)
	if oneIn(s, 8) {
		in = in.Sized(1 + uint8(s.below(ir.MaxSize)))
	}
	if oneIn(s, 4) {
		in = in.Lock()
	}
	for in.Validate() != nil {
		switch {
		case in.Locked:
			in.Locked = false
		case in.N > 1:
			in = ir.NewInstr(in.Ops[1:in.N]...).Sized(in.Size)
		default:
			return ir.NewInstr(ir.NewOp(ir.Nop))
		}
	}
	return in
}

// The registers and numbers that programs use: few, so that they meet.
var (
	registers  = []ir.Reg{ir.R0, ir.R1, ir.R2, ir.R3, ir.R4, ir.R5, ir.T0, ir.T1, ir.LR}
	bases      = []ir.Reg{ir.R3, ir.R4, ir.R5, ir.TP, ir.SP, ir.T0, ir.None}
	places     = []ir.Addr{ir.DataBase, ir.DataBase + 8, ir.DataBase + 20, ir.PerCPUBase, ir.ThreadBase + 56, ir.StackBase + 16, ir.RodataBase, ir.CodeBase, 0}
	immediates = []int64{0, 1, -1, 2, 7, 8, 31, 33, 63, 64, 0x7f, 0x80, 0xff, 0x8000, 1 << 31, 1 << 32, -1 << 63}
)

func randomOp(s source, n int) ir.Op {
	o := pick(s, forms())
	draw := func(r *ir.Reg) {
		if *r != ir.None {
			*r = pick(s, registers)
		}
	}
	draw(&o.Dst)
	draw(&o.A)
	draw(&o.B)
	if o.Cond != ir.Always {
		o.Cond = ir.Eq + ir.Cond(s.below(int(ir.Pl)))
	}
	if o.Target != "" {
		o.Target = label(s.below(n))
	}
	switch o.Code {
	case ir.Syscall, ir.Trap:
	case ir.Ld, ir.St, ir.La, ir.Xadd, ir.Xchg, ir.Cmpxchg, ir.Ll, ir.Sc:
		o.Mem.Base, o.Mem.Disp = pick(s, bases), int64(s.below(5)-2)*4
		if oneIn(s, 4) {
			o.Mem.Index, o.Mem.Scale = pick(s, registers), uint8(s.below(4))
		}
		if o.Mem.Base == ir.None || oneIn(s, 8) {
			o.Mem.Disp += int64(pick(s, places))
		}
	}
	if o.Imm != 0 && o.Code != ir.Syscall && o.Code != ir.Trap {
		o.Imm = pick(s, immediates)
	}
	return o
}

// randomRegs draws registers: addresses near the segments' edges, and numbers.
func randomRegs(s source, im *ir.Image) vcpu.Regs {
	r := vcpu.Regs{IP: im.Addrs[s.below(len(im.Addrs))], Flags: uint8(s.below(16))}
	for _, i := range registers {
		r.R[i] = uint64(pick(s, immediates))
	}
	for _, i := range []ir.Reg{ir.R3, ir.R4, ir.R5, ir.TP, ir.SP} {
		r.R[i] = uint64(pick(s, places)) + uint64(s.below(3)*4)
	}
	if oneIn(s, 8) {
		r.R[ir.R3]++
	}
	r.R[ir.LR] = uint64(pick(s, im.Addrs))
	r.R[ir.T0], r.R[ir.T1] = 0, 0
	return r
}

// randomMemory draws what is in memory.
func randomMemory(s source, im *ir.Image) *vcpu.Memory {
	m := vcpu.NewMemory(im, 2, 1)
	b := m.Mutable()
	for range 8 {
		b[s.below(len(b))] = byte(s.below(256))
	}
	return m
}
