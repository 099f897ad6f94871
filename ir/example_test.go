package ir_test

import (
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// A counter on each CPU, from Go. The addition is one instruction of three
// micro-ops, as it is on x86, and it is the commit.
func ExampleNewProgram() {
	inc := ir.NewFunc("inc", "n").
		Section("inc_cs", "start", "commit", "abort").
		Label("retry").
		Do(ir.Load(ir.W4, ir.R2, ir.At(ir.TP, "cpu_id_start"))).
		Bundle(ir.Shl.Sym(ir.T0, ir.R2, "percpu_shift"), ir.Add.Sym(ir.R3, ir.T0, "count")).
		Do(
			ir.MovSym(ir.R4, "inc_cs"),
			ir.Store(ir.W8, ir.At(ir.TP, "rseq_cs"), ir.R4),
		).
		Label("start").
		Do(
			ir.Load(ir.W4, ir.R4, ir.At(ir.TP, "cpu_id")),
			ir.BranchNe(ir.W4, ir.R4, ir.R2, "abort"),
		).
		Bundle(
			ir.Load(ir.W8, ir.T0, ir.Off(ir.R3, 0)),
			ir.Add.Reg(ir.T0, ir.T0, ir.R0),
			ir.Store(ir.W8, ir.Off(ir.R3, 0), ir.T0),
		).
		Label("commit").
		Do(ir.Return()).
		Sig().
		Label("abort").
		Do(ir.Jump("retry"))

	counted, err := ir.ParseExpr("sum(count) == 3")
	if err != nil {
		fmt.Println(err)
		return
	}
	p := ir.NewProgram("counter").
		Var(ir.PerCPU, "count", ir.W8, 1).
		Add(inc).
		Thread(ir.Do("inc", ir.Num(1))).
		Thread(ir.Do("inc", ir.Num(2))).
		Check(ir.Finally, counted)

	if _, err := ir.Link(p, abi.AMD64); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(p)
	// Output:
	// percpu count: u64
	//
	// func inc(n)
	//     cs inc_cs: start_ip=start post_commit_ip=commit abort_ip=abort
	// retry:
	//     ld.4  r2, [tp + cpu_id_start]
	//     { shl t0, r2, percpu_shift; add r3, t0, count }
	//     mov   r4, inc_cs
	//     st.8  [tp + rseq_cs], r4
	// start:
	//     ld.4  r4, [tp + cpu_id]
	//     bne.4 r4, r2, abort
	//     { ld.8 t0, [r3]; add t0, t0, r0; st.8 [r3], t0 }
	// commit:
	//     ret
	//     sig
	// abort:
	//     jmp   retry
	//
	// thread: inc 1
	// thread: inc 2
	//
	// final  sum(count) == 3
}

// An error says where it is, and can show it.
func ExampleParse() {
	_, err := ir.Parse("list.rseq", []byte("func pop()\n    ld.8 r0, [r99]\n"))
	fmt.Println(err)
	var syntax *ir.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println(syntax.Snippet())
	}
	// Output:
	// list.rseq:2:15: unknown register "r99" (r0..r31, tp)
	//     ld.8 r0, [r99]
	//               ^
}

// A linked program knows every address.
func ExampleLink() {
	p, err := ir.Parse("spin.rseq", []byte(`
percpu count: u64
func spin()
    cs spin_cs: start_ip=retry post_commit_ip=out abort_ip=retry
retry:
    { ld.8 t0, [r1]; add t0, t0, 1; st.8 [r1], t0 } !3
    cmp  r1, r2
    b.ne retry
out:
    ret
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	im, err := ir.Link(p, abi.ARM64)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, addr := range im.Addrs {
		fmt.Printf("%#x  %-8v  %+v\n", uint64(addr), im.Where(addr), im.Instrs[i])
	}
	fmt.Printf("%+v\n", im.Sections[0].CS)
	// Output:
	// 0x10000  spin.retry  { ld.8 t0, [r1]; add t0, t0, 1; st.8 [r1], t0 } !3
	// 0x10003  spin.retry+3  cmp r1, r2
	// 0x10007  spin.retry+7  b.ne retry@0x10000
	// 0x1000b  spin.out  ret
	// {Version:0 Flags:0 StartIP:65536 PostCommitOffset:11 AbortIP:65536}
}

func ExampleFormat() {
	text, err := ir.Format("", []byte("data x:u32=0x10\nfunc f(a)   # doubles\nadd r0,r0,r0\n ret\nthread:f x;f 2"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(text))
	// Output:
	// data   x: u32 = 16
	//
	// func f(a)  # doubles
	//     add   r0, r0, r0
	//     ret
	//
	// thread: f x; f 2
}
