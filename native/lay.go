package native

import (
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Lay returns the program with the length of every instruction that of its
// machine code, so that linking it gives every address that the code will have
// natively. What the emulator runs of it has the same addresses.
func Lay(p *ir.Program) (*ir.Program, error) {
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		return nil, err
	}
	if err := checkFlags(im); err != nil {
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
			code, err := machineCode(im, n)
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
func machineCode(im *ir.Image, i int) ([]byte, error) {
	a := &asm{at: im.Addrs[i]}
	in := &im.Instrs[i]
	a.encode(in, im.Addrs[i]+ir.Addr(in.Len()))
	if len(a.buf) == 0 {
		a.bytes(0x90) // a move to itself; every instruction has its address
	}
	if a.err == nil && len(a.buf) > ir.MaxSize {
		a.fail("its %d bytes of machine code are more than one instruction can have", len(a.buf))
	}
	if a.err != nil {
		return nil, &ir.LinkError{File: im.Prog.File, Pos: im.Origin[i], Msg: fmt.Sprintf("%v: %v", &im.Source[i], a.err)}
	}
	return a.buf, nil
}

// codeOf returns the machine code of a laid out image, with its signatures.
func codeOf(im *ir.Image) ([]byte, error) {
	code := slices.Clone(im.Code)
	for i := range im.Instrs {
		if im.Addrs[i] == im.Restorer {
			continue // the kernel's frame is another one: the driver has its own
		}
		b, err := machineCode(im, i)
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

// checkFlags refuses a program that reads flags which x86-64 loses on the way:
// most instructions that leave the machine's flags alone change x86-64's. An
// instruction that reads them must come behind the one that sets them with
// nothing in between but moves, loads and stores.
func checkFlags(im *ir.Image) error {
	for i := range im.Instrs {
		if !readsFlags(&im.Instrs[i]) {
			continue
		}
		for j := i - 1; ; j-- {
			if j < 0 || clobbersFlags(&im.Instrs[j]) && !setsFlags(&im.Instrs[j]) {
				return &ir.LinkError{File: im.Prog.File, Pos: im.Origin[i], Msg: fmt.Sprintf(
					"%v: x86-64's flags have been changed since they were set", &im.Source[i])}
			}
			if setsFlags(&im.Instrs[j]) {
				break
			}
		}
	}
	return nil
}

// readsFlags reports whether the instruction reads flags that it hasn't set.
func readsFlags(in *ir.Instr) bool {
	for _, o := range in.Micro() {
		if o.Code == ir.Br || o.Code == ir.Csel || o.Code == ir.Flipc || o.Flags == ir.KeepC {
			return true
		}
		if sets(&o) {
			return false
		}
	}
	return false
}

func setsFlags(in *ir.Instr) bool {
	for _, o := range in.Micro() {
		if sets(&o) {
			return true
		}
	}
	return false
}

func sets(o *ir.Op) bool { return o.Flags == ir.SetFlags || o.Code == ir.Cmpxchg || o.Code == ir.Bit }

func clobbersFlags(in *ir.Instr) bool {
	for _, o := range in.Micro() {
		switch o.Code {
		case ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar, ir.Beq, ir.Bne, ir.Xadd, ir.Add, ir.Jmp, ir.Jmpr, ir.Call, ir.Ret:
			return true
		}
	}
	return false
}
