package vcpu_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

func TestTrapsSayWhatHappened(t *testing.T) {
	for _, c := range []struct {
		trap vcpu.Trap
		want string
	}{
		{vcpu.Trap{}, "none"},
		{vcpu.Trap{Kind: vcpu.TrapSyscall, Addr: 0x10000, Arg: 3}, "syscall"},
		{vcpu.Trap{Kind: vcpu.TrapUD, Addr: 0x10000}, "undefined instruction"},
		{vcpu.Trap{Kind: vcpu.TrapBrk, Addr: 0x10000}, "breakpoint"},
		{vcpu.Trap{Kind: vcpu.TrapFetch, Addr: 0x1}, "no instruction at 0x1"},
		{vcpu.Trap{Kind: vcpu.TrapLoad, Addr: 0x2}, "load from 0x2"},
		{vcpu.Trap{Kind: vcpu.TrapStore, Addr: 0x3}, "store to 0x3"},
		{vcpu.Trap{Kind: vcpu.TrapAlign, Addr: ^ir.Addr(0)}, "misaligned access to 0xffffffffffffffff"},
	} {
		if got := c.trap.String(); got != c.want {
			t.Errorf("%+v prints as %q, want %q", c.trap, got, c.want)
		}
	}
}

func TestRegsGoToInstructions(t *testing.T) {
	r := vcpu.Regs{IP: 0x10000, Micro: 2, Flags: vcpu.FlagZ}
	if r.Boundary() {
		t.Error("in the middle of an instruction is a boundary")
	}
	r.R[3] = 7
	want := r
	want.IP, want.Micro = 0x10008, 0
	if r.SetIP(0x10008); r != want || !r.Boundary() {
		t.Errorf("SetIP makes %+v, want %+v", r, want)
	}
}
