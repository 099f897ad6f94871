package elf

import (
	"debug/elf"
	"encoding/binary"
)

// Relocations that debug/elf has no names for.
const (
	rAARCH64PLT32         = elf.R_AARCH64(314)
	rAARCH64GOTPCREL32    = elf.R_AARCH64(315)
	rAARCH64LDST8TPREL    = elf.R_AARCH64(552)
	rAARCH64LDST8TPRELNC  = elf.R_AARCH64(553)
	rAARCH64LDST16TPREL   = elf.R_AARCH64(554)
	rAARCH64LDST16TPRELNC = elf.R_AARCH64(555)
	rAARCH64LDST32TPREL   = elf.R_AARCH64(556)
	rAARCH64LDST32TPRELNC = elf.R_AARCH64(557)
	rAARCH64LDST64TPREL   = elf.R_AARCH64(558)
	rAARCH64LDST64TPRELNC = elf.R_AARCH64(559)
)

const aarch64Nop = 0xd503201f

// aarch64 applies a relocation of an arm64 object.
func (p *patch) aarch64(r rela) error {
	v, pc := r.value(), p.pc(r)
	switch typ := elf.R_AARCH64(r.typ); typ {
	case elf.R_AARCH64_NONE, elf.R_AARCH64_NULL:
		return nil

	// Data.
	case elf.R_AARCH64_ABS64:
		return p.abs64(r)
	case elf.R_AARCH64_ABS32:
		return p.put(r, 4, v, true, true)
	case elf.R_AARCH64_ABS16:
		return p.put(r, 2, v, true, true)
	case elf.R_AARCH64_PREL64:
		return p.put(r, 8, v-pc, true, false)
	case elf.R_AARCH64_PREL32, rAARCH64PLT32:
		return p.put(r, 4, v-pc, true, false)
	case elf.R_AARCH64_PREL16:
		return p.put(r, 2, v-pc, true, false)
	case rAARCH64GOTPCREL32:
		return p.put(r, 4, p.got.slot(int64(r.sym.Addr), false)+r.addend-pc, true, false)
	case elf.R_AARCH64_TLS_DTPREL64:
		return p.put(r, 8, v-p.TLS.Offset, true, false)

	// Branches and addresses.
	case elf.R_AARCH64_JUMP26, elf.R_AARCH64_CALL26:
		return p.field(r, v-pc, 2, 26, 0)
	case elf.R_AARCH64_CONDBR19, elf.R_AARCH64_LD_PREL_LO19:
		return p.field(r, v-pc, 2, 19, 5)
	case elf.R_AARCH64_TSTBR14:
		return p.field(r, v-pc, 2, 14, 5)
	case elf.R_AARCH64_ADR_PREL_LO21:
		return p.adr(r, v-pc)
	case elf.R_AARCH64_ADR_PREL_PG_HI21, elf.R_AARCH64_ADR_PREL_PG_HI21_NC:
		return p.adr(r, v>>12-pc>>12)
	case elf.R_AARCH64_ADD_ABS_LO12_NC, elf.R_AARCH64_LDST8_ABS_LO12_NC:
		return p.low12(r, v, 0)
	case elf.R_AARCH64_LDST16_ABS_LO12_NC:
		return p.low12(r, v, 1)
	case elf.R_AARCH64_LDST32_ABS_LO12_NC:
		return p.low12(r, v, 2)
	case elf.R_AARCH64_LDST64_ABS_LO12_NC:
		return p.low12(r, v, 3)
	case elf.R_AARCH64_LDST128_ABS_LO12_NC:
		return p.low12(r, v, 4)
	case elf.R_AARCH64_MOVW_UABS_G0, elf.R_AARCH64_MOVW_UABS_G0_NC:
		return p.movw(r, v, 0)
	case elf.R_AARCH64_MOVW_UABS_G1, elf.R_AARCH64_MOVW_UABS_G1_NC:
		return p.movw(r, v, 1)
	case elf.R_AARCH64_MOVW_UABS_G2, elf.R_AARCH64_MOVW_UABS_G2_NC:
		return p.movw(r, v, 2)
	case elf.R_AARCH64_MOVW_UABS_G3:
		return p.movw(r, v, 3)

	// Through the GOT.
	case elf.R_AARCH64_ADR_GOT_PAGE:
		return p.adr(r, p.got.slot(v, false)>>12-pc>>12)
	case elf.R_AARCH64_LD64_GOT_LO12_NC:
		return p.low12(r, p.got.slot(v, false), 3)
	case elf.R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21:
		return p.adr(r, p.got.slot(v, true)>>12-pc>>12)
	case elf.R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC:
		return p.low12(r, p.got.slot(v, true), 3)

	// The thread's part.
	case elf.R_AARCH64_TLSLE_ADD_TPREL_HI12:
		if v < 0 || v>>24 != 0 {
			return errRange(v)
		}
		return p.low12(r, v>>12, 0)
	case elf.R_AARCH64_TLSLE_ADD_TPREL_LO12, elf.R_AARCH64_TLSLE_ADD_TPREL_LO12_NC,
		rAARCH64LDST8TPREL, rAARCH64LDST8TPRELNC:
		return p.low12(r, v, 0)
	case rAARCH64LDST16TPREL, rAARCH64LDST16TPRELNC:
		return p.low12(r, v, 1)
	case rAARCH64LDST32TPREL, rAARCH64LDST32TPRELNC:
		return p.low12(r, v, 2)
	case rAARCH64LDST64TPREL, rAARCH64LDST64TPRELNC:
		return p.low12(r, v, 3)
	case elf.R_AARCH64_TLSLE_LDST128_TPREL_LO12, elf.R_AARCH64_TLSLE_LDST128_TPREL_LO12_NC:
		return p.low12(r, v, 4)
	case elf.R_AARCH64_TLSLE_MOVW_TPREL_G0, elf.R_AARCH64_TLSLE_MOVW_TPREL_G0_NC:
		return p.movw(r, v, 0)
	case elf.R_AARCH64_TLSLE_MOVW_TPREL_G1, elf.R_AARCH64_TLSLE_MOVW_TPREL_G1_NC:
		return p.movw(r, v, 1)

	// A call for the address of thread-local data, turned into its offset, as a
	// linker does that makes a program: adrp and ldr become movz and movk, the
	// rest nops.
	case elf.R_AARCH64_TLSDESC_ADR_PAGE21:
		if v < 0 || v>>32 != 0 {
			return errRange(v)
		}
		return p.word(r, 0xd2a00000|uint32(v>>16)<<5)
	case elf.R_AARCH64_TLSDESC_LD64_LO12_NC:
		return p.word(r, 0xf2800000|uint32(v&0xffff)<<5)
	case elf.R_AARCH64_TLSDESC_ADD_LO12_NC, elf.R_AARCH64_TLSDESC_CALL:
		return p.word(r, aarch64Nop)
	}
	return errUnsupported
}

