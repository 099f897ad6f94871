package props_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// TestOfReadsTheDeclarations: a property for survival, one for all conditions,
// and one a specification.
func TestOfReadsTheDeclarations(t *testing.T) {
	const program = "const CAPACITY = 1\ndata a: u64\nfunc f()\n ret\nfunc g()\n ret\nthread: f\n"
	for _, tt := range []struct {
		declarations string
		want         int
	}{
		{"", 1},
		{"final a == 0\nalways a == 0", 2},
		{"spec stack(f, g)", 2},
		{"spec stack(f)\nspec counter(g)\nfinal a == 0", 4},
	} {
		fs, err := props.Of(parse(t, program+tt.declarations))
		if err != nil || len(fs) != tt.want {
			t.Errorf("%q: %d properties, %v", tt.declarations, len(fs), err)
		}
	}
	for _, tt := range []struct{ declarations, want string }{
		{"spec queue(f)", `test.rseq:8:1: unknown specification "queue" (`},
		{"spec stack(f, g, f)", "test.rseq:8:1: spec stack takes the functions for push, pop"},
		{"spec stack(f, f)", "test.rseq:8:1: spec stack: f has two roles"},
		{"spec slab(f)", "test.rseq:8:1: spec slab takes the functions for push, pop, drain, push2, pop2"},
	} {
		fs, err := props.Of(parse(t, program+tt.declarations))
		var le *ir.LinkError
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || !errors.As(err, &le) || fs != nil {
			t.Errorf("%q: %v", tt.declarations, err)
		}
	}
}

// TestLinearizableErrors come when a property is made for a machine.
func TestLinearizableErrors(t *testing.T) {
	program := func(capacity string) *ir.Program {
		return parse(t, "const CAPACITY = "+capacity+"\nfunc push(v)\n ret\nthread: push 1\n")
	}
	for _, tt := range []struct {
		capacity string
		funcs    []string
		want     string
	}{
		{"1", []string{"push"}, "<nil>"},
		{"255", []string{"push"}, "<nil>"},
		{"0", []string{"push"}, "spec stack: CAPACITY 0 is out of range (1..255)"},
		{"256", []string{"push"}, "spec stack: CAPACITY 256 is out of range (1..255)"},
		{"1", []string{"psuh"}, `spec stack: the program has no function "psuh"`},
		{"1", nil, "spec stack takes the functions for push, pop"},
	} {
		m := boot(t, program(tt.capacity), "6.18", "")
		_, err := props.Linearizable(props.Stack, tt.funcs...)(m)
		if fmt.Sprint(err) != tt.want {
			t.Errorf("%s %v: %v, want %s", tt.capacity, tt.funcs, err, tt.want)
		}
		if _, err := props.Porcupine(props.Stack, tt.funcs...)(m); fmt.Sprint(err) != tt.want {
			t.Errorf("%s %v, Porcupine: %v, want %s", tt.capacity, tt.funcs, err, tt.want)
		}
	}
}

