package elf

import (
	"debug/elf"
	"encoding/binary"
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// Relocations that debug/elf has no names for.
const (
	rRISCVPLT32      = elf.R_RISCV(59)
	rRISCVSetULEB128 = elf.R_RISCV(60)
	rRISCVSubULEB128 = elf.R_RISCV(61)
)

// findHi finds what each auipc of the section means: its partner, which has the
// low bits, names the auipc and not the symbol.
func (p *patch) findHi() error {
	p.hi = map[ir.Addr]uint64{}
	for _, r := range p.relas {
		var v int64
		switch elf.R_RISCV(r.typ) {
		case elf.R_RISCV_PCREL_HI20:
			v = r.value()
		case elf.R_RISCV_GOT_HI20:
			v = p.got.slot(r.value(), false)
		case elf.R_RISCV_TLS_GOT_HI20:
			v = p.got.slot(r.value(), true)
		default:
			continue
		}
		p.hi[ir.Addr(p.pc(r))] = uint64(v - p.pc(r))
	}
	return nil
}

// riscv applies a relocation of a riscv64 object. Relaxation, which is what most
// of them are for, isn't done: code stays as long as the compiler made it.
func (p *patch) riscv(r rela) error {
	v, pc := r.value(), p.pc(r)
	switch elf.R_RISCV(r.typ) {
	case elf.R_RISCV_NONE, elf.R_RISCV_RELAX, elf.R_RISCV_ALIGN, elf.R_RISCV_TPREL_ADD:
		return nil

	// Data. A difference of labels is an addition and a subtraction in place.
	case elf.R_RISCV_64:
		return p.abs64(r)
	case elf.R_RISCV_32:
		return p.put(r, 4, v, true, true)
	case elf.R_RISCV_32_PCREL, rRISCVPLT32:
		return p.put(r, 4, v-pc, true, false)
	case elf.R_RISCV_TLS_DTPREL64:
		return p.put(r, 8, v-p.TLS.Offset, true, false)
	case elf.R_RISCV_ADD8:
		return p.add(r, 1, v)
	case elf.R_RISCV_ADD16:
		return p.add(r, 2, v)
	case elf.R_RISCV_ADD32:
		return p.add(r, 4, v)
	case elf.R_RISCV_ADD64:
		return p.add(r, 8, v)
	case elf.R_RISCV_SUB8:
		return p.add(r, 1, -v)
	case elf.R_RISCV_SUB16:
		return p.add(r, 2, -v)
	case elf.R_RISCV_SUB32:
		return p.add(r, 4, -v)
	case elf.R_RISCV_SUB64:
		return p.add(r, 8, -v)
	case elf.R_RISCV_SET6, elf.R_RISCV_SUB6:
		b, err := p.room(r, 1)
		if err != nil {
			return err
		}
		if elf.R_RISCV(r.typ) == elf.R_RISCV_SUB6 {
			v = int64(b[0]) - v
		}
		b[0] = b[0]&0xc0 | byte(v)&0x3f
		return nil
	case elf.R_RISCV_SET8:
		return p.set(r, 1, v)
	case elf.R_RISCV_SET16:
		return p.set(r, 2, v)
	case elf.R_RISCV_SET32:
		return p.set(r, 4, v)
	case rRISCVSetULEB128:
		return p.uleb(r, v, false)
	case rRISCVSubULEB128:
		return p.uleb(r, v, true)

	// Branches.
	case elf.R_RISCV_BRANCH:
		return p.branch(r, v-pc)
	case elf.R_RISCV_JAL:
		return p.jal(r, v-pc)
	case elf.R_RISCV_RVC_BRANCH:
		return p.rvcBranch(r, v-pc)
	case elf.R_RISCV_RVC_JUMP:
		return p.rvcJump(r, v-pc)
	case elf.R_RISCV_CALL, elf.R_RISCV_CALL_PLT:
		if err := p.upper(r, v-pc); err != nil {
			return err
		}
		r.off += 4
		return p.lowI(r, v-pc)

	// Addresses in two parts.
	case elf.R_RISCV_PCREL_HI20, elf.R_RISCV_GOT_HI20, elf.R_RISCV_TLS_GOT_HI20:
		return p.upper(r, int64(p.hi[ir.Addr(pc)]))
	case elf.R_RISCV_PCREL_LO12_I, elf.R_RISCV_PCREL_LO12_S:
		hi, ok := p.hi[r.sym.Addr]
		if !ok {
			return fmt.Errorf("there is no auipc with a relocation at %#x, which it names", uint64(r.sym.Addr))
		}
		if elf.R_RISCV(r.typ) == elf.R_RISCV_PCREL_LO12_I {
			return p.lowI(r, int64(hi))
		}
		return p.lowS(r, int64(hi))
	case elf.R_RISCV_HI20, elf.R_RISCV_TPREL_HI20:
		return p.upper(r, v)
	case elf.R_RISCV_LO12_I, elf.R_RISCV_TPREL_LO12_I:
		return p.lowI(r, v)
	case elf.R_RISCV_LO12_S, elf.R_RISCV_TPREL_LO12_S:
		return p.lowS(r, v)
	}
	return errUnsupported
}

// add adds to what is in place.
func (p *patch) add(r rela, n uint64, v int64) error {
	b, err := p.room(r, n)
	if err == nil {
		putLE(b, getLE(b)+uint64(v))
	}
	return err
}

// set puts the low bytes of a number.
func (p *patch) set(r rela, n uint64, v int64) error {
	b, err := p.room(r, n)
	if err == nil {
		putLE(b, uint64(v))
	}
	return err
}

// uleb sets or subtracts from a number of seven bits a byte, which stays as long
// as it is.
func (p *patch) uleb(r rela, v int64, subtract bool) error {
	var old uint64
	n := uint64(0)
	for {
		b, err := p.room(r, n+1)
		if err != nil {
			return err
		}
		if n < 9 {
			old |= uint64(b[n]&0x7f) << (7 * n)
		}
		n++
		if b[n-1]&0x80 == 0 {
			break
		}
	}
	u := uint64(v)
	if subtract {
		u = old - u
	}
	b, _ := p.room(r, n)
	for i := range b {
		b[i] = b[i]&0x80 | byte(u)&0x7f
		u >>= 7
	}
	return nil
}

// upper puts the upper 20 bits of lui and auipc, so that a signed low part
// completes them.
func (p *patch) upper(r rela, v int64) error {
	hi := v + 0x800
	if hi != int64(int32(hi)) && v != int64(int32(v)) {
		return errRange(v)
	}
	return p.bits(r, 0xfffff000, uint32(hi))
}

func (p *patch) lowI(r rela, v int64) error { return p.bits(r, 0xfff00000, uint32(v)<<20) }

func (p *patch) lowS(r rela, v int64) error {
	return p.bits(r, 0xfe000f80, uint32(v)>>5&0x7f<<25|uint32(v)&0x1f<<7)
}

func (p *patch) branch(r rela, v int64) error {
	if v>>12 != v>>63 || v&1 != 0 {
		return errRange(v)
	}
	u := uint32(v)
	return p.bits(r, 0xfe000f80, u>>12&1<<31|u>>5&0x3f<<25|u>>1&0xf<<8|u>>11&1<<7)
}

func (p *patch) jal(r rela, v int64) error {
	if v>>20 != v>>63 || v&1 != 0 {
		return errRange(v)
	}
	u := uint32(v)
	return p.bits(r, 0xfffff000, u>>20&1<<31|u>>1&0x3ff<<21|u>>11&1<<20|u>>12&0xff<<12)
}

// half replaces the bits of a compressed instruction that are in mask.
func (p *patch) half(r rela, mask, v uint16) error {
	b, err := p.room(r, 2)
	if err == nil {
		binary.LittleEndian.PutUint16(b, binary.LittleEndian.Uint16(b)&^mask|v&mask)
	}
	return err
}

func (p *patch) rvcBranch(r rela, v int64) error {
	if v>>8 != v>>63 || v&1 != 0 {
		return errRange(v)
	}
	u := uint16(v)
	return p.half(r, 0x1c7c, u>>8&1<<12|u>>3&3<<10|u>>6&3<<5|u>>1&3<<3|u>>5&1<<2)
}

func (p *patch) rvcJump(r rela, v int64) error {
	if v>>11 != v>>63 || v&1 != 0 {
		return errRange(v)
	}
	u := uint16(v)
	return p.half(r, 0x1ffc, u>>11&1<<12|u>>4&1<<11|u>>8&3<<9|u>>10&1<<8|u>>6&1<<7|u>>7&1<<6|u>>1&7<<3|u>>5&1<<2)
}