// word replaces an instruction.
func (p *patch) word(r rela, w uint32) error {
	b, err := p.room(r, 4)
	if err == nil {
		binary.LittleEndian.PutUint32(b, w)
	}
	return err
}

// bits replaces the bits of an instruction that are in mask.
func (p *patch) bits(r rela, mask, v uint32) error {
	b, err := p.room(r, 4)
	if err == nil {
		binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)&^mask|v&mask)
	}
	return err
}

// field puts a distance, counted in 1<<scale bytes, into the bits of a field.
func (p *patch) field(r rela, v int64, scale, bits, at uint) error {
	if v&(1<<scale-1) != 0 || v>>(scale+bits-1) != v>>63 {
		return errRange(v)
	}
	return p.bits(r, (1<<bits-1)<<at, uint32(v>>scale)<<at)
}

// adr puts a distance into the two fields of adr and adrp.
func (p *patch) adr(r rela, v int64) error {
	if v>>20 != v>>63 {
		return errRange(v)
	}
	return p.bits(r, 3<<29|(1<<19-1)<<5, uint32(v&3)<<29|uint32(v>>2)<<5)
}

// low12 puts the lowest bits of an address into an offset that counts in
// 1<<scale bytes.
func (p *patch) low12(r rela, v int64, scale uint) error {
	v &= 1<<12 - 1
	if v&(1<<scale-1) != 0 {
		return errRange(v)
	}
	return p.bits(r, (1<<12-1)<<10, uint32(v>>scale)<<10)
}

// movw puts 16 bits of a number into movz, movn or movk.
func (p *patch) movw(r rela, v int64, group uint) error {
	return p.bits(r, 0xffff<<5, uint32(uint64(v)>>(16*group)&0xffff)<<5)
}
