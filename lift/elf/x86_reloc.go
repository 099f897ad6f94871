package elf

import (
	"bytes"
	"debug/elf"
	"fmt"
)

// Relocations that debug/elf has no names for.
const (
	rX8664Code4GOTPCRELX  = elf.R_X86_64(43)
	rX8664Code4GOTTPOFF   = elf.R_X86_64(44)
	x86TLSGDSize          = 16                                     // of the code that asks for the address of thread-local data
	x86TLSGDBefore        = 4                                      // of it before the relocation
	x86LoadThreadPointer  = "\x64\x48\x8b\x04\x25\x00\x00\x00\x00" // mov %fs:0,%rax
	x86AddOffsetToPointer = "\x48\x8d\x80"                         // lea off(%rax),%rax
)

// x86 applies relocation i of an x86-64 object.
func (p *patch) x86(i int, r rela) error {
	v, pc := r.value(), p.pc(r)
	switch elf.R_X86_64(r.typ) {
	case elf.R_X86_64_NONE:
		return nil
	case elf.R_X86_64_64:
		return p.abs64(r)
	case elf.R_X86_64_PC64:
		return p.put(r, 8, v-pc, true, false)
	case elf.R_X86_64_32:
		return p.put(r, 4, v, false, true)
	case elf.R_X86_64_32S:
		return p.put(r, 4, v, true, false)
	case elf.R_X86_64_16:
		return p.put(r, 2, v, true, true)
	case elf.R_X86_64_8:
		return p.put(r, 1, v, true, true)
	case elf.R_X86_64_PC32, elf.R_X86_64_PLT32:
		return p.put(r, 4, v-pc, true, false)
	case elf.R_X86_64_PC16:
		return p.put(r, 2, v-pc, true, false)
	case elf.R_X86_64_PC8:
		return p.put(r, 1, v-pc, true, false)
	case elf.R_X86_64_GOTPCREL, elf.R_X86_64_GOTPCRELX, elf.R_X86_64_REX_GOTPCRELX, rX8664Code4GOTPCRELX:
		return p.put(r, 4, p.got.slot(int64(r.sym.Addr), false)+r.addend-pc, true, false)
	case elf.R_X86_64_GOTTPOFF, rX8664Code4GOTTPOFF:
		return p.put(r, 4, p.got.slot(int64(r.sym.Addr), true)+r.addend-pc, true, false)
	case elf.R_X86_64_TPOFF32:
		return p.put(r, 4, v, true, false)
	case elf.R_X86_64_TPOFF64:
		return p.put(r, 8, v, true, false)
	case elf.R_X86_64_DTPOFF32:
		return p.put(r, 4, v-p.TLS.Offset, true, false)
	case elf.R_X86_64_DTPOFF64:
		return p.put(r, 8, v-p.TLS.Offset, true, false)
	case elf.R_X86_64_SIZE32:
		return p.put(r, 4, int64(r.sym.Size)+r.addend, false, true)
	case elf.R_X86_64_SIZE64:
		return p.put(r, 8, int64(r.sym.Size)+r.addend, true, true)
	case elf.R_X86_64_TLSGD:
		return p.x86TLS(i, r)
	}
	return errUnsupported
}

// x86TLS turns a call of __tls_get_addr into the thread pointer and an offset,
// as a linker does that makes a program: the code is exactly
//
//	66 48 8d 3d rel32      data16 lea x@tlsgd(%rip),%rdi
//	66 66 48 e8 rel32      data16 data16 rex.W call __tls_get_addr
//
// or has ff 15, a call through the GOT, instead of the second 66 … e8.
func (p *patch) x86TLS(i int, r rela) error {
	if r.off < x86TLSGDBefore || r.off-x86TLSGDBefore+x86TLSGDSize > uint64(len(p.b)) || i+1 >= len(p.relas) || p.relas[i+1].off != r.off+8 {
		return errUnsupported
	}
	code := p.b[r.off-x86TLSGDBefore:][:x86TLSGDSize]
	call := code[8:12]
	if !bytes.Equal(code[:4], []byte{0x66, 0x48, 0x8d, 0x3d}) ||
		!bytes.Equal(call, []byte{0x66, 0x66, 0x48, 0xe8}) && !bytes.Equal(call, []byte{0x66, 0x48, 0xff, 0x15}) {
		return fmt.Errorf("around it isn't the code that a linker knows")
	}
	off := r.value() + 4 // the addend was for an end of instruction
	if off != int64(int32(off)) {
		return errRange(off)
	}
	copy(code, x86LoadThreadPointer+x86AddOffsetToPointer)
	putLE(code[12:], uint64(off))
	p.skip = 1
	return nil
}
