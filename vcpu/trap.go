package vcpu

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// TrapKind is why a CPU stopped.
type TrapKind uint8

// The traps: the whole set of what a guest's instruction can cause.
const (
	TrapNone    TrapKind = iota // the step is done
	TrapSyscall                 // Arg is the abi.Syscall, or ir.SyscallInR8; IP is behind the instruction
	TrapUD                      // undefined instruction
	TrapBrk                     // breakpoint, failed assertion
	TrapFetch                   // no instruction begins at Addr
	TrapLoad                    // Addr isn't readable
	TrapStore                   // Addr isn't writable
	TrapAlign                   // an ordered or atomic access at Addr isn't aligned
)

var trapNames = [...]string{"none", "syscall", "undefined instruction", "breakpoint",
	"no instruction at", "load from", "store to", "misaligned access to"}

// Trap is what stopped a CPU. After any trap but TrapSyscall the instruction
// pointer is at the instruction that trapped, at its first micro-op, and
// everything else is as it was before that instruction.
type Trap struct {
	Kind TrapKind
	Addr ir.Addr
	Arg  int64
}

func (t Trap) String() string {
	switch t.Kind {
	case TrapFetch, TrapLoad, TrapStore, TrapAlign:
		return fmt.Sprintf("%s %#x", trapNames[t.Kind], uint64(t.Addr))
	}
	return trapNames[t.Kind]
}
