package native

import (
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Two calls have other arguments on the machine than the kernel's own. What makes
// the ones of the others is a routine of the driver, which the program calls right
// before it enters the kernel: so the ip that the kernel sees is the program's.
// The call's second to fourth argument are lost on the way.
const (
	prepareMask  = driverBase         // rt_sigprocmask: the mask itself, bit n for signal n
	prepareExec  = driverBase + 0x80  // execve: the address of a function
	prepareFork  = driverBase + 0x100 // fork and vfork, where they are clones
	prepareVfork = driverBase + 0x120
	driverBegins = driverBase + 0x140

	maskAt = extraBase + 0x50
	argvAt = extraBase + 0x60 // three pointers
)

// execBase is where each byte of code has 32 bytes: the path of this executable
// where a function begins, and behind it the argument that tells the new process
// which one; and zeros, the path of nothing, everywhere else. Behind it, those of
// read-only data hold the path of a file that is there and no program: whoever
// starts the process has it open as its first file.
const execBase ir.Addr = 0x800000

// execShift is what makes of a distance in code one there.
const execShift = 5

// tagOf is the argument that names function i: four bytes, and none of them 0.
func tagOf(i int) uint32 {
	return 0x40404040 | uint32(i)&15 | uint32(i)>>4&15<<8 | uint32(i)>>8&15<<16
}

// preparation returns where the arguments of a call are prepared, if they are.
func preparation(sys abi.Syscall) (ir.Addr, bool) {
	switch sys {
	case abi.SysRtSigprocmask:
		return prepareMask, true
	case abi.SysExecve:
		return prepareExec, true
	}
	return 0, false
}

// execTables is the memory from execBase on; nothing, if the program has no
// execve.
func execTables(im *ir.Image) []segment {
	if !makes(im, abi.SysExecve) {
		return nil
	}
	code := make([]byte, len(im.Code)<<execShift)
	for i, f := range im.Funcs {
		row := code[(f.Entry-ir.CodeBase)<<execShift:]
		copy(row, "/proc/self/exe")
		tag := tagOf(i)
		for j := range 4 {
			row[16+j] = byte(tag >> (8 * j))
		}
	}
	data := make([]byte, len(im.Rodata)<<execShift)
	for i := range im.Rodata {
		copy(data[i<<execShift:], "/proc/self/fd/0")
	}
	return []segment{
		{execBase, code, readable},
		{execBase + (ir.RodataBase-ir.CodeBase)<<execShift, data, readable},
	}
}

// makes reports whether the program has that system call.
func makes(im *ir.Image, sys abi.Syscall) bool {
	for i := range im.Instrs {
		for _, o := range im.Instrs[i].Micro() {
			if o.Code == ir.Syscall && o.Imm == int64(sys) {
				return true
			}
		}
	}
	return false
}

// prepare writes the routines, each at its address.
func prepare(a coder) {
	for _, r := range []struct {
		at    ir.Addr
		write func()
	}{{prepareMask, a.prepareMask}, {prepareExec, a.prepareExec}, {prepareFork, a.prepareFork}, {prepareVfork, a.prepareVfork}, {driverBegins, func() {}}} {
		for a.here() < r.at {
			a.stop()
		}
		if a.here() != r.at {
			panic("native: BUG: a routine is too long before " + strings.ToLower(ir.Value{Off: int64(r.at)}.String()))
		}
		r.write()
	}
}
