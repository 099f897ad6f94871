package amd64

import (
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// form is a row of the table: what an opcode is.
type form struct {
	name string // the mnemonic; a * behind it takes a size where no register says it
	args string // the operands, two letters each: inst.operands
	attr attr
	lift func(*inst)

	group *[8]form // one row for each ModRM.reg instead
}

// attr says which prefixes a row takes besides REX and fs.
type attr uint8

const (
	aSized   attr = 1 << iota // 0x66; set for rows with an operand of size v
	aLock                     // lock, before a memory destination
	aBranch                   // bnd, and addr32 before a direct one
	aNoTrack                  // notrack
	aNop                      // data16 and cs, as many as there are
	aOwn                      // repz: the row looks at it itself
)

// oneByte are the rows of opcodes of one byte, twoByte those of 0x0f and another.
var oneByte, twoByte = rows()

func rows() (one, two [256]form) {
	arithmetic(&one)
	moves(&one)
	control(&one)
	twoBytes(&two)
	for _, table := range []*[256]form{&one, &two} {
		for i := range table {
			table[i].sized()
			if g := table[i].group; g != nil {
				for j := range g {
					g[j].sized()
				}
			}
		}
	}
	return one, two
}

func (f *form) sized() {
	if strings.Contains(f.args, "v") {
		f.attr |= aSized
	}
}

// arithmetic fills in what computes.
func arithmetic(t *[256]form) {
	var immediate [8]form // of 80, 81, 83: the same eight operations
	for i, o := range []struct {
		name string
		lift func(*inst)
	}{
		{"add", compute(ir.Add)}, {"or", compute(ir.Or)}, {"adc", carry(ir.Add)}, {"sbb", carry(ir.Sub)},
		{"and", compute(ir.And)}, {"sub", compute(ir.Sub)}, {"xor", compute(ir.Xor)}, {"cmp", compare(ir.Sub)},
	} {
		lock := aLock
		if o.name == "cmp" {
			lock = 0
		}
		for j, args := range []string{"EbGb", "EvGv", "GbEb", "GvEv", "AbIb", "AvIv"} {
			t[i<<3|j] = form{name: o.name, args: args, attr: lock, lift: o.lift}
		}
		immediate[i] = form{name: o.name + "*", attr: lock, lift: o.lift}
	}
	t[0x80] = with("EbIb", immediate)
	t[0x81] = with("EvIv", immediate)
	t[0x83] = with("EvIb", immediate)
	t[0x84] = form{name: "test", args: "EbGb", lift: compare(ir.And)}
	t[0x85] = form{name: "test", args: "EvGv", lift: compare(ir.And)}
	t[0xa8] = form{name: "test", args: "AbIb", lift: compare(ir.And)}
	t[0xa9] = form{name: "test", args: "AvIv", lift: compare(ir.And)}

	var shifts [8]form
	for i, o := range map[int]form{
		0: {name: "rol*", lift: rotate(ir.Shl, ir.Shr)}, 1: {name: "ror*", lift: rotate(ir.Shr, ir.Shl)},
		4: {name: "shl*", lift: shift(ir.Shl)}, 5: {name: "shr*", lift: shift(ir.Shr)}, 7: {name: "sar*", lift: shift(ir.Sar)},
	} {
		shifts[i] = o
	}
	for op, args := range map[int]string{0xc0: "EbUb", 0xc1: "EvUb", 0xd0: "Eb1_", 0xd1: "Ev1_", 0xd2: "EbC_", 0xd3: "EvC_"} {
		t[op] = with(args, shifts)
	}

	unary := [8]form{
		0: {name: "test*", lift: compare(ir.And)},
		2: {name: "not*", attr: aLock, lift: not}, 3: {name: "neg*", attr: aLock, lift: neg},
	}
	t[0xf6], t[0xf7] = with("Eb", unary), with("Ev", unary)
	t[0xf6].group[0].args, t[0xf7].group[0].args = "EbIb", "EvIv"
	step := [8]form{{name: "inc*", attr: aLock, lift: step(ir.Add)}, {name: "dec*", attr: aLock, lift: step(ir.Sub)}}
	t[0xfe], t[0xff] = with("Eb", step), with("Ev", step)

	t[0x69] = form{name: "imul", args: "GvEvIv", lift: multiply}
	t[0x6b] = form{name: "imul", args: "GvEvIb", lift: multiply}
	t[0x98] = form{attr: aSized, lift: widen}
	t[0x99] = form{attr: aSized, lift: signInto}
	t[0xf5] = form{name: "cmc", lift: complementCarry}
	t[0xf8] = form{name: "clc", lift: setCarry(0)}
	t[0xf9] = form{name: "stc", lift: setCarry(1)}
}

// moves fills in what moves.
func moves(t *[256]form) {
	for i := range 8 {
		t[0x50+i] = form{name: "push", args: "Zq", lift: push}
		t[0x58+i] = form{name: "pop", args: "Zq", lift: pop}
		t[0x90+i] = form{name: "xchg", args: "ZvAv", lift: exchange}
		t[0xb0+i] = form{name: "mov", args: "ZbIb", lift: move}
		t[0xb8+i] = form{name: "mov", args: "ZvLv", lift: move}
	}
	t[0x90] = form{name: "xchg", args: "ZvAv", attr: aNop | aOwn, lift: nop90}
	t[0x63] = form{name: "movslq", args: "GvEd", lift: moveSigned}
	t[0x68] = form{name: "push", args: "Iq", lift: push}
	t[0x6a] = form{name: "push", args: "Ib", lift: push}
	t[0x86] = form{name: "xchg", args: "EbGb", attr: aLock, lift: exchange}
	t[0x87] = form{name: "xchg", args: "EvGv", attr: aLock, lift: exchange}
	t[0x88] = form{name: "mov", args: "EbGb", lift: move}
	t[0x89] = form{name: "mov", args: "EvGv", lift: move}
	t[0x8a] = form{name: "mov", args: "GbEb", lift: move}
	t[0x8b] = form{name: "mov", args: "GvEv", lift: move}
	t[0x8d] = form{name: "lea", args: "GvMv", lift: lea}
	t[0x8f] = form{group: &[8]form{{name: "pop*", args: "Eq", lift: pop}}}
	t[0xa0] = form{name: "movabs", args: "AbOb", lift: move}
	t[0xa1] = form{name: "movabs", args: "AvOv", lift: move}
	t[0xa2] = form{name: "movabs", args: "ObAb", lift: move}
	t[0xa3] = form{name: "movabs", args: "OvAv", lift: move}
	t[0xc6] = form{group: &[8]form{{name: "mov*", args: "EbIb", lift: move}}}
	t[0xc7] = form{group: &[8]form{{name: "mov*", args: "EvIv", lift: move}}}
}

// control fills in what goes elsewhere.
func control(t *[256]form) {
	for i, c := range conditions {
		t[0x70+i] = form{name: "j" + c.name, args: "Jb", attr: aBranch, lift: branch}
	}
	t[0xc2] = form{name: "ret", args: "Uw", attr: aBranch, lift: ret}
	t[0xc3] = form{name: "ret", attr: aBranch | aOwn, lift: ret}
	t[0xc9] = form{name: "leave", lift: leave}
	t[0xcc] = form{name: "int3", lift: trap(ir.TrapBrk)}
	t[0xe8] = form{name: "call", args: "Jd", attr: aBranch, lift: call}
	t[0xe9] = form{name: "jmp", args: "Jd", attr: aBranch, lift: jump}
	t[0xeb] = form{name: "jmp", args: "Jb", attr: aBranch, lift: jump}
	t[0xff].group[2] = form{name: "call", args: "Eq", attr: aBranch | aNoTrack, lift: callTo}
	t[0xff].group[4] = form{name: "jmp", args: "Eq", attr: aBranch | aNoTrack, lift: jumpTo}
	t[0xff].group[6] = form{name: "push*", args: "Eq", lift: push}
}

// twoBytes fills in the opcodes behind 0x0f.
func twoBytes(t *[256]form) {
	for i, c := range conditions {
		t[0x40+i] = form{name: "cmov" + c.name, args: "GvEv", lift: moveIf}
		t[0x80+i] = form{name: "j" + c.name, args: "Jd", attr: aBranch, lift: branch}
		t[0x90+i] = form{name: "set" + c.name, args: "Eb", lift: set}
	}
	t[0x05] = form{name: "syscall", lift: syscall}
	t[0x0b] = form{name: "ud2", lift: trap(ir.TrapUD)}
	t[0x0d] = form{group: &[8]form{{name: "prefetch", args: "Mb", lift: nop}, {name: "prefetchw", args: "Mb", lift: nop}}}
	t[0x18] = form{group: &[8]form{
		{name: "prefetchnta", args: "Mb", lift: nop}, {name: "prefetcht0", args: "Mb", lift: nop},
		{name: "prefetcht1", args: "Mb", lift: nop}, {name: "prefetcht2", args: "Mb", lift: nop},
	}}
	t[0x1e] = form{name: "nop", args: "Ev", attr: aOwn, lift: endbr}
	t[0x1f] = form{group: &[8]form{{name: "nop*", args: "Ev", attr: aNop, lift: nop}}}
	t[0xae] = form{group: &[8]form{
		5: {name: "lfence", args: "Ed", lift: fence(ir.FenceR)},
		6: {name: "mfence", args: "Ed", lift: fence(ir.FenceFull)},
		7: {name: "sfence", args: "Ed", lift: fence(ir.FenceW)},
	}}
	t[0xb9] = form{name: "ud1", args: "GvEv", lift: trap(ir.TrapUD)}

	bits := []struct {
		name string
		lift func(*inst)
	}{{"bt", bit(ir.Nop)}, {"bts", bit(ir.Or)}, {"btr", bit(ir.Andn)}, {"btc", bit(ir.Xor)}}
	t[0xba] = form{group: &[8]form{}}
	for i, b := range bits {
		lock := aLock
		if i == 0 {
			lock = 0
		}
		t[0xa3+i<<3] = form{name: b.name, args: "EvGv", attr: lock, lift: b.lift}
		t[0xba].group[4+i] = form{name: b.name + "*", args: "EvUb", attr: lock, lift: b.lift}
	}
	t[0xb0] = form{name: "cmpxchg", args: "EbGb", attr: aLock, lift: compareExchange}
	t[0xb1] = form{name: "cmpxchg", args: "EvGv", attr: aLock, lift: compareExchange}
	t[0xc0] = form{name: "xadd", args: "EbGb", attr: aLock, lift: exchangeAdd}
	t[0xc1] = form{name: "xadd", args: "EvGv", attr: aLock, lift: exchangeAdd}
	t[0xb6] = form{name: "movzb", args: "GvEb", lift: moveZero}
	t[0xb7] = form{name: "movzw", args: "GvEw", lift: moveZero}
	t[0xbe] = form{name: "movsb", args: "GvEb", lift: moveSigned}
	t[0xbf] = form{name: "movsw", args: "GvEw", lift: moveSigned}
}

// with is a group whose rows all have the same operands.
func with(args string, rows [8]form) form {
	for i := range rows {
		if rows[i].lift != nil {
			rows[i].args = args
		}
	}
	return form{group: &rows}
}

// conditions are those of jcc, setcc and cmovcc by their four bits.
var conditions = [16]struct {
	name string
	cond ir.Cond // Always: none of ours
}{
	{"o", 0}, {"no", 0}, {"b", ir.Lo}, {"ae", ir.Hs}, {"e", ir.Eq}, {"ne", ir.Ne}, {"be", ir.Ls}, {"a", ir.Hi},
	{"s", ir.Mi}, {"ns", ir.Pl}, {"p", 0}, {"np", 0}, {"l", ir.Lt}, {"ge", ir.Ge}, {"le", ir.Le}, {"g", ir.Gt},
}

// condition is that of the opcode.
func (in *inst) condition() ir.Cond {
	c := conditions[in.opcode&15].cond
	if c == ir.Always {
		in.fail(whyParity)
	}
	return c
}

// checkPrefixes refuses prefixes that the row doesn't take, and fs where nothing
// is accessed.
func (in *inst) checkPrefixes() {
	has := func(a attr) bool { return in.form.attr&a != 0 }
	memory := false
	for _, a := range in.args[:in.n] {
		memory = memory || a.kind == kMem
	}
	switch {
	case in.twice:
		in.fail(whyPrefix)
	case in.lock && !(has(aLock) && in.args[0].kind == kMem):
		in.fail(whyLock)
	case has(aNop) && !in.lock && (in.seg == 0 || in.seg == 0x2e) && !in.addr32 && (in.rep == 0 || in.rep == 0xf3 && has(aOwn)):
		return // padding, however it is written
	case in.data16 > 0 && !(has(aSized) && (in.data16 == 1 || in.wide()) || has(aBranch) && in.wide()),
		in.addr32 && !(has(aBranch) && in.args[0].kind == kTarget && in.n == 1),
		in.rep == 0xf2 && !has(aBranch),
		in.rep == 0xf3 && !has(aOwn),
		in.seg == 0x64 && !memory,
		in.seg == 0x3e && !has(aNoTrack),
		in.seg != 0 && in.seg != 0x64 && in.seg != 0x3e:
		in.fail(whyPrefix)
	}
}
