package amd64_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/amd64"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/vcpu"
)

// batch is what one program runs: instructions, and states that each begins in.
const (
	batchCodes  = 1000
	batchStates = 4
)

// TestBundlesDoWhatTheMachineDoes executes random instructions of every form in
// random states, natively and lifted, and compares registers, memory, the flags
// that aren't lost, and whether they branch. It is 24,000 executions, or with
// -long 50 times as many.
func TestBundlesDoWhatTheMachineDoes(t *testing.T) {
	needsMachine(t)
	all := forms(t)
	ran := make(map[string]int)
	batches := 6
	if *long {
		batches *= 50
	}
	executions, next := 0, 0
	for batch := range batches {
		r := rand.New(rand.NewPCG(uint64(batch), 6))
		samples, lifted := drawSamples(t, all, &next, r)
		codes := make([][]byte, len(samples))
		for i := range samples {
			codes[i] = samples[i].code
		}
		code, addrs := stubs(codes)
		var begin []state
		for i := range samples {
			for range batchStates {
				begin = append(begin, samples[i].state(r, uint64(addrs[i])))
			}
			ran[samples[i].form.spelled] += batchStates
		}
		native, err := execute(t, code, begin)
		if err != nil {
			t.Fatalf("%v: %s", err, culprit(t, code, begin, samples))
		}
		machine := newMachine(code, addrs, lifted)
		for i := range begin {
			in := lifted[i/batchStates]
			got, trap := machine.run(&begin[i])
			if trap.Kind != vcpu.TrapNone {
				t.Errorf("% x: %q, lifted to %v: %v", codes[i/batchStates], in.Text, named(in.IR), trap)
			} else if d := difference(&got, &native[i], in.Lost); d != "" {
				t.Errorf("% x: %q, lifted to %v:\n%sfrom %s", codes[i/batchStates], in.Text, named(in.IR), d, begin[i].String())
			}
			if t.Failed() {
				t.FailNow()
			}
		}
		executions += len(begin)
	}
	for i := range all {
		if ran[all[i].spelled] == 0 {
			t.Errorf("no instruction of the form %q was run", all[i].spelled)
		}
	}
	t.Logf("%d executions of %d forms", executions, len(all))
}

// drawSamples draws instructions, form after form, of which what isn't in the
// vocabulary is left out. They are decoded where they will be.
func drawSamples(t *testing.T, all []form, next *int, r *rand.Rand) (samples []sample, lifted []isa.Instr) {
	at := codeAt + uint64(len(driver().code))
	for tries := 0; len(samples) < batchCodes; tries++ {
		if tries > 10*batchCodes {
			t.Fatalf("%d of %d instructions are lifted", len(samples), tries)
		}
		f := &all[*next%len(all)]
		*next++
		s := f.encode(r, func(length int) int64 {
			return int64(windowAt) + 64 + int64(r.IntN(300))&^7 - int64(at) - int64(length)
		})
		in, err := amd64.Decode(s.code, ir.Addr(at))
		if err != nil {
			continue
		}
		if int(in.IR.Len()) != len(s.code) {
			t.Fatalf("% x, a %s: %q has %d bytes", s.code, f.spelled, in.Text, in.IR.Len())
		}
		samples, lifted = append(samples, s), append(lifted, in)
		at += uint64(len(s.code)) + 2*stubTail
	}
	return samples, lifted
}

