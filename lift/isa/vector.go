package isa

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// Package ir has no vector registers, and critical sections only carry data
// through them: tcmalloc's on arm64 copies two pointers at a time. A decoder that
// is asked to gives such an instruction with the halves of vector registers as
// registers that package ir doesn't have either; they become, for all the code of a
// program at once, registers that none of it uses.

// firstHalf is the number of the lower half of vector register 0. It is far from
// all of package ir's.
const firstHalf ir.Reg = 64

// Half stands for the lower (0) or upper (1) eight bytes of vector register n, 0
// to 31, until [Host] is called.
func Half(n, half int) ir.Reg { return firstHalf + ir.Reg(2*n+half) }

// Host replaces halves of vector registers by registers from r9 to r29 that no
// instruction of the code uses, and returns them. It takes all the code that can
// run in a thread at once, since functions hand each other vectors. The error
// says that there are too few.
func Host(code ...[]Instr) (hosts []ir.Reg, err error) {
	var used [256]bool
	each(code, func(r *ir.Reg) { used[*r] = true })
	var to [256]ir.Reg
	free := ir.R9
	for r := firstHalf; r < firstHalf+64; r++ {
		if !used[r] {
			continue
		}
		for used[free] && free < ir.R29 {
			free++
		}
		if used[free] {
			return nil, fmt.Errorf("all registers are in use, and none is left for vectors")
		}
		used[free] = true
		to[r] = free
		hosts = append(hosts, free)
	}
	if len(hosts) > 0 {
		each(code, func(r *ir.Reg) {
			if *r >= firstHalf && *r < firstHalf+64 {
				*r = to[*r]
			}
		})
	}
	return hosts, nil
}

// Forget replaces halves of vector registers by a temporary, in an instruction
// for somebody who doesn't follow what goes through them.
func Forget(in *Instr) {
	one := []Instr{*in}
	each([][]Instr{one}, func(r *ir.Reg) {
		if *r >= firstHalf && *r < firstHalf+64 {
			*r = ir.T1
		}
	})
	*in = one[0]
}

// each visits the registers of all instructions.
func each(code [][]Instr, visit func(*ir.Reg)) {
	for _, instrs := range code {
		for i := range instrs {
			in := &instrs[i].IR
			for j := range in.Micro() {
				o := &in.Ops[j]
				for _, r := range []*ir.Reg{&o.Dst, &o.A, &o.B, &o.Mem.Base, &o.Mem.Index} {
					visit(r)
				}
			}
		}
	}
}
