package ir

// Bounds on an expression: its trees are walked by recursion.
const (
	maxExprDepth = 64  // parentheses and brackets
	maxExprTerms = 500 // names and numbers
)

// operator is a binary operator. Those of greater precedence bind tighter; a
// chain of equals is read from the left, one of comparisons not at all.
type operator struct {
	op   ExprOp
	text string
	prec int
}

const (
	precOr = 1 + iota
	precAnd
	precCompare
	precAdd
	precMul
)

var operators = []operator{
	{ExprOr, "||", precOr},
	{ExprAnd, "&&", precAnd},
	{ExprEq, "==", precCompare},
	{ExprNe, "!=", precCompare},
	{ExprLt, "<", precCompare},
	{ExprLe, "<=", precCompare},
	{ExprGt, ">", precCompare},
	{ExprGe, ">=", precCompare},
	{ExprAdd, "+", precAdd},
	{ExprSub, "-", precAdd},
	{ExprMul, "*", precMul},
}

// exprFuncs are the functions of an expression.
var exprFuncs = map[string]ExprOp{"sum": ExprSum, "calls": ExprCalls, "got": ExprGot, "list": ExprList}

// ParseExpr reads an expression as it stands behind always or final.
func ParseExpr(s string) (Expr, error) {
	p := &parser{prog: &Program{}, lineNo: 1}
	if err := p.refuse([]byte(s)); err != nil {
		return Expr{}, err
	}
	p.start(s)
	e := p.expr()
	if p.err == nil && p.tok.kind != tokEnd {
		p.expected("the end of the expression")
	}
	if p.err != nil {
		return Expr{}, p.err
	}
	return e, nil
}

// expr reads an expression.
func (p *parser) expr() Expr {
	p.terms = 0
	return p.binary(precOr, 0)
}

// operator returns the operator that the current token is.
func (p *parser) operator() (operator, bool) {
	if p.tok.kind == tokPunct {
		for _, o := range operators {
			if o.text == p.tok.text {
				return o, true
			}
		}
	}
	return operator{}, false
}

// binary reads operands and the operators between them that bind at least as
// tightly as prec.
func (p *parser) binary(prec, depth int) Expr {
	left := p.primary(depth)
	pos := left.Pos
	for p.err == nil {
		o, ok := p.operator()
		if !ok || o.prec < prec {
			break
		}
		p.next()
		left = Expr{Op: o.op, Args: []Expr{left, p.binary(o.prec+1, depth)}, Pos: pos}
		if next, ok := p.operator(); ok && o.prec == precCompare && next.prec == precCompare {
			p.fail(p.tok.col, "comparisons in a row need parentheses")
		}
	}
	return left
}

// primary reads a number, a name with what belongs to it, or parentheses.
func (p *parser) primary(depth int) Expr {
	if p.terms++; p.terms > maxExprTerms {
		p.fail(p.tok.col, "the expression is too long (at most %d names and numbers)", maxExprTerms)
		return Expr{}
	}
	if depth > maxExprDepth {
		p.fail(p.tok.col, "the expression is nested too deeply (at most %d)", maxExprDepth)
		return Expr{}
	}
	pos := p.pos()
	switch {
	case p.accept("("):
		e := p.binary(precOr, depth+1)
		p.need(")")
		return e
	case p.accept("&"):
		return Expr{Op: ExprAddr, Sym: p.name("the name of data"), Pos: pos}
	case p.tok.is("-") && isLetterAt(p.code, p.off):
		return Expr{Op: ExprSym, Sym: p.errno(), Pos: pos}
	case p.tok.kind != tokWord:
		return Expr{Op: ExprNum, Num: p.number("a number, a name or \"(\""), Pos: pos}
	}
	e := Expr{Op: ExprSym, Sym: p.name("a name"), Pos: pos}
	switch {
	case exprFuncs[e.Sym] != 0 && p.accept("("):
		e.Op = exprFuncs[e.Sym]
		e.Sym = p.name("a name")
		if e.Op == ExprList {
			p.need(",")
			e.Args = []Expr{p.binary(precOr, depth+1)}
		}
		p.need(")")
	case p.accept("["):
		e.Op = ExprIndex
		e.Args = []Expr{p.binary(precOr, depth+1)}
		p.need("]")
	}
	return e
}