// state draws a state in which the instruction at that address accesses the
// window only.
func (s *sample) state(r *rand.Rand, at uint64) state {
	var st state
	for i := range st.R {
		st.R[i] = drawValue(r)
	}
	for i := 0; i < windowSize; i += 8 {
		binary.LittleEndian.PutUint64(st.Window[i:], drawValue(r))
	}
	const arithmetic = 0x8d5 // OF SF ZF AF PF CF
	st.Flags = r.Uint64()&arithmetic | 0x202
	st.Code = at
	taken := at + uint64(len(s.code)) + stubTail
	place := func() uint64 { return windowAt + 64 + uint64(r.IntN(384)) }
	rax := &st.R[0]

	if s.form.has["stack"] {
		st.R[4] = place()
	}
	if s.form.opcode[0] == 0xc9 {
		st.R[5] = place()
	}
	if s.memory {
		p := place()
		if s.form.has["lock"] || s.base == s.index || s.base == none {
			p &^= 7
		}
		p = s.reach(r, &st, p)
		if s.form.has["target"] {
			binary.LittleEndian.PutUint64(st.Window[p-windowAt:], taken)
		}
		if r.IntN(2) == 0 { // for cmpxchg
			*rax = *rax&^0xffffffff | uint64(binary.LittleEndian.Uint32(st.Window[p-windowAt:]))
			if r.IntN(2) == 0 {
				*rax = binary.LittleEndian.Uint64(st.Window[p-windowAt:])
			}
			s.reach(r, &st, p) // rax may be part of the address
		}
	} else if s.form.has["target"] {
		st.R[s.reg] = taken
	}
	if s.form.has["ret"] {
		binary.LittleEndian.PutUint64(st.Window[st.R[4]-windowAt:], taken)
	}
	return st
}

// reach sets registers, or the fs base, so that the memory operand is at p, and
// returns where it is if nothing can be set.
func (s *sample) reach(r *rand.Rand, st *state, p uint64) uint64 {
	if s.fs {
		st.FSBase = r.Uint64() >> 18 &^ 7
	}
	rest := p - st.FSBase - uint64(s.disp)
	switch {
	case s.base == 4 && s.form.has["stack"]:
		st.R[4] = windowAt + 128 + uint64(r.IntN(256))
		if s.index != none {
			st.R[s.index] = uint64(r.IntN(4))
		}
	case s.base != none && s.base == s.index:
		by := uint64(1)<<s.scale + 1
		if by == 2 {
			st.R[s.base] = rest / 2
			break
		}
		inverse := by // Newton: each step doubles the bits that are right
		for range 6 {
			inverse *= 2 - by*inverse
		}
		st.R[s.base] = rest * inverse
	case s.base != none && s.index != none:
		st.R[s.base] = rest - st.R[s.index]<<s.scale
	case s.base != none:
		st.R[s.base] = rest
	case s.index != none:
		st.R[s.index] = rest>>s.scale | r.Uint64()<<(63-s.scale)<<1
	case s.fs && s.rip:
		st.FSBase = p - uint64(s.disp) - st.Code - uint64(len(s.code))
	case s.fs:
		st.FSBase = p - uint64(s.disp)
	case s.rip:
		return st.Code + uint64(len(s.code)) + uint64(s.disp)
	default:
		return uint64(s.disp)
	}
	return p
}

// drawValue draws a number: often small, or at the edge of a width.
func drawValue(r *rand.Rand) uint64 {
	switch r.IntN(6) {
	case 0:
		return uint64(r.IntN(5)) - 2
	case 1:
		return 1<<r.IntN(64) + uint64(r.IntN(3)) - 1
	case 2:
		edge := []uint64{0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 63, 1<<63 - 1}
		return r.Uint64()<<32 | edge[r.IntN(len(edge))]
	case 3:
		return bits.RotateLeft64(0xff, r.IntN(64))
	}
	return r.Uint64()
}

// machine runs lifted instructions.
type machine struct {
	code *vcpu.Code
	mem  *vcpu.Memory
	next map[ir.Addr]ir.Addr
}

// newMachine puts the bundles where the instructions are, and nops where the jumps
// behind them are.
func newMachine(code []byte, addrs []ir.Addr, lifted []isa.Instr) *machine {
	im := &ir.Image{Arch: abi.AMD64, Code: code, Data: make([]byte, windowSize)}
	next := map[ir.Addr]ir.Addr{}
	tail := ir.NewInstr(ir.NewOp(ir.Nop))
	tail.Size = stubTail
	for i, in := range lifted {
		if in.Addr != addrs[i] {
			panic(fmt.Sprintf("%q was decoded at %#x and is at %#x", in.Text, in.Addr, addrs[i]))
		}
		im.Instrs = append(im.Instrs, *named(in.IR), tail, tail)
		im.Addrs = append(im.Addrs, in.Addr, in.Next(), in.Next()+stubTail)
		next[in.Addr] = in.Next()
	}
	return &machine{vcpu.Compile(im), vcpu.NewMemory(im, 1, 1), next}
}

