package native

import (
	"debug/elf"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// x64 writes x86-64 machine code.
type x64 struct{ asm }

var x64ISA = isa{
	arch: abi.AMD64, machine: elf.EM_X86_64, align: 4096, general: 10,
	nop: []byte{0x90}, breakpoint: []byte{0xcc}, behind: 1,
	coder: func(at ir.Addr) coder { return &x64{asm{at: at}} },
}

// x64Args are the registers that the kernel takes arguments in.
var x64Args = [...]reg{rdi, rsi, rdx, r10, r8, r9}

// x64UcontextIP is where the kernel's ucontext has the interrupted ip.
const x64UcontextIP = 40 + 16*8

func (a *x64) begin() {
	a.bytes(0x68)
	a.imm32(0x202)
	a.bytes(0x9d) // popfq
}

func (a *x64) setReg(r ir.Reg, v uint64) { a.set(a.host(r), v) }

func (a *x64) setArg(n int, v uint64) { a.set(x64Args[n], v) }

func (a *x64) enter(sys abi.Syscall) {
	a.number(sys)
	a.bytes(0x0f, 0x05)
}

func (a *x64) write(fd int, at ir.Addr, n int) {
	const sysWrite = 1
	a.setArg(0, uint64(fd))
	a.setArg(1, uint64(at))
	a.setArg(2, uint64(n))
	a.set(rax, sysWrite)
	a.bytes(0x0f, 0x05)
}

func (a *x64) call(f ir.Addr) {
	const setting, jumping = 6, 5
	a.set(registers[ir.LR], uint64(a.here())+setting+jumping)
	a.jump(f, 0xe9)
}

func (a *x64) keepReg(at ir.Addr, r ir.Reg) {
	a.op(8, []byte{0x89}, a.host(r), rm{mem: true, disp: int64(at)})
}

func (a *x64) keepNumber(at ir.Addr, v uint32) {
	a.op(8, []byte{0xc7}, 0, rm{mem: true, disp: int64(at)})
	a.imm32(int64(v))
}

func (a *x64) stop() { a.bytes(0xcc) }

func (a *x64) handler(f, restorer ir.Addr) {
	a.op(4, []byte{0x89}, rdi, isReg(rax))
	a.op(8, []byte{0x8d}, rsi, rm{mem: true, base: rdx, hasBase: true, disp: x64UcontextIP - frameIP})
	a.set(registers[ir.LR], uint64(restorer))
	a.jump(f, 0xe9)
}

// restorer: the stack pointer is that of the handler's entry, at the return
// address that nobody popped.
func (a *x64) restorer() {
	a.op(8, []byte{0x8d}, rsp, rm{mem: true, base: rsp, hasBase: true, disp: 8})
	a.enter(abi.SysRtSigreturn)
}
