package native

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The parts of the driver that only a program with several threads has, with an
// execve or an rt_sigprocmask.

const (
	x64PushFlags = 0x9c
	x64PopFlags  = 0x9d
	x64Return    = 0xc3
)

func (a *x64) prepareMask() {
	a.bytes(x64PushFlags, 0x48, 0xd1, 0xee) // shr rsi, 1: the kernel's bits begin with signal 1
	a.keepReg(maskAt, ir.R1)
	a.bytes(x64PopFlags)
	a.move(rdi, rax)
	a.setArg(1, uint64(maskAt))
	a.setArg(2, 0)
	a.setArg(3, 8)
	a.bytes(x64Return)
}

func (a *x64) prepareExec() {
	a.bytes(x64PushFlags)
	a.move(rdi, rax)
	a.bytes(0x48, 0xc1, 0xe7, execShift) // shl rdi, execShift
	a.bytes(x64PopFlags)
	a.op(8, []byte{0x8d}, rdi, rm{mem: true, base: rdi, hasBase: true, disp: int64(execBase - ir.CodeBase<<execShift)})
	a.op(8, []byte{0x89}, rdi, rm{mem: true, disp: int64(argvAt)})
	a.op(8, []byte{0x8d}, rsi, rm{mem: true, base: rdi, hasBase: true, disp: 16})
	a.op(8, []byte{0x89}, rsi, rm{mem: true, disp: int64(argvAt + 8)})
	a.setArg(1, uint64(argvAt))
	a.setArg(2, 0)
	a.bytes(x64Return)
}

// x86-64 has fork and vfork.
func (a *x64) prepareFork()  {}
func (a *x64) prepareVfork() {}

// prepared is a system call whose arguments a routine makes.
func (a *x64) prepared(routine ir.Addr, sys abi.Syscall) {
	a.jump(routine, 0xe8) // call: the stack is there
	a.enter(sys)
}

func (a *x64) whenTold(tag uint32, then func()) {
	a.op(8, []byte{0x8b}, rsi, rm{mem: true, base: rsp, hasBase: true, disp: 16})
	a.op(8, []byte{0x85}, rsi, isReg(rsi)) // test
	a.skip(0x84, func() {
		a.op(4, []byte{0x81}, 7, rm{mem: true, base: rsi, hasBase: true}) // cmp
		a.imm32(int64(tag))
		a.skip(0x85, then)
	})
}

func (a *x64) inChild(then func()) {
	a.op(8, []byte{0x85}, rax, isReg(rax)) // test
	a.skip(0x85, then)
}

// skip is a branch over what then writes, taken on a condition.
func (a *x64) skip(cond byte, then func()) {
	a.bytes(0x0f, cond, 0, 0, 0, 0)
	from := len(a.buf)
	then()
	binary.LittleEndian.PutUint32(a.buf[from-4:], uint32(len(a.buf)-from))
}

func (a *x64) await(at ir.Addr) {
	top := a.here()
	a.bytes(0xf3, 0x90)                                      // pause
	a.op(8, []byte{0x83}, 7, rm{mem: true, disp: int64(at)}) // cmp
	a.bytes(0)
	a.jump(top, 0x0f, 0x84)
}
