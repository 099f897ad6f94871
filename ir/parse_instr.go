package ir

import (
	"errors"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// instrLine reads an instruction, and adds it to the function.
func (p *parser) instrLine() {
	n := p.lineNotes()
	in := p.instr(n.Pos.Col)
	if p.err == nil {
		p.item(Item{Kind: Code, Instr: in, Notes: n})
	}
}

// instr reads an instruction: lock { ld.8 t0, [r3]; … } !7
func (p *parser) instr(col int) Instr {
	in := NewInstr(NewOp(Nop))
	var cols [MaxOps]int // of the micro-ops
	if p.tok.kind == tokWord && p.tok.text == "lock" {
		in.Locked = true
		p.next()
	}
	if p.accept("{") {
		for in.N = 0; p.err == nil; {
			if in.N == MaxOps {
				p.fail(p.tok.col, "an instruction has at most %d micro-ops", MaxOps)
				break
			}
			cols[in.N] = p.tok.col
			in.Ops[in.N] = p.op()
			in.N++
			if p.accept("}") {
				break
			}
			if !p.accept(";") {
				p.expected(`";" or "}"`)
			}
		}
	} else {
		cols[0] = p.tok.col
		in.Ops[0] = p.op()
	}
	if p.accept("!") {
		if in.Size = uint8(p.count("a length", 1, MaxSize)); in.Size == InstrSize {
			in.Size = 0
		}
	}
	if p.err != nil || p.tok.kind != tokEnd {
		return in
	}
	if err := in.Validate(); err != nil {
		var inv *InvalidError
		if errors.As(err, &inv) && inv.Op >= 0 {
			col = cols[inv.Op]
		}
		p.fail(col, "%v", err)
	}
	return in
}

// mnemonics are all of them, for suggestions.
var mnemonics = func() (names []string) {
	for i := range vocabulary {
		names = append(names, vocabulary[i].name)
	}
	return append(names, "lock", "sig", "cs")
}()

// op reads a micro-op.
func (p *parser) op() Op {
	t := p.tok
	if t.kind != tokWord {
		p.expected("an instruction")
		return Op{}
	}
	base, suffix, dotted := strings.Cut(t.text, ".")
	s := byMnemonic[base]
	switch {
	case t.text == "lock":
		p.fail(t.col, "lock stands once, before the instruction and its braces")
		return Op{}
	case s == nil:
		p.fail(t.col, "unknown instruction %s%s", quote(base), didYouMean(base, slices.Concat(mnemonics, declarationWords)))
		return Op{}
	}
	o := NewOp(s.code)
	o.Flags = s.flags
	col := t.col + len(base) + 1
	for dotted {
		var word string
		word, suffix, dotted = strings.Cut(suffix, ".")
		if !s.suffix(&o, word) {
			p.fail(col, "%s has no suffix .%s%s", s.name, clip(word), s.suffixes())
			return Op{}
		}
		col += len(word) + 1
	}
	switch {
	case s.cond && o.Cond == Always:
		p.fail(t.col, "%s needs a condition, such as %s.eq", s.name, s.name)
		return Op{}
	case s.widths != 0 && o.Width == 0:
		p.fail(t.col, "%s needs a width: %s", s.name, widthList(s.widths))
		return Op{}
	}
	p.next()
	for i, slot := range []byte(s.form) {
		if i > 0 && !p.accept(",") {
			p.expected(`","` + s.usage())
		}
		p.operand(slot, &o, s)
	}
	return o
}

// suffix sets what a suffix says, and reports whether the mnemonic has it.
func (s *syntax) suffix(o *Op, word string) bool {
	if i := slices.Index(condNames[:], word); i > 0 && s.cond {
		o.Cond = Cond(i)
		return true
	}
	if i := slices.Index(orderNames[:], word); i > 0 && word != "" && (s.code == Fence || Order(i) == s.order) && s.ordered(Order(i)) {
		o.Order = Order(i)
		return true
	}
	if len(word) == 1 && isDigit(word[0]) && s.widths>>(word[0]-'0')&1 != 0 {
		o.Width = Width(word[0] - '0')
		return true
	}
	return false
}

// suffixes lists them for a message.
func (s *syntax) suffixes() string {
	var all []string
	if s.widths != 0 {
		all = append(all, widthList(s.widths))
	}
	for i, name := range orderNames {
		if name != "" && s.ordered(Order(i)) {
			all = append(all, "."+name)
		}
	}
	if s.cond {
		all = append(all, "."+strings.Join(condNames[1:], " ."))
	}
	if all == nil {
		return ""
	}
	return " (" + strings.Join(all, ", ") + ")"
}

// usage shows the operands for a message: " (add d, a, b|imm)".
func (s *syntax) usage() string {
	words := map[byte]string{
		'd': "d", 'a': "a", 'b': "b", 'A': "a|imm", 'B': "b|imm", 'm': "[m]",
		't': "target", 's': "name|r8", 'k': "ud|brk",
	}
	var list []string
	for _, slot := range []byte(s.form) {
		list = append(list, words[slot])
	}
	return " (" + s.name + " " + strings.Join(list, ", ") + ")"
}

// operand reads the operand that the form has at slot.
func (p *parser) operand(slot byte, o *Op, s *syntax) {
	switch slot {
	case 'd':
		o.Dst = p.register(s)
	case 'a':
		o.A = p.register(s)
	case 'b':
		o.B = p.register(s)
	case 'A', 'B':
		r := &o.A
		if slot == 'B' {
			r = &o.B
		}
		if p.tok.kind == tokWord && registerLike(p.tok.text) {
			*r = p.register(s)
			return
		}
		v := p.value("a register or an immediate" + s.usage())
		o.Sym, o.Imm = v.Sym, v.Off
	case 'm':
		o.Mem = p.mem(s)
	case 't':
		o.Target = p.name("a label")
	case 's':
		p.syscall(o)
	case 'k':
		i := slices.Index(trapNames[:], p.tok.text)
		if i < 0 || p.tok.kind != tokWord {
			p.expected("ud or brk")
			return
		}
		o.Imm = int64(i)
		p.next()
	}
}

// syscall reads the name of a system call, or r8.
func (p *parser) syscall(o *Op) {
	t := p.tok
	if t.kind != tokWord {
		p.expected("a system call's name, or r8")
		return
	}
	if r, ok := ParseReg(t.text); ok && r == SysReg {
		o.Imm = SyscallInR8
		p.next()
		return
	}
	call, ok := abi.ParseSyscall(t.text)
	if !ok {
		var names []string
		for _, c := range abi.Syscalls() {
			names = append(names, c.String())
		}
		p.fail(t.col, "unknown system call %s%s", quote(t.text), didYouMean(t.text, names))
		return
	}
	o.Imm = int64(call)
	p.next()
}
