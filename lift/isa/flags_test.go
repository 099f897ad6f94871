package isa_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/vcpu"
)

// instructions is one of each micro-op that has to do with flags, and some that
// haven't.
const instructions = `b.eq on
b.ne on
b.lo on
b.hs on
b.ls on
b.hi on
b.lt on
b.ge on
b.le on
b.gt on
b.mi on
b.pl on
csel.lt r0, r1, r2
csel.hi r0, r1, r2
flipc
bit r1, 3
adds r0, r1, r2
subsk.4 r0, r1, 1
ands r0, r1, r2
cmp r1, r2
tst r1, r2
shrs r0, r1, 2
cmpxchg r1, [cell], r2
add r0, r1, r2
beq r1, r2, on
ld.8 r0, [cell]
mov r0, 1`

// TestFlagsAreReadAndSetAsTheCPUDoes runs each with all flags: a change of a flag
// that isn't read changes nothing but, if it isn't set, the flag; one that is read
// makes a difference somewhere; one that is set has one value whatever it was,
// unless another that is read decides it.
func TestFlagsAreReadAndSetAsTheCPUDoes(t *testing.T) {
	for _, text := range strings.Split(instructions, "\n") {
		p, err := ir.Parse("flags.rseq", []byte(fmt.Sprintf("data cell: u64 = 5\nfunc f()\n    %s\n    nop\non:\n    nop\n", text)))
		if err != nil {
			t.Fatal(err)
		}
		im, err := ir.Link(p, abi.AMD64)
		if err != nil {
			t.Fatal(err)
		}
		o := &im.Instrs[0].Ops[0]
		reads, sets := isa.Reads(o), isa.Sets(o)
		code := vcpu.Compile(im)
		run := func(flags uint8) vcpu.Regs {
			r := vcpu.Regs{IP: ir.CodeBase, Flags: flags}
			for i := range 8 {
				r.R[i] = uint64(7 * i)
			}
			if _, trap := code.Run(vcpu.NewMemory(im, 1, 1), 0, &r, 1); trap.Kind != vcpu.TrapNone {
				t.Fatal(trap)
			}
			return r
		}
		for _, f := range []struct {
			isa  isa.Flags
			vcpu uint8
		}{{isa.N, vcpu.FlagN}, {isa.Z, vcpu.FlagZ}, {isa.C, vcpu.FlagC}, {isa.V, vcpu.FlagV}} {
			matters, stays := false, false
			for flags := range uint8(16) {
				a, b := run(flags&^f.vcpu), run(flags|f.vcpu)
				stays = stays || a.Flags&f.vcpu == 0 && b.Flags&f.vcpu != 0
				if o.Code == ir.Flipc && f.isa == isa.C {
					matters = a.Flags&f.vcpu != 0 && b.Flags&f.vcpu == 0
					continue
				}
				a.Flags, b.Flags = a.Flags&^f.vcpu, b.Flags&^f.vcpu
				matters = matters || a != b
			}
			if matters != (reads&f.isa != 0) {
				t.Errorf("%s reads %v; %v matters: %v", text, reads, f.isa, matters)
			}
			if read := reads&f.isa != 0 && o.Code == ir.Flipc; !read && stays == (sets&f.isa != 0) {
				t.Errorf("%s sets %v; %v stays: %v", text, sets, f.isa, stays)
			}
		}
	}
}
