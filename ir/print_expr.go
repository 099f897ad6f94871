package ir

// String returns the expression as the assembler reads it, with the
// parentheses that it needs.
func (e Expr) String() string { return string(e.append(nil, 0)) }

// append appends the expression as an operand of an operator of precedence
// prec; 0 is no operator.
func (e *Expr) append(b []byte, prec int) []byte {
	switch e.Op {
	case ExprNum:
		return appendInt(b, e.Num)
	case ExprSym:
		return append(b, e.Sym...)
	case ExprAddr:
		return append(append(b, '&'), e.Sym...)
	case ExprSum:
		return appendCall(b, "sum", []string{e.Sym})
	case ExprCalls:
		return appendCall(b, "calls", []string{e.Sym})
	case ExprGot:
		return appendCall(b, "got", []string{e.Sym})
	case ExprList:
		return appendCall(b, "list", []string{e.Sym, e.arg(0).String()})
	case ExprIndex:
		b = append(append(b, e.Sym...), '[')
		return append(e.arg(0).append(b, 0), ']')
	}
	for _, o := range operators {
		if o.op != e.Op {
			continue
		}
		// The same operator on the left needs no parentheses, unless it is a
		// comparison: those don't associate.
		left := o.prec
		if o.prec == precCompare {
			left++
		}
		if o.prec < prec {
			b = append(b, '(')
		}
		b = e.arg(0).append(b, left)
		b = append(append(append(b, ' '), o.text...), ' ')
		b = e.arg(1).append(b, o.prec+1)
		if o.prec < prec {
			b = append(b, ')')
		}
		return b
	}
	return append(b, named(nil, int(e.Op))...)
}

// arg returns operand i; a missing one, in a tree from Go, reads as zero.
func (e *Expr) arg(i int) *Expr {
	if i < len(e.Args) {
		return &e.Args[i]
	}
	return &Expr{}
}
