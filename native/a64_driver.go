package native

import (
	"debug/elf"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

var a64ISA = isa{
	arch: abi.ARM64, machine: elf.EM_AARCH64, align: 64 << 10, general: a64General,
	nop:        []byte{0x1f, 0x20, 0x03, 0xd5},
	breakpoint: []byte{0x00, 0x00, 0x20, 0xd4}, behind: 0,
	coder: func(at ir.Addr) coder { return &a64{asm: asm{at: at}} },
}

// a64UcontextIP is where the kernel's ucontext has the interrupted ip: behind
// its head, which ends with the room for 1024 signals and is aligned to 16, the
// fault's address, 31 registers and sp.
const a64UcontextIP = 176 + 8 + 31*8 + 8

func (a *a64) begin() {
	a.word(0xd51b421f) // msr nzcv, xzr
	a.set(dataPtr, uint64(ir.DataBase))
}

func (a *a64) setReg(r ir.Reg, v uint64) { a.set(a.reg(r), v) }

func (a *a64) setArg(n int, v uint64) { a.set(areg(n), v) }

func (a *a64) write(fd int, at ir.Addr, n int) {
	const sysWrite = 64
	a.setArg(0, uint64(fd))
	a.setArg(1, uint64(at))
	a.setArg(2, uint64(n))
	a.set(sysNumber, sysWrite)
	a.word(a64Syscall)
}

func (a *a64) call(f ir.Addr) { a.jump(0x94000000, f, 26, 0) }

func (a *a64) keepReg(at ir.Addr, r ir.Reg) {
	a.set(address, uint64(at))
	a.access(storeOp, 8, a.reg(r), operand{base: address})
}

func (a *a64) keepNumber(at ir.Addr, v uint32) {
	a.set(address, uint64(at))
	a.set(value, uint64(v))
	a.access(storeOp, 8, value, operand{base: address})
}

func (a *a64) stop() { a.word(a64Brk) }

// handler: the signal is in place, the ucontext is the third argument, and the
// kernel has put the restorer into lr.
func (a *a64) handler(f, _ ir.Addr) {
	a.addNumber(1, 2, a64UcontextIP-frameIP)
	a.jump(0x14000000, f, 26, 0)
}

func (a *a64) restorer() { a.enter(abi.SysRtSigreturn) }
