package native

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
	"golang.org/x/sys/unix"
)

// host is the instruction set of this process.
var host = &x64ISA

// threadRegs are the registers of a thread that is stopped.
type threadRegs struct{ unix.PtraceRegs }

func registersOf(pid int) (*threadRegs, error) {
	r := new(threadRegs)
	if err := unix.PtraceGetRegs(pid, &r.PtraceRegs); err != nil {
		return nil, fmt.Errorf("PTRACE_GETREGS: %w", err)
	}
	return r, nil
}

func (r *threadRegs) write(pid int) error {
	if err := unix.PtraceSetRegs(pid, &r.PtraceRegs); err != nil {
		return fmt.Errorf("PTRACE_SETREGS: %w", err)
	}
	return nil
}

func (r *threadRegs) ip() ir.Addr      { return ir.Addr(r.Rip) }
func (r *threadRegs) setIP(to ir.Addr) { r.Rip = uint64(to) }
func (r *threadRegs) r0() uint64       { return r.Rax }
func (r *threadRegs) setLR(to ir.Addr) { r.R14 = uint64(to) }
