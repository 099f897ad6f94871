package lint

import (
	"fmt"

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
		return arm64.DecodeVector
	case abi.RISCV64:
		return riscv64.Decode
	}
	panic("lint: BUG: no decoder for " + a.String())
}

// instr decodes the instruction at an address of the file.
func (l *linter) instr(at ir.Addr) (isa.Instr, error) {
	code, ok := l.Code(at)
	if !ok {
		return isa.Instr{}, &isa.Unsupported{Addr: at, Why: "no code is there"}
	}
	if l.decoded++; l.decoded > maxAll {
		return isa.Instr{}, &isa.Unsupported{Addr: at, Why: fmt.Sprintf("not looked at: around the sections are more than %d instructions", maxAll)}
	}
	in, err := l.decode(code[:min(len(code), maxInstrLen)], at)
	isa.Forget(&in)
	return in, err
}

// maxInstrLen is the length of the longest instruction, x86's.
const maxInstrLen = 15
