package ir_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/ir"
)

// instrCase is a line of testdata/instr.txt.
type instrCase struct {
	line       int
	text, want string
	bad        bool // want is an error: that of the parser without its position
}

// instrCases reads the table of instructions.
func instrCases(t testing.TB) (cases []instrCase) {
	t.Helper()
	src, err := os.ReadFile("testdata/instr.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(src), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		text, want, found := strings.Cut(line, " || ")
		c := instrCase{line: i + 1, text: strings.TrimSpace(text), want: strings.TrimSpace(want)}
		if !found {
			c.want = c.text
		}
		if c.want, c.bad = strings.CutPrefix(c.want, "error: "); c.bad {
			c.want = strings.TrimSpace(c.want)
		}
		cases = append(cases, c)
	}
	return cases
}

func TestInstr(t *testing.T) {
	for _, c := range instrCases(t) {
		p, err := ir.Parse("", []byte("func f()\n"+c.text))
		if c.bad {
			want := "2:" + c.want
			if err == nil || err.Error() != want {
				t.Errorf("instr.txt:%d: %s\n got %v\nwant %s", c.line, c.text, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("instr.txt:%d: %v", c.line, err)
			continue
		}
		in := p.Funcs[0].Body[0].Instr
		if got := fmt.Sprint(in); got != c.want {
			t.Errorf("instr.txt:%d: %s\n got %s\nwant %s", c.line, c.text, got, c.want)
		}
		if err := in.Validate(); err != nil {
			t.Errorf("instr.txt:%d: %v", c.line, err)
		}
	}
}

// Every opcode has a line in the table.
func TestInstrTableIsComplete(t *testing.T) {
	seen := map[ir.Opcode]bool{}
	for _, c := range instrCases(t) {
		if p, err := ir.Parse("", []byte("func f()\n"+c.text)); err == nil {
			for _, o := range p.Funcs[0].Body[0].Instr.Micro() {
				seen[o.Code] = true
			}
		}
	}
	for code := ir.Nop; code <= ir.Trap; code++ {
		if !seen[code] {
			t.Errorf("no line has %v", code)
		}
	}
}

func TestFormatVerbs(t *testing.T) {
	o := ir.Jump("retry")
	in := ir.NewInstr(o)
	in.Ops[0].TargetIP = 0x10004
	for _, c := range []struct {
		format string
		arg    any
		want   string
	}{
		{"%v", o, "jmp retry"},
		{"%s", in, "jmp retry"},
		{"%v", &in, "jmp retry"},
		{"%+v", in, "jmp retry@0x10004"},
		{"%+v", o, "jmp retry"},
		{"%v", ir.Op{Code: 99}, "opcode(99)"},
		{"%v", ir.Instr{}, "{  }"},
		{"%v", ir.NewProgram("p"), ""},
		{"%v", (*ir.Program)(nil), "<nil>"},
		{"%v", ir.At(ir.TP, "cpu_id").Plus(-4), "[tp + cpu_id - 4]"},
		{"%v", ir.Eq, "eq"},
	} {
		if got := fmt.Sprintf(c.format, c.arg); got != c.want {
			t.Errorf("%s: got %q, want %q", c.format, got, c.want)
		}
	}
	if got := fmt.Sprintf("%#v", ir.NewOp(ir.Ret)); !strings.Contains(got, "Code:") {
		t.Errorf("%%#v of a micro-op is %s", got)
	}
}

func TestValidate(t *testing.T) {
	bundle := func(n uint8, ops ...ir.Op) ir.Instr {
		in := ir.NewInstr(ops...)
		in.N = n
		return in
	}
	odd := func(change func(*ir.Op)) ir.Instr {
		o := ir.Add.Reg(ir.R1, ir.R2, ir.R3)
		change(&o)
		return ir.NewInstr(o)
	}
	for _, c := range []struct {
		name string
		in   ir.Instr
		want ir.InvalidError
	}{
		{"no micro-ops", bundle(0, ir.Return()), ir.InvalidError{Op: -1, Msg: "an instruction has 1 to 3 micro-ops, not 0"}},
		{"four micro-ops", bundle(4, ir.Return()), ir.InvalidError{Op: -1, Msg: "an instruction has 1 to 3 micro-ops, not 4"}},
		{"long", ir.Instr{N: 1, Size: 16}, ir.InvalidError{Op: -1, Msg: "an instruction is at most 15 bytes long, not 16"}},
		{"zero", ir.Instr{N: 1}, ir.InvalidError{Op: 0, Msg: "nop has an operand that it doesn't take"}},
		{"opcode", ir.NewInstr(ir.NewOp(200)), ir.InvalidError{Op: 0, Msg: "there is no micro-op opcode(200)"}},
		{"flags", ir.NewInstr(ir.MovReg(ir.R1, ir.R2).S()), ir.InvalidError{Op: 0, Msg: "mov has no flag mode 1"}},
		{"width", ir.NewInstr(ir.MovReg(ir.R1, ir.R2).W(3)), ir.InvalidError{Op: 0, Msg: "mov needs a width of .1, .2, .4 or .8"}},
		{"no width", ir.NewInstr(ir.Return().W(8)), ir.InvalidError{Op: 0, Msg: "ret takes no width"}},
		{"condition", odd(func(o *ir.Op) { o.Cond = ir.Eq }), ir.InvalidError{Op: 0, Msg: "add takes no condition"}},
		{"no condition", ir.NewInstr(ir.Branch(ir.Always, "x")), ir.InvalidError{Op: 0, Msg: "b needs a condition"}},
		{"order", odd(func(o *ir.Op) { o.Order = ir.Acquire }), ir.InvalidError{Op: 0, Msg: "add can't have that memory order"}},
		{"destination", odd(func(o *ir.Op) { o.Dst = ir.TP }), ir.InvalidError{Op: 0, Msg: "add: tp is never written"}},
		{"no destination", odd(func(o *ir.Op) { o.Dst = ir.None }), ir.InvalidError{Op: 0, Msg: "add: the destination is missing"}},
		{"no source", odd(func(o *ir.Op) { o.A = ir.None }), ir.InvalidError{Op: 0, Msg: "add: a source register is missing"}},
		{"register", odd(func(o *ir.Op) { o.B = ir.None + 1 }), ir.InvalidError{Op: 0, Msg: "add: an operand is a register that doesn't exist"}},
		{"two operands", odd(func(o *ir.Op) { o.Imm = 1 }), ir.InvalidError{Op: 0, Msg: "add has an operand that it doesn't take"}},
		{"memory", odd(func(o *ir.Op) { o.Mem.Base = ir.R1 }), ir.InvalidError{Op: 0, Msg: "add has an operand that it doesn't take"}},
		{"scale", ir.NewInstr(ir.Load(8, ir.R1, ir.Off(ir.R2, 0).Indexed(ir.R3, 4))), ir.InvalidError{Op: 0, Msg: "ld: an index is shifted by 0 to 3, not 4"}},
		{"no index", ir.NewInstr(ir.Load(8, ir.R1, ir.Off(ir.R2, 0).Indexed(ir.None, 1))), ir.InvalidError{Op: 0, Msg: "ld: the address has a scale and no index"}},
		{"target", ir.NewInstr(ir.Jump("")), ir.InvalidError{Op: 0, Msg: "jmp: the target is missing"}},
		{"syscall", ir.NewInstr(ir.Sys(0)), ir.InvalidError{Op: 0, Msg: "syscall: there is no system call 0"}},
		{"trap", ir.NewInstr(ir.Fault(3)), ir.InvalidError{Op: 0, Msg: "trap: there is no trap 3"}},
		{"lock", ir.NewInstr(ir.MovReg(ir.R1, ir.R2)).Lock(), ir.InvalidError{Op: -1, Msg: "lock needs an access to memory"}},
		{"branch first", ir.NewInstr(ir.Jump("x"), ir.NewOp(ir.Nop)), ir.InvalidError{Op: 0, Msg: "jmp must be the last micro-op of its instruction"}},
		{"temporary", ir.NewInstr(ir.NewOp(ir.Nop), ir.MovReg(ir.R1, ir.T0)), ir.InvalidError{Op: 1, Msg: "t0 is read before this instruction writes it"}},
		{"temporary part", ir.NewInstr(ir.InsReg(1, ir.T1, ir.R1)), ir.InvalidError{Op: 0, Msg: "t1 is read before this instruction writes it"}},
	} {
		err := c.in.Validate()
		got, ok := err.(*ir.InvalidError)
		if !ok {
			t.Errorf("%s: got %v, want an error", c.name, err)
			continue
		}
		if diff := cmp.Diff(&c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
