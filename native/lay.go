package native

import (
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Lay returns the program with the length of every instruction that of its
// machine code, so that linking it gives every address that the code will have
// natively. What the emulator runs of it has the same addresses. The error wraps
// [ErrUnsupported] if there is no encoder for the architecture.
func Lay(p *ir.Program, arch abi.Arch) (*ir.Program, error) {
	s, ok := isas[arch]
	if !ok {
		return nil, fmt.Errorf("%w: there is no encoder for %v", ErrUnsupported, arch)
	}
	im, err := ir.Link(p, arch)
	if err != nil {
		return nil, err
	}
	q := *p
	q.Funcs = slices.Clone(p.Funcs)
	n := 0
	for i := range q.Funcs {
		f := &q.Funcs[i]
		f.Body = slices.Clone(f.Body)
		for j := range f.Body {
			if f.Body[j].Kind != ir.Code {
				continue
			}
			code, err := s.machineCode(im, n)
			if err != nil {
				return nil, err
			}
			f.Body[j].Instr.Size = uint8(len(code))
			n++
		}
	}
	return &q, nil
}

// machineCode encodes instruction i of an image where it is.
func (s *isa) machineCode(im *ir.Image, i int) ([]byte, error) {
	a := s.coder(im.Addrs[i])
	a.instruction(im, i)
	if b, _ := a.code(); len(b) > ir.MaxSize {
		a.fail("its %d bytes of machine code are more than one instruction can have", len(b))
	}
	b, err := a.code()
	if err != nil {
		return nil, &ir.LinkError{File: im.Prog.File, Pos: im.Origin[i], Msg: fmt.Sprintf("%v: %v", &im.Source[i], err)}
	}
	if len(b) == 0 {
		b = s.nop // a move to itself; every instruction has its address
	}
	return b, nil
}

// codeOf returns the machine code of a laid out image, with its signatures.
func (s *isa) codeOf(im *ir.Image) ([]byte, error) {
	code := slices.Clone(im.Code)
	for i := range im.Instrs {
		if im.Addrs[i] == im.Restorer {
			continue // the kernel's frame is another one: the driver has its own
		}
		b, err := s.machineCode(im, i)
		if err != nil {
			return nil, err
		}
		if uint64(len(b)) != im.Instrs[i].Len() {
			return nil, fmt.Errorf("native: BUG: %v is %d bytes long, and was %d", &im.Source[i], len(b), im.Instrs[i].Len())
		}
		copy(code[im.Addrs[i]-ir.CodeBase:], b)
	}
	return code, nil
}

// simplified reports whether the machine's form of a call isn't the kernel's, and
// can't be made that.
func simplified(sys abi.Syscall) bool {
	switch sys {
	case abi.SysRtSigaction, abi.SysRtSigreturn:
		return true
	}
	return false
}
