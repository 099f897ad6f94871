package ir_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Every constructor builds what its line of text parses to.
func TestBuilders(t *testing.T) {
	m := ir.Off(ir.R2, 8)
	for _, c := range []struct {
		op   ir.Op
		want string
	}{
		{ir.MovReg(ir.R1, ir.TP), "mov r1, tp"},
		{ir.MovImm(ir.R1, -16), "mov r1, -16"},
		{ir.MovSym(ir.R1, "push_cs"), "mov r1, push_cs"},
		{ir.MovVal(ir.R1, ir.Sym("node").Plus(8)), "mov r1, node + 8"},
		{ir.Add.Reg(ir.R1, ir.R2, ir.R3), "add r1, r2, r3"},
		{ir.Sub.Imm(ir.R1, ir.R2, 5).W(ir.W4).S(), "subs.4 r1, r2, 5"},
		{ir.Add.Imm(ir.R1, ir.R1, 1).SK(), "addsk r1, r1, 1"},
		{ir.Xor.Sym(ir.R1, ir.R2, "mask"), "xor r1, r2, mask"},
		{ir.CmpReg(ir.R1, ir.R2), "cmp r1, r2"},
		{ir.CmpImm(ir.R1, 5).W(ir.W2), "cmp.2 r1, 5"},
		{ir.TstReg(ir.R1, ir.R2), "tst r1, r2"},
		{ir.TstImm(ir.R1, 1), "tst r1, 1"},
		{ir.ZextReg(ir.W4, ir.R1, ir.R2), "zext.4 r1, r2"},
		{ir.SextReg(ir.W1, ir.R1, ir.R2), "sext.1 r1, r2"},
		{ir.InsReg(ir.W2, ir.R1, ir.R2), "ins.2 r1, r2"},
		{ir.Load(ir.W4, ir.R1, ir.At(ir.TP, "cpu_id")), "ld.4 r1, [tp + cpu_id]"},
		{ir.Load(ir.W8, ir.R1, m).Acq(), "ld.8.acq r1, [r2 + 8]"},
		{ir.Load(ir.W8, ir.R1, ir.Abs("node").Indexed(ir.R2, 3)), "ld.8 r1, [r2<<3 + node]"},
		{ir.Store(ir.W4, m, ir.R1).Rel(), "st.4.rel [r2 + 8], r1"},
		{ir.StoreImm(ir.W8, m.Plus(-8), 0), "st.8 [r2], 0"},
		{ir.StoreVal(ir.W8, m, ir.Num(1)), "st.8 [r2 + 8], 1"},
		{ir.Lea(ir.R1, m), "la r1, [r2 + 8]"},
		{ir.BitReg(ir.R1, ir.R2), "bit r1, r2"},
		{ir.BitImm(ir.R1, 63), "bit r1, 63"},
		{ir.NewOp(ir.Flipc), "flipc"},
		{ir.Select(ir.Hi, ir.R1, ir.R2, ir.R3), "csel.hi r1, r2, r3"},
		{ir.Branch(ir.Ne, "x"), "b.ne x"},
		{ir.BranchEq(ir.W8, ir.R1, ir.R2, "x"), "beq r1, r2, x"},
		{ir.BranchNe(ir.W4, ir.R1, ir.R2, "x"), "bne.4 r1, r2, x"},
		{ir.BranchEqImm(ir.W1, ir.R1, 0, "x"), "beq.1 r1, 0, x"},
		{ir.BranchNeImm(ir.W8, ir.R1, -1, "x"), "bne r1, -1, x"},
		{ir.Jump("x"), "jmp x"},
		{ir.JumpReg(ir.R1), "jmpr r1"},
		{ir.CallFunc("f"), "call f"},
		{ir.Return(), "ret"},
		{ir.Barrier(ir.FenceFull), "fence"},
		{ir.Barrier(ir.FenceW), "fence.w"},
		{ir.FetchAdd(ir.W4, ir.R1, m, ir.R3), "xadd.4 r1, [r2 + 8], r3"},
		{ir.Exchange(ir.W8, ir.R1, m, ir.R3), "xchg r1, [r2 + 8], r3"},
		{ir.CompareExchange(ir.W8, ir.R1, m, ir.R3), "cmpxchg r1, [r2 + 8], r3"},
		{ir.LoadLinked(ir.W8, ir.R1, m).Acq(), "ll.acq r1, [r2 + 8]"},
		{ir.StoreConditional(ir.W8, ir.R1, m, ir.R3).Rel(), "sc.rel r1, [r2 + 8], r3"},
		{ir.Sys(abi.SysSchedYield), "syscall sched_yield"},
		{ir.SysNr(), "syscall r8"},
		{ir.Fault(ir.TrapBrk), "trap brk"},
		{ir.NewOp(ir.Nop), "nop"},
	} {
		if got := c.op.String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		p, err := ir.Parse("", []byte("func f()\n"+c.want))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(p.Funcs[0].Body[0].Instr, ir.NewInstr(c.op)); diff != "" {
			t.Errorf("%s (-text +Go): %s", c.want, diff)
		}
	}
}

