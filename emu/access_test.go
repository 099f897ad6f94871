package emu

import (
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// TestNextAccess: of a call's first instruction while the thread is between
// calls, with the call's arguments; of the middle of an instruction; and nothing
// where there is no step.
func TestNextAccess(t *testing.T) {
	p := parseMenu("data cell: u64[2]\nfunc f(a)\n { ld.8 t0, [r0]; st.8 [r0 + 8], t0 }\n ret\nfunc g()\n syscall nanosleep\n ret\nthread: f cell; g\n")
	k, err := ParseKernel("6.18")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(p, Config{Kernel: k})
	if err != nil {
		t.Fatal(err)
	}
	cell := m.Image().Symbols["cell"]
	load, store := vcpu.Access{Addr: cell, Width: ir.W8, Load: true}, vcpu.Access{Addr: cell + 8, Width: ir.W8, Store: true}
	for _, tt := range []struct {
		what string
		want []vcpu.Access
		trap vcpu.TrapKind
	}{
		{"before the call", []vcpu.Access{load}, vcpu.TrapNone},
		{"in the middle", []vcpu.Access{store}, vcpu.TrapNone},
		{"ret", nil, vcpu.TrapNone},
		{"syscall", nil, vcpu.TrapSyscall},
		{"asleep", nil, vcpu.TrapNone},
	} {
		got, trap := m.NextAccess(0, []vcpu.Access{load})
		if got = got[1:]; len(got) != len(tt.want) || len(got) > 0 && got[0] != tt.want[0] || trap.Kind != tt.trap {
			t.Errorf("%s: %v, %v", tt.what, got, trap)
		}
		if got, trap := m.NextAccess(1, nil); got != nil || trap.Kind != vcpu.TrapNone {
			t.Errorf("of an idle CPU: %v, %v", got, trap)
		}
		if tt.what != "asleep" {
			m.Do(StepOn(0))
		}
	}
}
