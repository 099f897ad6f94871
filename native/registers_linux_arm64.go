package native

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// host is the instruction set of this process.
var host = &a64ISA

// threadRegs are the registers of a thread that is stopped.
type threadRegs struct{ unix.PtraceRegsArm64 }

const generalRegisters = 1 // NT_PRSTATUS

func registersOf(pid int) (*threadRegs, error) {
	r := new(threadRegs)
	if err := unix.PtraceGetRegSetArm64(pid, generalRegisters, &r.PtraceRegsArm64); err != nil {
		return nil, fmt.Errorf("PTRACE_GETREGSET: %w", err)
	}
	return r, nil
}

func (r *threadRegs) write(pid int) error {
	if err := unix.PtraceSetRegSetArm64(pid, generalRegisters, &r.PtraceRegsArm64); err != nil {
		return fmt.Errorf("PTRACE_SETREGSET: %w", err)
	}
	return nil
}

func (r *threadRegs) ip() ir.Addr      { return ir.Addr(r.Pc) }
func (r *threadRegs) setIP(to ir.Addr) { r.Pc = uint64(to) }
func (r *threadRegs) r0() uint64       { return r.Regs[0] }
func (r *threadRegs) setLR(to ir.Addr) { r.Regs[30] = uint64(to) }
