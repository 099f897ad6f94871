package ir

// register takes a register.
func (p *parser) register(s *syntax) Reg {
	t := p.tok
	if t.kind != tokWord {
		p.expected("a register" + s.usage())
		return None
	}
	r, ok := ParseReg(t.text)
	switch {
	case ok:
		p.next()
		return r
	case registerLike(t.text):
		p.fail(t.col, "unknown register %s (r0..r31, tp)", quote(t.text))
	default:
		p.expected("a register" + s.usage())
	}
	return None
}

// value takes a number, a symbol, or a symbol ± a number.
func (p *parser) value(what string) Value {
	if p.tok.is("-") && isLetterAt(p.code, p.off) {
		return Value{Sym: p.errno()}
	}
	if p.tok.kind != tokWord {
		return Value{Off: p.number(what)}
	}
	v := Value{Sym: p.name(what)}
	if p.tok.is("+") || p.tok.is("-") {
		v.Off = p.offset()
	}
	return v
}

// errno takes a negated errno, -EBUSY, which is a symbol of its own: no other
// has a use for its negative.
func (p *parser) errno() string {
	col := p.tok.col
	p.next()
	name := "-" + p.tok.text
	if !isBuiltin(name) {
		p.fail(col, "only a number or an errno can be negative, not %s", quote(p.tok.text))
		return ""
	}
	p.next()
	return name
}

func isLetterAt(s string, i int) bool {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i < len(s) && isLetter(s[i])
}

// offset takes + or - and a number. The sum wraps around, as addresses do.
func (p *parser) offset() int64 {
	neg := p.tok.is("-")
	p.next()
	n := int64(p.unsigned("a number"))
	if neg {
		return -n
	}
	return n
}

// mem takes [base + index<<s + sym + disp], in any order.
func (p *parser) mem(s *syntax) Mem {
	m := NoMem
	if !p.accept("[") {
		p.expected("[" + s.usage())
		return m
	}
	hasDisp := false
	for first := true; p.err == nil; first = false {
		neg := p.tok.is("-")
		if neg || !first {
			if !neg && !p.tok.is("+") {
				if p.accept("]") {
					return m
				}
				p.expected(`"+", "-" or "]"`)
				return m
			}
			p.next()
		}
		switch t := p.tok; {
		case t.kind == tokNumber:
			if hasDisp {
				p.fail(t.col, "an address has one displacement")
			}
			hasDisp = true
			if m.Disp = int64(t.num); neg {
				m.Disp = -m.Disp
			}
			p.next()
		case neg:
			p.expected("a number")
		case t.kind == tokWord && registerLike(t.text):
			p.memReg(&m, s)
		default:
			if m.Sym != "" {
				p.fail(t.col, "an address has one symbol")
			}
			m.Sym = p.name("a register, a symbol or a number")
		}
	}
	return m
}

// memReg takes a register of an address: a shifted one is the index, the first
// other one the base.
func (p *parser) memReg(m *Mem, s *syntax) {
	col := p.tok.col
	r := p.register(s)
	switch {
	case p.accept("<<"):
		if m.Index != None {
			p.fail(col, "an address has one index")
			return
		}
		m.Index, m.Scale = r, uint8(p.count("a shift", 0, 3))
	case m.Base == None:
		m.Base = r
	case m.Index == None:
		m.Index = r
	default:
		p.fail(col, "an address has a base and an index")
	}
}
