package native

import "github.com/rseqemu/rseqemu/ir"

// checkFlags refuses an instruction that reads flags which x86-64 loses on the
// way: most instructions that leave the machine's flags alone change x86-64's.
// One that reads them must come behind the one that sets them with nothing in
// between but moves, loads and stores.
func (a *x64) checkFlags(im *ir.Image, i int) {
	if !readsFlags(&im.Instrs[i]) {
		return
	}
	for j := i - 1; j >= 0; j-- {
		switch in := &im.Instrs[j]; {
		case setsFlags(in):
			return
		case clobbersX64Flags(in):
			j = 0
		}
	}
	a.fail("x86-64's flags have been changed since they were set")
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
