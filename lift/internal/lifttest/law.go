package lifttest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// Law says in what the result of a decoder isn't what package isa promises, for
// any bytes. lifted says whether there is an instruction.
func Law(decode func([]byte, ir.Addr) (isa.Instr, error), code []byte, at ir.Addr) (lifted bool, wrong error) {
	in, err := decode(code, at)
	again, err2 := decode(bytes.Clone(code), at)
	if !same(in, again) || fmt.Sprint(err) != fmt.Sprint(err2) {
		return false, fmt.Errorf("% x: %v, then %v", code, in, again)
	}
	if err != nil {
		var un *isa.Unsupported
		switch {
		case !errors.As(err, &un):
			return false, fmt.Errorf("% x: the error is a %T", code, err)
		case un.Addr != at || un.Why == "" || !bytes.HasPrefix(code, un.Code):
			return false, fmt.Errorf("% x: the error is %#v", code, un)
		case !same(in, isa.Instr{}):
			return false, fmt.Errorf("% x: an error and %v", code, in)
		}
		return false, nil
	}
	n := int(in.IR.Len())
	if in.Addr != at || n > len(code) || in.Text == "" {
		return true, fmt.Errorf("% x: %+v", code, in)
	}
	if alone, err := decode(code[:n], at); err != nil || !same(alone, in) {
		return true, fmt.Errorf("% x: %v, but %v without what follows", code, in, alone)
	}
	if err := flow(in); err != nil {
		return true, fmt.Errorf("% x: %s: %v: %w", code, in.Text, in.IR, err)
	}
	return true, nil
}

func same(a, b isa.Instr) bool {
	return a.IR == b.IR && a.Addr == b.Addr && a.Text == b.Text && a.Flow == b.Flow && a.Target == b.Target && a.Lost == b.Lost &&
		slices.Equal(a.Refs, b.Refs)
}

// flow holds Flow, Target and Refs against the bundle, and the bundle against the
// rules of package ir.
func flow(in isa.Instr) error {
	last := &in.IR.Ops[in.IR.N-1]
	flows := map[ir.Opcode][]isa.Flow{
		ir.Br: {isa.Branches}, ir.Beq: {isa.Branches}, ir.Bne: {isa.Branches}, ir.Jmp: {isa.Jumps, isa.Calls}, ir.Call: {isa.Calls},
		ir.Jmpr: {isa.JumpsReg, isa.CallsReg, isa.Returns}, ir.Ret: {isa.Returns}, ir.Syscall: {isa.Syscalls}, ir.Trap: {isa.Traps},
	}[last.Code]
	if flows == nil {
		flows = []isa.Flow{isa.Falls}
	}
	ok := false
	for _, f := range flows {
		ok = ok || f == in.Flow
	}
	if !ok {
		return fmt.Errorf("its flow is %d", in.Flow)
	}
	switch in.Flow {
	case isa.Branches, isa.Jumps, isa.Calls:
		if last.TargetIP != in.Target || last.Target != "" {
			return fmt.Errorf("it goes to %#x, and the micro-op to %q %#x", uint64(in.Target), last.Target, uint64(last.TargetIP))
		}
		last.Target = "target"
	}
	hosted := []isa.Instr{in}
	if _, err := isa.Host(hosted); err != nil {
		return err
	}
	for _, r := range in.Refs {
		if r.Op >= int(in.IR.N) {
			return fmt.Errorf("there is no micro-op %d", r.Op)
		}
		if o := in.IR.Ops[r.Op]; r.Mem && !o.Loads() && !o.Stores() || !r.Mem && o.Code != ir.Mov {
			return fmt.Errorf("micro-op %d has no address", r.Op)
		}
	}
	return hosted[0].IR.Validate()
}
