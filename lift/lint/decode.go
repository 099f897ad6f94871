package lint

import (
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/amd64"
	"github.com/rseqemu/rseqemu/lift/arm64"
	"github.com/rseqemu/rseqemu/lift/isa"
	"github.com/rseqemu/rseqemu/lift/riscv64"
)

// decoder lifts one instruction.
type decoder func(code []byte, at ir.Addr) (isa.Instr, error)

// decoderOf returns the decoder of an architecture that lift/elf reads.
func decoderOf(a abi.Arch) decoder {
	switch a {
	case abi.AMD64:
		return amd64.Decode
	case abi.ARM64:
		return arm64Instr
	case abi.RISCV64:
		return riscv64.Decode
	}
	panic("lint: BUG: no decoder for " + a.String())
}

// arm64Instr decodes an instruction of arm64. Vectors carry data only, which
// nothing here asks for: it comes from nowhere, and goes nowhere.
func arm64Instr(code []byte, at ir.Addr) (isa.Instr, error) {
	in, err := arm64.DecodeVector(code, at)
	ops := in.IR.Micro()
	for k := range ops {
		for _, r := range []*ir.Reg{&ops[k].Dst, &ops[k].A, &ops[k].B} {
			if *r > ir.None {
				*r = ir.T0
			}
		}
	}
	return in, err
}

// instr decodes the instruction at an address of the file.
func (l *linter) instr(at ir.Addr) (isa.Instr, error) {
	code, ok := l.Code(at)
	if !ok {
		return isa.Instr{}, &isa.Unsupported{Addr: at, Why: "no code is there"}
	}
	in, err := l.decode(code[:min(len(code), maxInstrLen)], at)
	isa.Forget(&in)
	return in, err
}

// maxInstrLen is the length of the longest instruction, x86's.
const maxInstrLen = 15