// TestSurvive: what the kernel forces on a program is a violation that says who,
// where and why; ending by oneself or being killed by somebody isn't.
func TestSurvive(t *testing.T) {
	for _, tt := range []struct{ name, program, want string }{
		{"ends", "func f()\n ret\nthread: f", ""},
		{"exits", "func f()\n mov r0, 3\n syscall exit_group\n ret\nthread: f", ""},
		{"kills itself", "func f()\n mov r0, 1000\n mov r1, SIGTERM\n syscall kill\n ret\nthread: f", ""},
		{"asserts", "func f()\n nop\n trap brk\n ret\nthread: f", "t0 was killed by SIGTRAP at f+4: trap brk: an assertion of the program failed"},
		{"undefined", "func f()\n trap ud\n ret\nthread: f", "t0 was killed by SIGILL at f: an undefined instruction"},
		{"loads", "func f()\nhere:\n ld.8 r0, [16]\n ret\nthread: f", "t0 was killed by SIGSEGV at f.here: a load from memory that isn't readable (0x10)"},
		{"stores", "rodata a: u64\nfunc f()\n st.8 [a], 1\n ret\nthread: f", "t0 was killed by SIGSEGV at f: a store to memory that isn't writable (0x"},
		{"jumps", "func f()\n mov r0, 64\n jmpr r0\n ret\nthread: f", "t0 was killed by SIGSEGV at "},
		{"aligns", "data a: u64\nfunc f()\n mov r0, 1\n ld.acq.8 r0, [r0 + a]\n ret\nthread: f", "t0 was killed by SIGBUS at f+4: a misaligned ordered or atomic access (0x"},
	} {
		m := boot(t, parse(t, tt.program), "6.18", "none")
		out, err := explore.Run(m, []explore.Factory{props.Survive}, explore.Undisturbed(), 0, nil)
		if err != nil || !out.Done {
			t.Fatal(tt.name, out, err)
		}
		switch v := out.Violation; {
		case (v == nil) != (tt.want == ""):
			t.Errorf("%s: %v", tt.name, v)
		case v != nil && (v.Property != "survives" || !strings.HasPrefix(v.Message, tt.want)):
			t.Errorf("%s: %v, want %s", tt.name, v, tt.want)
		}
	}
	_, killed := boot(t, parse(t, "func f()\n ret\nthread: f"), "6.18", "").Killed()
	if killed {
		t.Error("killed before it ran")
	}
}

// TestViolationSaysWhatItWasBefore: the states that the object could have had,
// each once, and not too many of them.
func TestViolationSaysWhatItWasBefore(t *testing.T) {
	m := boot(t, parse(t, "data n: u64[2]\nfunc push(v)\n ret\nfunc pop()\n ret\nthread: push n; pop\nthread: push n\nthread: push 5\n"), "6.18", "")
	mon := property(t, props.Linearizable(props.Stack, "push", "pop"), m)
	for _, e := range []emu.Event{
		{Kind: emu.EvInvoke, Task: 0, A: 0}, {Kind: emu.EvReturn, Task: 0, A: 0, B: 1},
		{Kind: emu.EvInvoke, Task: 0, A: 1}, {Kind: emu.EvReturn, Task: 0, A: 5, B: 0},
	} {
		mon.Observe(e)
	}
	want := "t0's pop returned 5 with r1 = 0, which no order of the calls explains; before it the stack was slot 0 [], slot 1 [n]"
	if v := mon.After(m, 0); v == nil || v.Property != "linearizable(stack)" || v.Message != want {
		t.Errorf("%v\nwant %s", v, want)
	}
	if s := fmt.Sprint(mon.After(m, 0)); s != "linearizable(stack): "+want {
		t.Error(s)
	}
}

// TestOthersCallsDoNotMatter: calls of functions without a role, and tasks that
// aren't the program's threads, are none of a specification's business.
func TestOthersCallsDoNotMatter(t *testing.T) {
	m := boot(t, parse(t, "func push(v)\n ret\nfunc other()\n ret\nthread: other; push 1\n"), "6.18", "")
	for _, f := range []explore.Factory{props.Linearizable(props.Stack, "push"), props.Porcupine(props.Stack, "push")} {
		p := property(t, f, m)
		start := p.AppendState(nil)
		for _, e := range []emu.Event{
			{Kind: emu.EvInvoke, Task: 0, A: 0}, {Kind: emu.EvReturn, Task: 0, A: 99, B: 99},
			{Kind: emu.EvInvoke, Task: 5, A: 0}, {Kind: emu.EvReturn, Task: 5, A: 99, B: 99},
			{Kind: emu.EvAbort, Task: 0, A: 7}, {Kind: emu.EvSyscall, Task: 0},
		} {
			p.Observe(e)
		}
		if v := p.After(m, 0); v != nil || !slices.Equal(p.AppendState(nil), start) {
			t.Errorf("%T: %v", p, v)
		}
	}
}
