package vcpu_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/rseqemu/rseqemu/vcpu"
)

// FuzzStep makes a program, registers and memory of any bytes and runs it on
// two CPUs. Nothing may panic, be written that isn't mutable, or be left half
// done by a trap.
func FuzzStep(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &byteSource{b}
		im := randomProgram(s, pick(s, arches))
		code, m := vcpu.Compile(im), randomMemory(s, im)
		before, behind := m.Fence()
		text, rodata := bytes.Clone(im.Code), bytes.Clone(im.Rodata)
		regs := [2]vcpu.Regs{randomRegs(s, im), randomRegs(s, im)}
		for i := range regs {
			if oneIn(s, 8) { // anything, as from a file
				regs[i].IP += 4
				regs[i].Micro = uint8(s.below(256))
			}
		}
		for range 200 {
			cpu := s.below(2)
			r := &regs[cpu]
			was := &machine{m.Clone(), *r}
			trap := code.Step(m, cpu, r)
			i := im.Index(was.regs.IP)
			switch {
			case trap.Kind == vcpu.TrapNone, trap.Kind == vcpu.TrapSyscall && r.Boundary():
			case !r.Boundary() || r.IP != was.regs.IP:
				t.Fatalf("%v leaves the CPU at %#x.%d; it was at %#x.%d", trap, r.IP, r.Micro, was.regs.IP, was.regs.Micro)
			case was.regs.Micro == 0 && i >= 0 && !untried(&im.Instrs[i]):
				if d := diff(&machine{m, *r}, was); d != "" {
					t.Fatalf("%v has had an effect: %v\n%s", im.Instrs[i], trap, d)
				}
			}
			if trap.Kind > vcpu.TrapSyscall {
				r.SetIP(pick(s, im.Addrs))
			}
		}
		if n := make([]byte, len(before)); !bytes.Equal(before, n) || !bytes.Equal(behind, n) {
			t.Error("something is written beside the mutable bytes")
		}
		if !bytes.Equal(im.Code, text) || !bytes.Equal(im.Rodata, rodata) {
			t.Error("something is written to the program")
		}
	})
}