// run runs one instruction.
func (m *machine) run(begin *state) (end state, t vcpu.Trap) {
	end = *begin
	regs := vcpu.Regs{IP: ir.Addr(begin.Code), Flags: toFlags(begin.Flags)}
	for n, name := range names {
		r, ok := amd64.Register(name)
		if !ok {
			panic("no register " + name)
		}
		regs.R[r] = begin.R[n]
	}
	regs.R[ir.TP] = begin.FSBase
	copy(m.mem.Mutable(), begin.Window[:])
	if _, t = m.code.Run(m.mem, 0, &regs, 1); t.Kind != vcpu.TrapNone {
		return end, t
	}
	for n, name := range names {
		r, _ := amd64.Register(name)
		end.R[n] = regs.R[r]
	}
	end.Flags = fromFlags(regs.Flags)
	copy(end.Window[:], m.mem.Mutable())
	switch regs.IP - m.next[ir.Addr(begin.Code)] {
	case 0:
		end.Taken = 0
	case stubTail:
		end.Taken = 1
	default:
		return end, vcpu.Trap{Kind: vcpu.TrapFetch, Addr: regs.IP}
	}
	return end, t
}

var names = [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}

// flagBits are x86-64's flags beside ours.
var flagBits = [4]struct {
	name   string
	theirs int
	ours   uint8
	lost   isa.Flags
}{{"N", 7, vcpu.FlagN, isa.N}, {"Z", 6, vcpu.FlagZ, isa.Z}, {"C", 0, vcpu.FlagC, isa.C}, {"V", 11, vcpu.FlagV, isa.V}}

func toFlags(f uint64) (g uint8) {
	for _, b := range flagBits {
		if f>>b.theirs&1 != 0 {
			g |= b.ours
		}
	}
	return g
}

func fromFlags(g uint8) (f uint64) {
	for _, b := range flagBits {
		if g&b.ours != 0 {
			f |= 1 << b.theirs
		}
	}
	return f
}

// difference tells where the lifted outcome isn't the machine's.
func difference(lifted, native *state, lost isa.Flags) string {
	var b strings.Builder
	for n, name := range names {
		if g, w := lifted.R[n], native.R[n]; g != w {
			fmt.Fprintf(&b, "  %s is %#x, on the machine %#x\n", name, g, w)
		}
	}
	for _, f := range flagBits {
		if g, w := lifted.Flags>>f.theirs&1, native.Flags>>f.theirs&1; g != w && lost&f.lost == 0 {
			fmt.Fprintf(&b, "  %s is %d, on the machine %d\n", f.name, g, w)
		}
	}
	if lifted.Taken != native.Taken {
		fmt.Fprintf(&b, "  it branches: %d, on the machine %d\n", lifted.Taken, native.Taken)
	}
	if !bytes.Equal(lifted.Window[:], native.Window[:]) {
		for i := range lifted.Window {
			if g, w := lifted.Window[i], native.Window[i]; g != w {
				fmt.Fprintf(&b, "  [%#x] is %#x, on the machine %#x\n", windowAt+uint64(i), g, w)
			}
		}
	}
	return b.String()
}

func (s *state) String() string {
	var b strings.Builder
	for n, name := range names {
		fmt.Fprintf(&b, "%s=%#x ", name, s.R[n])
	}
	fmt.Fprintf(&b, "flags=%#x fs=%#x", s.Flags, s.FSBase)
	return b.String()
}

// culprit finds an instruction that the program doesn't survive.
func culprit(t *testing.T, code []byte, begin []state, samples []sample) string {
	for i := range begin {
		if _, err := execute(t, code, begin[i:i+1]); err != nil {
			s := &samples[i/batchStates]
			in, _ := amd64.Decode(s.code, ir.Addr(begin[i].Code))
			return fmt.Sprintf("% x, of the form %s, %q, from %v", s.code, s.form.spelled, in.Text, &begin[i])
		}
	}
	return "no instruction by itself"
}