// The list of testdata, in Go.
func list() *ir.Program {
	op := func(name string, params ...string) *ir.Func {
		return ir.NewFunc(name, params...).
			Section(name+"_cs", "start", "commit", "abort").
			Label("retry").
			Do(ir.Load(ir.W4, ir.R2, ir.At(ir.TP, "cpu_id_start"))).
			Bundle(ir.Shl.Sym(ir.T0, ir.R2, "percpu_shift"), ir.Add.Sym(ir.R3, ir.T0, "head")).
			Do(
				ir.MovSym(ir.R4, name+"_cs"),
				ir.Store(ir.W8, ir.At(ir.TP, "rseq_cs"), ir.R4),
			).
			Label("start").
			Do(
				ir.Load(ir.W4, ir.R4, ir.At(ir.TP, "cpu_id")),
				ir.BranchNe(ir.W4, ir.R4, ir.R2, "abort"),
			)
	}
	push := op("push", "node").
		Do(
			ir.Load(ir.W8, ir.R4, ir.Off(ir.R3, 0)),
			ir.Store(ir.W8, ir.At(ir.R0, "NEXT"), ir.R4),
			ir.Store(ir.W8, ir.Off(ir.R3, 0), ir.R0),
		).
		Label("commit").
		Do(ir.MovReg(ir.R0, ir.R2), ir.Return()).
		Sig().
		Label("abort").
		Do(ir.Jump("retry"))
	pop := op("pop").
		Do(
			ir.Load(ir.W8, ir.R0, ir.Off(ir.R3, 0)),
			ir.BranchEqImm(ir.W8, ir.R0, 0, "empty"),
			ir.Load(ir.W8, ir.R4, ir.At(ir.R0, "NEXT")),
			ir.Store(ir.W8, ir.Off(ir.R3, 0), ir.R4),
		).
		Label("commit").
		Do(ir.Return()).
		Label("empty").
		Do(ir.Return()).
		Sig().
		Label("abort").
		Do(ir.Jump("retry"))
	node := ir.Sym("node")
	p := ir.NewProgram("list").
		Const("NEXT", 0).
		Var(ir.PerCPU, "head", ir.W8, 1).
		Var(ir.Global, "node", ir.W8, 6, ir.Num(0), ir.Num(10), ir.Num(0), ir.Num(20), ir.Num(0), ir.Num(30)).
		Add(push, pop).
		Thread(ir.Do("push", node), ir.Do("pop")).
		Thread(ir.Do("push", node.Plus(16)), ir.Do("pop")).
		ThreadOn(1, ir.Do("push", node.Plus(32))).
		Spec("stack", "push", "pop")
	p.Setup.CPUs = 2
	p.Setup.Budget = ir.Budget{{Event: "preempt", Max: 2}, {Event: "migrate", Max: 1}}
	for _, c := range []struct {
		when ir.CheckWhen
		cond string
	}{
		{ir.Invariantly, "list(head, NEXT) <= 3"},
		{ir.Finally, "list(head, NEXT) == calls(push) - got(pop)"},
	} {
		e, err := ir.ParseExpr(c.cond)
		if err != nil {
			panic(err)
		}
		p.Check(c.when, e)
	}
	return p
}

