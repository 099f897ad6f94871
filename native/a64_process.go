package native

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The parts of the driver that only a program with several threads has, with an
// execve or an rt_sigprocmask. A routine is entered with its caller's lr in the
// value register.

const (
	a64Lsl uint32 = 0xd3000000
	a64Cbz uint32 = 0xb4000000
	a64LR  areg   = 30
)

func (a *a64) prepareMask() {
	a.field(a64Lsl, 1, 1, 1, 63) // lsr x1, x1, 1: the kernel's bits begin with signal 1
	a.keepReg(maskAt, ir.R1)
	a.setArg(1, uint64(maskAt))
	a.setArg(2, 0)
	a.setArg(3, 8)
	a.routineEnds(abi.SysRtSigprocmask)
}

func (a *a64) prepareExec() {
	a.field(a64Lsl, 0, 0, 64-execShift, 63-execShift) // lsl
	a.set(address, uint64(execBase-ir.CodeBase<<execShift))
	a.word(0x8b000000 | dnm(0, 0, address)) // add
	a.keepReg(argvAt, ir.R0)
	a.addNumber(1, 0, 16)
	a.keepReg(argvAt+8, ir.R1)
	a.setArg(1, uint64(argvAt))
	a.setArg(2, 0)
	a.routineEnds(abi.SysExecve)
}

// arm64 has no fork and no vfork: libc makes clones of them.
func (a *a64) prepareFork()  { a.prepareClone(uint64(abi.SIGCHLD)) }
func (a *a64) prepareVfork() { a.prepareClone(uint64(abi.SIGCHLD) | abi.CloneVM | abi.CloneVfork) }

func (a *a64) prepareClone(flags uint64) {
	a.setArg(0, flags)
	a.setArg(1, 0) // the parent's stack
	a.routineEnds(abi.SysClone)
}

func (a *a64) routineEnds(sys abi.Syscall) {
	nr, _ := abi.ARM64.Nr(sys)
	a.set(sysNumber, uint64(nr))
	a.move(address, a64LR)
	a.move(a64LR, value)
	a.word(0xd61f0000 | uint32(address)<<5) // br
}

// prepared is a system call whose arguments and number a routine makes.
func (a *a64) prepared(routine ir.Addr, _ abi.Syscall) {
	a.move(value, a64LR)
	a.jump(0x94000000, routine, 26, 0) // bl
	a.word(a64Syscall)
}

func (a *a64) whenTold(tag uint32, then func()) {
	a.access(loadOp, 8, address, operand{base: stack, disp: 16})
	a.skip(a64Cbz, address, func() {
		a.access(loadOp, 4, address, operand{base: address})
		a.set(value, uint64(tag))
		a.word(0xcb000000 | dnm(address, address, value)) // sub
		a.skip(a64Cbz|1<<24, address, then)
	})
}

func (a *a64) inChild(then func()) { a.skip(a64Cbz|1<<24, 0, then) }

// skip is a compare-and-branch over what then writes.
func (a *a64) skip(op uint32, r areg, then func()) {
	from := len(a.buf)
	a.word(0)
	then()
	distance := uint32(len(a.buf)-from) / 4
	binary.LittleEndian.PutUint32(a.buf[from:], op|distance<<5|uint32(r))
}

func (a *a64) await(at ir.Addr) {
	a.set(address, uint64(at))
	top := a.here()
	a.access(loadOp, 8, value, operand{base: address})
	a.jump(a64Cbz|uint32(value), top, 19, 5)
}
