package native

import (
	"encoding/binary"
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// asm collects machine code that will be at address at, whatever the
// instruction set.
type asm struct {
	buf []byte
	at  ir.Addr
	err error
}

// code is what was collected, and the first thing that couldn't be.
func (a *asm) code() ([]byte, error) { return a.buf, a.err }

// here is the address of the next byte.
func (a *asm) here() ir.Addr { return a.at + ir.Addr(len(a.buf)) }

func (a *asm) bytes(b ...byte) { a.buf = append(a.buf, b...) }

func (a *asm) imm32(v int64) { a.buf = binary.LittleEndian.AppendUint32(a.buf, uint32(v)) }

func (a *asm) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}