// A program from Go is the program from text, comments aside.
func TestBuilderEqualsText(t *testing.T) {
	src, err := os.ReadFile("testdata/list.rseq")
	if err != nil {
		t.Fatal(err)
	}
	want, err := ir.Parse("list.rseq", src)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, list(), samePrograms, cmpopts.IgnoreTypes(ir.Notes{})); diff != "" {
		t.Errorf("(-text +Go):\n%s", diff)
	}
	if _, err := ir.Link(list(), abi.ARM64); err != nil {
		t.Error(err)
	}
}

// Mistakes that only Go can make are errors of Link, with a place.
func TestLinkErrorsFromGo(t *testing.T) {
	fn := func(ops ...ir.Op) *ir.Func { return ir.NewFunc("f").Do(ops...) }
	prog := func() *ir.Program { return ir.NewProgram("p") }
	with := func(change func(*ir.Program)) *ir.Program {
		p := prog().Add(fn(ir.Return()))
		change(p)
		return p
	}
	for _, c := range []struct {
		name string
		p    *ir.Program
		want string
	}{
		{"invalid", prog().Add(fn(ir.MovReg(ir.TP, ir.R1))), `p: mov: tp is never written, in f: mov tp, r1`},
		{"no name", prog().Const("", 1), `p: a name is missing`},
		{"no program's name", ir.NewProgram("").Const("", 1), `a name is missing`},
		{"width", prog().Var(ir.Global, "x", 3, 1), `p: data "x" is data of 3 bytes an element`},
		{"kind", prog().Var(9, "x", 8, 1), `p: data "x" is unknown(9) of 8 bytes an element`},
		{"count", prog().Var(ir.Global, "x", 8, 0), `p: data "x" has 0 elements and 0 values; 1 to 65536 elements`},
		{"values", prog().Var(ir.Global, "x", 8, 1, ir.Num(1), ir.Num(2)), `p: data "x" has 1 elements and 2 values; 1 to 65536 elements`},
		{"far", prog().VarAt(1<<62, "x", 8, 1), `p: tls "x" at 4611686018427387904 is out of range (-65536..65536)`},
		{"far below", prog().VarAt(-1<<63, "x", 8, 1), `p: tls "x" at -9223372036854775808 is out of range (-65536..65536)`},
		{"arguments", prog().Add(fn(ir.Return())).Thread(ir.Do("f", make([]ir.Value, 7)...)), `p: "f" gets 7 arguments, at most 6`},
		{"stack", with(func(p *ir.Program) { p.Setup.StackSize = -1 }), `p: stack of -1 bytes is out of range (0..65536)`},
		{"CPUs", with(func(p *ir.Program) { p.Setup.CPUs = 65 }), `p: cpus is 1 to 64, not 65`},
		{"no room", with(func(p *ir.Program) { p.Var(ir.PerCPU, "x", 8, 5000).Setup.CPUs = 17 }), `p: 17 CPUs with 65536 bytes of percpu data each are too many: there is room for 16`},
		{"no room for threads", with(func(p *ir.Program) { p.VarAt(64, "x", 8, 8000).Threads = make([]ir.Thread, 17) }), `p: 17 threads with 64064 bytes of tls data each are too many: there is room for 16`},
		{"registration", with(func(p *ir.Program) { p.Setup.Register = 3 }), `p: there is no registration 3`},
		{"budget", with(func(p *ir.Program) { p.Setup.Budget = ir.Budget{{Event: "preempt", Max: -1}} }), `p: the bound of "preempt" is negative`},
		{"signal", with(func(p *ir.Program) { p.Handle(65, "f") }), `p: there is no signal 65`},
		{"operator", with(func(p *ir.Program) { p.Check(ir.Finally, ir.Expr{Op: ir.ExprAdd}) }), `p: an expression's node 5 has 0 operands`},
		{"expression", with(func(p *ir.Program) { p.Check(ir.Finally, ir.Expr{Op: 99}) }), `p: an expression's node 99 has 0 operands`},
	} {
		im, err := ir.Link(c.p, abi.AMD64)
		if im != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.name, err, c.want)
		}
		_ = c.p.String() // whatever it is, it prints
	}
	if _, err := ir.Link(prog(), 200); err == nil {
		t.Error("linked for an architecture that doesn't exist")
	}
}
