package native

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// checkX64Flags refuses a program that reads flags which x86-64 loses on the way:
// most instructions that leave the machine's flags alone change x86-64's. An
// instruction that reads them must come behind the one that sets them with
// nothing in between but moves, loads and stores.
func checkX64Flags(im *ir.Image) error {
	for i := range im.Instrs {
		if !readsFlags(&im.Instrs[i]) {
			continue
		}
		for j := i - 1; ; j-- {
			if j < 0 || clobbersX64Flags(&im.Instrs[j]) && !setsFlags(&im.Instrs[j]) {
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

func clobbersX64Flags(in *ir.Instr) bool {
	for _, o := range in.Micro() {
		switch o.Code {
		case ir.Sub, ir.And, ir.Or, ir.Xor, ir.Andn, ir.Shl, ir.Shr, ir.Sar, ir.Beq, ir.Bne, ir.Xadd, ir.Add, ir.Jmp, ir.Jmpr, ir.Call, ir.Ret:
			return true
		}
	}
	return false
}
