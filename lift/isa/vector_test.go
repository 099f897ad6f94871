package isa_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// code is instructions of these micro-ops, one each.
func code(ops ...ir.Op) (instrs []isa.Instr) {
	for _, o := range ops {
		instrs = append(instrs, isa.Instr{IR: ir.NewInstr(o)})
	}
	return instrs
}

// TestVectorsGetRegistersThatNothingUses: each half has one of its own, in all
// functions the same.
func TestVectorsGetRegistersThatNothingUses(t *testing.T) {
	f := code(
		ir.Load(ir.W8, isa.Half(3, 0), ir.Off(ir.R9, 0)),
		ir.Load(ir.W8, isa.Half(3, 1), ir.Off(ir.R9, 8)),
		ir.Add.Reg(ir.R0, ir.R11, ir.R1),
	)
	g := code(
		ir.Store(ir.W8, ir.Off(ir.SP, 0).Indexed(ir.R12, 0), isa.Half(3, 1)),
		ir.MovImm(isa.Half(0, 1), 0),
	)
	hosts, err := isa.Host(f, g)
	if err != nil {
		t.Fatal(err)
	}
	if want := []ir.Reg{ir.R10, ir.R13, ir.R14}; !slices.Equal(hosts, want) {
		t.Errorf("hosts are %v, want %v", hosts, want)
	}
	wantF := code(
		ir.Load(ir.W8, ir.R13, ir.Off(ir.R9, 0)),
		ir.Load(ir.W8, ir.R14, ir.Off(ir.R9, 8)),
		ir.Add.Reg(ir.R0, ir.R11, ir.R1),
	)
	wantG := code(
		ir.Store(ir.W8, ir.Off(ir.SP, 0).Indexed(ir.R12, 0), ir.R14),
		ir.MovImm(ir.R10, 0),
	)
	if diff := cmp.Diff([][]isa.Instr{wantF, wantG}, [][]isa.Instr{f, g}); diff != "" {
		t.Error(diff)
	}
}

// TestCodeWithoutVectorsStaysAsItIs whatever registers it uses.
func TestCodeWithoutVectorsStaysAsItIs(t *testing.T) {
	var all []ir.Op
	for n := range 32 {
		all = append(all, ir.MovReg(ir.R(n), ir.TP))
	}
	f := code(all...)
	hosts, err := isa.Host(f)
	if err != nil || len(hosts) != 0 {
		t.Errorf("%v, %v", hosts, err)
	}
	if diff := cmp.Diff(code(all...), f); diff != "" {
		t.Error(diff)
	}
}

// TestTooFewRegistersForVectorsIsAnError, and changes nothing.
func TestTooFewRegistersForVectorsIsAnError(t *testing.T) {
	var all []ir.Op
	for n := range 11 { // of r9 to r29 there are 21
		all = append(all, ir.MovReg(isa.Half(n, 0), isa.Half(n, 1)))
	}
	f := code(all...)
	if _, err := isa.Host(f); err == nil {
		t.Error("22 halves have found a register")
	}
	if diff := cmp.Diff(code(all...), f); diff != "" {
		t.Error(diff)
	}
	if hosts, err := isa.Host(f[:10], code(ir.MovImm(isa.Half(10, 1), 0))); err != nil || len(hosts) != 21 {
		t.Errorf("21 halves: %v, %v", hosts, err)
	}
}

// TestForgottenVectorsAreATemporary, and the rest of the instruction is as it was.
func TestForgottenVectorsAreATemporary(t *testing.T) {
	in := code(ir.Store(ir.W8, ir.Off(ir.R9, 8).Indexed(ir.T0, 0), isa.Half(31, 1)))[0]
	isa.Forget(&in)
	want := code(ir.Store(ir.W8, ir.Off(ir.R9, 8).Indexed(ir.T0, 0), ir.T1))[0]
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}
