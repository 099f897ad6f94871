package gen

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"pgregory.net/rapid"
)

// The shape of a program that Program draws.
const (
	maxFuncs   = 2
	maxThreads = 3
	maxCalls   = 2
	maxBody    = 3 // instructions of a section besides its comparison and commit
	cells      = 2 // per-CPU words that sections read and commit to
)

// Program draws a program of per-CPU operations. Each is a critical section in
// the usual form: read an id, compute the CPU's area, arm the descriptor, compare
// the id again, load and compute, and commit with the section's last
// instruction, which adds 1 to one of the CPU's words. Threads call them a few
// times. An aborted section is tried again, so that every call commits exactly
// once: the program says so in its final check, which holds on every kernel that
// aborts interrupted sections.
func Program() *rapid.Generator[*ir.Program] {
	return rapid.Custom(func(t *rapid.T) *ir.Program {
		p := ir.NewProgram("generated").
			Var(ir.PerCPU, "cell", ir.W8, cells).
			Var(ir.PerCPU, "scratch", ir.W8, 1)
		total := ""
		funcs := rapid.IntRange(1, maxFuncs).Draw(t, "functions")
		for i := range funcs {
			p.Add(section(t, fmt.Sprintf("op%d", i)))
			if i > 0 {
				total += " + "
			}
			total += fmt.Sprintf("calls(op%d)", i)
		}
		for range rapid.IntRange(1, maxThreads).Draw(t, "threads") {
			var calls []ir.OpCall
			for range rapid.IntRange(1, maxCalls).Draw(t, "calls") {
				calls = append(calls, ir.Do(fmt.Sprintf("op%d", rapid.IntRange(0, funcs-1).Draw(t, "function"))))
			}
			p.Thread(calls...)
		}
		cond, err := ir.ParseExpr("sum(cell) == " + total)
		if err != nil {
			panic("gen: BUG: " + err.Error())
		}
		return p.Check(ir.Finally, cond)
	})
}

// section draws an operation. r2 is the CPU, r3 its area, r6 and up are what the
// section computes with.
func section(t *rapid.T, name string) *ir.Func {
	cs := name + "_cs"
	f := ir.NewFunc(name).
		Section(cs, "start", "commit", "abort").
		Label("retry").
		Do(ir.Load(ir.W4, ir.R2, ir.At(ir.TP, "cpu_id_start"))).
		Bundle(ir.Shl.Sym(ir.T0, ir.R2, "percpu_shift"), ir.Add.Sym(ir.R3, ir.T0, "cell")).
		Do(ir.MovSym(ir.R4, cs), ir.Store(ir.W8, ir.At(ir.TP, "rseq_cs"), ir.R4)).
		Label("start").
		Do(ir.Load(ir.W4, ir.R4, ir.At(ir.TP, "cpu_id")), ir.BranchNe(ir.W4, ir.R4, ir.R2, "abort"))
	for range rapid.IntRange(0, maxBody).Draw(t, "body") {
		f.Do(bodyOp(t))
	}
	cell := ir.Off(ir.R3, int64(8*rapid.IntRange(0, cells-1).Draw(t, "cell")))
	if rapid.Bool().Draw(t, "commit with a plain store") {
		f.Do(ir.Load(ir.W8, ir.R5, cell), ir.Add.Imm(ir.R5, ir.R5, 1), ir.Store(ir.W8, cell, ir.R5))
	} else {
		f.Bundle(ir.Load(ir.W8, ir.T0, cell), ir.Add.Imm(ir.T0, ir.T0, 1), ir.Store(ir.W8, cell, ir.T0))
	}
	return f.Label("commit").
		Do(ir.MovImm(ir.R0, 0), ir.MovReg(ir.R1, ir.R2), ir.Return()).
		Sig().
		Label("abort").
		Do(ir.Jump("retry"))
}

// bodyOp draws an instruction that may be run any number of times: it reads the
// CPU's words, computes, or writes to the CPU's scratch word, which nobody reads.
func bodyOp(t *rapid.T) ir.Op {
	reg := ir.R(rapid.IntRange(6, 9).Draw(t, "register"))
	switch rapid.IntRange(0, 3).Draw(t, "instruction") {
	case 0:
		return ir.Load(ir.W8, reg, ir.Off(ir.R3, int64(8*rapid.IntRange(0, cells-1).Draw(t, "cell"))))
	case 1:
		return ir.Add.Imm(reg, reg, rapid.Int64Range(-2, 2).Draw(t, "number"))
	case 2:
		return ir.Xor.Reg(reg, reg, ir.R(rapid.IntRange(6, 9).Draw(t, "source")))
	}
	return ir.Store(ir.W8, ir.Off(ir.R3, 8*cells), reg)
}
