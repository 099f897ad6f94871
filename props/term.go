package props

import (
	"fmt"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// term is an expression in which the names have been looked up: an invariant is asked
// after every transition of a search.
type term struct {
	expr *ir.Expr
	op   ir.ExprOp
	num  int64    // ExprNum, and what an address or a symbol without data is
	fn   int      // ExprCalls and ExprGot: the function, or -1
	data *ir.Data // what the symbol names, if it is data
	base ir.Addr
	args []term
}

func (c *checks) term(e *ir.Expr) term {
	t := term{expr: e, op: e.Op, num: e.Num}
	switch e.Op {
	case ir.ExprCalls, ir.ExprGot:
		t.fn = c.fn(e.Sym)
	case ir.ExprAddr:
		t.num = int64(c.m.Image().Symbols[e.Sym])
	case ir.ExprSym, ir.ExprIndex, ir.ExprSum, ir.ExprList:
		t.data, t.base = c.data(e.Sym), c.m.Image().Symbols[e.Sym]
		if t.data == nil {
			t.num = int64(t.base)
		}
	}
	for i := range e.Args {
		t.args = append(t.args, c.term(&e.Args[i]))
	}
	return t
}

// parts tells what is behind the value of a condition: what it looked at in memory
// and history, each once.
func (c *checks) parts(t *term, said []string) []string {
	switch {
	case t.op == ir.ExprAnd && c.eval(&t.args[0]) == 0:
		return c.parts(&t.args[0], said) // the right side wasn't looked at
	case len(t.args) == 2:
		return c.parts(&t.args[1], c.parts(&t.args[0], said))
	case t.op == ir.ExprNum, t.op == ir.ExprAddr, t.op == ir.ExprSym && t.data == nil:
		return said
	}
	if part := fmt.Sprintf("%v is %s", t.expr, c.m.Image().ValueName(uint64(c.eval(t)))); !slices.Contains(said, part) {
		said = append(said, part)
	}
	return said
}

// eval computes an expression; conditions are 1 or 0.
func (c *checks) eval(t *term) int64 {
	if len(t.args) == 2 {
		left := c.eval(&t.args[0])
		// The left side may be there to guard the right one.
		if t.op == ir.ExprAnd && left == 0 || t.op == ir.ExprOr && left != 0 {
			return truth(left != 0)
		}
		return binary2(t.op, left, c.eval(&t.args[1]))
	}
	switch t.op {
	case ir.ExprCalls, ir.ExprGot:
		switch {
		case t.fn < 0:
			return 0
		case t.op == ir.ExprGot:
			return int64(c.got[t.fn])
		}
		return int64(c.calls[t.fn])
	}
	d := t.data
	if d == nil {
		return t.num
	}
	switch t.op {
	case ir.ExprSym:
		return c.m.Peek(t.base, d.Width)
	case ir.ExprIndex:
		return c.element(d, t.base, c.eval(&t.args[0]))
	}
	// All elements, on all CPUs.
	areas := 1
	if d.Kind == ir.PerCPU {
		areas = c.m.CPUs()
	}
	var sum int64
	for cpu := range areas {
		for i := range d.Count {
			a := t.base + ir.Addr(cpu)<<c.m.Image().PerCPUShift + ir.Addr(i*d.Width.Bytes())
			if t.op == ir.ExprList {
				sum += c.length(a, d, ir.Addr(c.eval(&t.args[0])))
			} else {
				sum += c.m.Peek(a, d.Width)
			}
		}
	}
	return sum
}

// element is x[i]; of per-CPU data that of CPU i. An index without an element
// says nothing about the program, so it breaks the check, whatever it compares.
func (c *checks) element(d *ir.Data, base ir.Addr, i int64) int64 {
	n, step := d.Count, ir.Addr(d.Width.Bytes())
	if d.Kind == ir.PerCPU {
		n, step = c.m.CPUs(), 1<<c.m.Image().PerCPUShift
	}
	if i < 0 || i >= int64(n) {
		c.wrong = fmt.Sprintf("there is no %s[%d], only 0 to %d", d.Name, i, n-1)
		return 0
	}
	return c.m.Peek(base+ir.Addr(i)*step, d.Width)
}

// length counts the nodes of a list; one longer than memory can hold is a
// cycle, and breaks the check.
func (c *checks) length(head ir.Addr, d *ir.Data, next ir.Addr) int64 {
	const longest = 1000
	n := int64(0)
	for a := ir.Addr(c.m.Peek(head, d.Width)); a != 0; a = ir.Addr(c.m.Peek(a+next, 8)) {
		if n++; n > longest {
			c.wrong = fmt.Sprintf("the list at %s never ends", c.m.Image().DataName(head))
			return longest
		}
	}
	return n
}

func (c *checks) data(name string) *ir.Data {
	for i := range c.prog.Data {
		if c.prog.Data[i].Name == name {
			return &c.prog.Data[i]
		}
	}
	return nil
}

func binary2(op ir.ExprOp, a, b int64) int64 {
	holds := false
	switch op {
	case ir.ExprAdd:
		return a + b
	case ir.ExprSub:
		return a - b
	case ir.ExprMul:
		return a * b
	case ir.ExprEq:
		holds = a == b
	case ir.ExprNe:
		holds = a != b
	case ir.ExprLt:
		holds = a < b
	case ir.ExprLe:
		holds = a <= b
	case ir.ExprGt:
		holds = a > b
	case ir.ExprGe:
		holds = a >= b
	case ir.ExprAnd:
		holds = a != 0 && b != 0
	case ir.ExprOr:
		holds = a != 0 || b != 0
	}
	return truth(holds)
}

func truth(v bool) int64 {
	if v {
		return 1
	}
	return 0
}
