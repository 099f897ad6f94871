package ir

// Parser, printer and validator share one table of the vocabulary, so that
// they can't disagree: a row is what one mnemonic takes.

// syntax is a row: a mnemonic, the micro-op that it writes, the suffixes that it
// allows and its operands.
type syntax struct {
	name  string
	code  Opcode
	flags FlagMode

	// widths is the set of widths, bit w for w bytes; with the default of 8 in
	// it the suffix may be left out, and is left out in canonical text unless
	// spell.
	widths uint16
	spell  bool

	order Order // the one that may be given besides the first
	cond  bool  // a condition must be given

	// form is the operands in the order of the text:
	//
	//	d  destination            m  memory
	//	a  source register A      A  the same, or an immediate
	//	b  source register B      B  the same, or an immediate
	//	t  branch target          s  system call        k  kind of trap
	form string
}

const (
	narrow   = 1<<1 | 1<<2 | 1<<4
	anyWidth = narrow | 1<<8
)

// The rows of one opcode stand together, that without flags first.
var vocabulary = []syntax{
	{name: "nop", code: Nop},

	{name: "mov", code: Mov, widths: anyWidth, form: "dA"},
	{name: "add", code: Add, widths: anyWidth, form: "daB"},
	{name: "adds", code: Add, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "addsk", code: Add, flags: KeepC, widths: anyWidth, form: "daB"},
	{name: "sub", code: Sub, widths: anyWidth, form: "daB"},
	{name: "subs", code: Sub, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "subsk", code: Sub, flags: KeepC, widths: anyWidth, form: "daB"},
	{name: "cmp", code: Sub, flags: SetFlags, widths: anyWidth, form: "aB"},
	{name: "and", code: And, widths: anyWidth, form: "daB"},
	{name: "ands", code: And, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "tst", code: And, flags: SetFlags, widths: anyWidth, form: "aB"},
	{name: "or", code: Or, widths: anyWidth, form: "daB"},
	{name: "ors", code: Or, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "xor", code: Xor, widths: anyWidth, form: "daB"},
	{name: "xors", code: Xor, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "andn", code: Andn, widths: anyWidth, form: "daB"},
	{name: "andns", code: Andn, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "shl", code: Shl, widths: anyWidth, form: "daB"},
	{name: "shls", code: Shl, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "shr", code: Shr, widths: anyWidth, form: "daB"},
	{name: "shrs", code: Shr, flags: SetFlags, widths: anyWidth, form: "daB"},
	{name: "sar", code: Sar, widths: anyWidth, form: "daB"},
	{name: "sars", code: Sar, flags: SetFlags, widths: anyWidth, form: "daB"},

	{name: "zext", code: Zext, widths: narrow, form: "da"},
	{name: "sext", code: Sext, widths: narrow, form: "da"},
	{name: "ins", code: Ins, widths: narrow, form: "da"},

	{name: "ld", code: Ld, widths: anyWidth, spell: true, order: Acquire, form: "dm"},
	{name: "st", code: St, widths: anyWidth, spell: true, order: Release, form: "mA"},
	{name: "la", code: La, form: "dm"},

	{name: "bit", code: Bit, widths: anyWidth, form: "aB"},
	{name: "flipc", code: Flipc},
	{name: "csel", code: Csel, cond: true, form: "dab"},

	{name: "b", code: Br, cond: true, form: "t"},
	{name: "beq", code: Beq, widths: anyWidth, form: "aBt"},
	{name: "bne", code: Bne, widths: anyWidth, form: "aBt"},
	{name: "jmp", code: Jmp, form: "t"},
	{name: "jmpr", code: Jmpr, form: "a"},

	{name: "fence", code: Fence},

	{name: "xadd", code: Xadd, widths: anyWidth, form: "dma"},
	{name: "xchg", code: Xchg, widths: anyWidth, form: "dma"},
	{name: "cmpxchg", code: Cmpxchg, widths: anyWidth, form: "dma"},
	{name: "ll", code: Ll, widths: anyWidth, order: Acquire, form: "dm"},
	{name: "sc", code: Sc, widths: anyWidth, order: Release, form: "dma"},

	{name: "call", code: Call, form: "t"},
	{name: "ret", code: Ret},
	{name: "syscall", code: Syscall, form: "s"},
	{name: "trap", code: Trap, form: "k"},
}

var byMnemonic, byCode = indexVocabulary()

func indexVocabulary() (names map[string]*syntax, codes [numOpcodes][]*syntax) {
	names = make(map[string]*syntax, len(vocabulary))
	for i := range vocabulary {
		s := &vocabulary[i]
		names[s.name] = s
		codes[s.code] = append(codes[s.code], s)
	}
	return names, codes
}

// syntaxOf returns the row that writes o, or nil. Where two rows have the same
// flags, the second is the comparison, which has no destination.
func syntaxOf(o *Op) *syntax {
	if o.Code >= numOpcodes {
		return nil
	}
	var found *syntax
	for _, s := range byCode[o.Code] {
		if s.flags == o.Flags && (found == nil || o.Dst == None) {
			found = s
		}
	}
	return found
}

// takes reports whether w is one of the row's widths. A row without any takes
// the zero Width only.
func (s *syntax) takes(w Width) bool {
	if s.widths == 0 {
		return w == 0
	}
	return w.Bytes() <= 8 && s.widths>>w.Bytes()&1 != 0
}

// width returns the width that is meant when none is given: 0 if one must be.
func (s *syntax) width() Width {
	if s.widths&(1<<8) != 0 {
		return W8
	}
	return 0
}

// The suffixes that aren't widths.
var (
	condNames = [numConds]string{
		Eq: "eq", Ne: "ne", Lo: "lo", Hs: "hs", Ls: "ls", Hi: "hi",
		Lt: "lt", Ge: "ge", Le: "le", Gt: "gt", Mi: "mi", Pl: "pl",
	}
	orderNames = [...]string{Acquire: "acq", Release: "rel", FenceW: "w", FenceR: "r"}
	trapNames  = [...]string{TrapUD: "ud", TrapBrk: "brk"}
)

// String returns the condition as the assembler writes it, eq for Eq; always
// for Always, which no instruction takes.
func (c Cond) String() string {
	if c > Always && c < numConds {
		return condNames[c]
	}
	if c == Always {
		return "always"
	}
	return "cond(" + formatInt(int64(c)) + ")"
}

// String returns the opcode's plain mnemonic.
func (c Opcode) String() string {
	if c < numOpcodes {
		return byCode[c][0].name
	}
	return "opcode(" + formatInt(int64(c)) + ")"
}
