package amd64

import (
	"encoding/binary"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// inst is an instruction on its way from bytes to a bundle.
type inst struct {
	code []byte // ir.MaxSize bytes of it at most
	at   ir.Addr
	pos  int    // of the next byte
	why  string // it isn't lifted, if so: the first reason

	// Prefixes.
	data16 int  // how many 0x66
	addr32 bool // 0x67
	lock   bool
	rep    byte // 0xf2, 0xf3 or 0
	seg    byte // the last segment override, or 0
	rex    byte // 0x40 to 0x4f, or 0
	twice  bool // two prefixes of one kind

	opcode  byte // its last byte
	escaped bool // behind 0x0f
	form    *form

	modrm   bool // mod, reg and rm are read
	mod     uint8
	reg, rm uint8 // with their bits from rex
	mem     mem
	args    [3]operand // in the manuals' order: the destination first
	n       int        // of args

	bundle
}

// Decode decodes the instruction that code begins with, which is at address at.
// Bytes behind the instruction don't matter. The error is an [*isa.Unsupported].
//
//  1. prefixes, opcode: the row of the table
//  2. operands, as the row spells them: the length
//  3. the bundle
//  4. text
func Decode(code []byte, at ir.Addr) (isa.Instr, error) {
	in := inst{code: code[:min(len(code), ir.MaxSize)], at: at}
	in.prefixes()
	in.lookup()
	in.operands()
	in.out.Addr = at
	if in.why == "" {
		in.checkPrefixes()
	}
	if in.why == "" {
		in.mem.resolve(in.next())
		in.form.lift(&in)
		in.finish()
	}
	if in.why != "" {
		return isa.Instr{}, in.unsupported(code)
	}
	in.out.Text = in.text()
	return in.out, nil
}

// next is the address behind the instruction, once its operands are read.
func (in *inst) next() ir.Addr { return in.at + ir.Addr(in.pos) }

// fail gives up. The first reason counts.
func (in *inst) fail(why string) {
	if in.why == "" {
		in.why = why
	}
}

// The reasons that aren't of a single instruction.
const (
	whyUnknown = "not in the vocabulary of critical sections"
	whyCut     = "cut off"
	whyLong    = "longer than 15 bytes"
	whyPrefix  = "a prefix that has no business here"
	whyLock    = "lock before what isn't a read-modify-write of memory"
	whyParity  = "the parity and overflow flags are no conditions here"
	whyOps     = "more than three micro-ops"
)

// u reads n bytes, little-endian; zero once something is wrong.
func (in *inst) u(n int) (v uint64) {
	if in.why != "" {
		return 0
	}
	if len(in.code)-in.pos < n {
		in.fail(whyCut)
		in.pos = len(in.code)
		return 0
	}
	b := in.code[in.pos:]
	in.pos += n
	switch n {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// s is u with a sign.
func (in *inst) s(n int) int64 {
	shift := 64 - 8*n
	return int64(in.u(n)<<shift) >> shift
}

// prefixes reads the legacy prefixes in any order and the one REX behind them,
// and the first byte of the opcode.
func (in *inst) prefixes() {
	for in.why == "" {
		b := byte(in.u(1))
		switch b {
		case 0x66:
			in.data16++
		case 0x67:
			in.twice = in.twice || in.addr32
			in.addr32 = true
		case 0xf0:
			in.twice = in.twice || in.lock
			in.lock = true
		case 0xf2, 0xf3:
			in.twice = in.twice || in.rep != 0
			in.rep = b
		case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65:
			in.twice = in.twice || in.seg != 0
			in.seg = b
		default:
			if b&0xf0 == 0x40 {
				in.rex = b
				b = byte(in.u(1))
			}
			in.opcode = b
			return
		}
	}
}

// lookup finds the row of the opcode, whose first byte is read.
func (in *inst) lookup() {
	if in.why != "" {
		return
	}
	row := &oneByte[in.opcode]
	if in.opcode == 0x0f {
		in.opcode, in.escaped = byte(in.u(1)), true
		row = &twoByte[in.opcode]
	}
	if row.group != nil {
		in.readModRM()
		row = &row.group[in.reg&7]
	}
	if row.lift == nil {
		in.fail(whyUnknown)
		return
	}
	in.form = row
}

// wide reports REX.W.
func (in *inst) wide() bool { return in.rex&8 != 0 }

// unsupported is the error, with the bytes of the instruction, or if its length
// isn't known those that were looked at.
func (in *inst) unsupported(code []byte) error {
	if in.why == whyCut && len(code) > ir.MaxSize {
		in.why = whyLong
	}
	n := in.pos
	if in.form == nil && in.why == whyUnknown {
		in.why = ""
		in.measure()
		if in.why == "" {
			n = in.pos
		}
		in.why = whyUnknown
	}
	return &isa.Unsupported{Addr: in.at, Code: append([]byte(nil), code[:n]...), Why: in.why}
}
