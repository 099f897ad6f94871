package promela

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
)

// counts reports whether an expression asks for calls, which then are part of
// the state.
func counts(e *ir.Expr) bool {
	if e.Op == ir.ExprCalls || e.Op == ir.ExprGot {
		return true
	}
	for i := range e.Args {
		if counts(&e.Args[i]) {
			return true
		}
	}
	return false
}

// checks writes the program's checks: always_checks after each transition, and
// final_checks when the last thread has ended.
func (x *exporter) checks() {
	var body [2]strings.Builder
	for i := range x.im.Prog.Checks {
		c := &x.im.Prog.Checks[i]
		s, v := x.eval(&c.Cond)
		name := map[ir.CheckWhen]string{ir.Finally: "final", ir.Invariantly: "always"}[c.When]
		fmt.Fprintf(&body[c.When], "    /* %s %v */\n    wrong = 0;\n%s    %s_%d = (!wrong && %s != 0);\n    assert(%s_%d);\n",
			name, c.Cond, indent(s, 4), name, i+1, v, name, i+1)
		x.printf("hidden byte %s_%d;\n", name, i+1)
	}
	if x.vars > 0 {
		x.printf("hidden int ")
		for i := range x.vars {
			if i > 0 {
				x.printf(", ")
			}
			x.printf("e%d", i)
		}
		x.printf(";\n")
	}
	if len(x.im.Prog.Checks) > 0 {
		x.printf("hidden byte wrong;\n\n")
	}
	for when, name := range []string{ir.Finally: "final", ir.Invariantly: "always"} {
		if x.checked[when] {
			x.printf("inline %s_checks() {\n%s    skip\n}\n\n", name, body[when].String())
		}
	}
}

// always is the question after a transition.
func (x *exporter) always() string {
	if !x.checked[ir.Invariantly] {
		return ""
	}
	return "#ifndef NOCHECKS\n       always_checks();\n#endif\n"
}

func (x *exporter) temp() string {
	x.vars++
	return fmt.Sprintf("e%d", x.vars-1)
}

// eval writes statements that compute an expression, and names its value. The
// numbers are those of the machine's memory; one that doesn't fit is refused.
func (x *exporter) eval(e *ir.Expr) (stmts, value string) {
	if len(e.Args) == 2 {
		return x.binary(e)
	}
	im := x.im
	v := x.temp()
	switch e.Op {
	case ir.ExprNum:
		return fmt.Sprintf("%s = %s;\n", v, x.literal(e, e.Num)), v
	case ir.ExprCalls, ir.ExprGot:
		for i, f := range im.Funcs {
			if f.Name == e.Sym {
				return fmt.Sprintf("%s = %s[%d];\n", v, map[ir.ExprOp]string{ir.ExprCalls: "calls", ir.ExprGot: "got"}[e.Op], i), v
			}
		}
		return v + " = 0;\n", v
	}
	base := im.Symbols[e.Sym]
	d := x.data(e.Sym)
	if e.Op == ir.ExprAddr || d == nil {
		return fmt.Sprintf("%s = %s;\n", v, x.literal(e, int64(base))), v
	}
	switch e.Op {
	case ir.ExprSym:
		return x.peek(d, fmt.Sprint(uint64(base))) + v + " = v;\n", v
	case ir.ExprIndex:
		s, i := x.eval(&e.Args[0])
		n, step := d.Count, d.Width.Bytes()
		if d.Kind == ir.PerCPU {
			n, step = x.cpus, 1<<im.PerCPUShift
		}
		return fmt.Sprintf("%sif\n:: (%s < 0 || %s >= %d) -> wrong = 1; %s = 0\n:: else ->\n%s   %s = v\nfi;\n",
			s, i, i, n, v, indent(x.peek(d, fmt.Sprintf("%d + %s*%d", uint64(base), i, step)), 3), v), v
	}
	s := v + " = 0;\n"
	next := ""
	if e.Op == ir.ExprList {
		var more string
		more, next = x.eval(&e.Args[0])
		s += more
	}
	areas := 1
	if d.Kind == ir.PerCPU {
		areas = x.cpus
	}
	for c := range areas {
		for i := range d.Count {
			s += x.peek(d, fmt.Sprint(uint64(base)+uint64(c)<<im.PerCPUShift+uint64(i*d.Width.Bytes())))
			if e.Op == ir.ExprSum {
				s += fmt.Sprintf("need(v < 1<<24 && v > -(1<<24));\n%s = %s + v;\n", v, v)
				continue
			}
			s += fmt.Sprintf("i = 0;\ndo\n:: (v != 0 && i <= 1000) -> i++;\n%s:: else -> break\nod;\nif :: (i > 1000) -> wrong = 1 :: else -> %s = %s + i fi;\n",
				indent(x.peek(&ir.Data{Width: ir.W8}, "v + "+next), 3), v, v)
		}
	}
	return s, v
}

// peek leaves the number at an address in v; 0 where nothing is mapped.
func (x *exporter) peek(d *ir.Data, at string) string {
	w := d.Width.Bytes()
	return fmt.Sprintf("at = %s; place(at, %d);\nif\n:: (x >= 0) -> load%d(mem, x)\n:: else -> need(at < %d || at >= %d); v = 0\nfi;\n",
		at, w, w, ir.CodeBase, ir.DataBase)
}

func (x *exporter) binary(e *ir.Expr) (string, string) {
	left, a := x.eval(&e.Args[0])
	right, b := x.eval(&e.Args[1])
	v := x.temp()
	switch e.Op {
	case ir.ExprAnd:
		return left + fmt.Sprintf("if\n:: (%s != 0) ->\n%s   %s = (%s != 0)\n:: else -> %s = 0\nfi;\n", a, indent(right, 3), v, b, v), v
	case ir.ExprOr:
		return left + fmt.Sprintf("if\n:: (%s == 0) ->\n%s   %s = (%s != 0)\n:: else -> %s = 1\nfi;\n", a, indent(right, 3), v, b, v), v
	}
	op, ok := map[ir.ExprOp]string{ir.ExprAdd: "+", ir.ExprSub: "-", ir.ExprMul: "*", ir.ExprEq: "==", ir.ExprNe: "!=",
		ir.ExprLt: "<", ir.ExprLe: "<=", ir.ExprGt: ">", ir.ExprGe: ">="}[e.Op]
	if !ok {
		x.fail(e.Pos, "the expression %v", *e)
	}
	bound := ""
	switch e.Op {
	case ir.ExprAdd, ir.ExprSub:
		bound = fmt.Sprintf("need(%[1]s < 1<<30 && %[1]s > -(1<<30) && %[2]s < 1<<30 && %[2]s > -(1<<30));\n", a, b)
	case ir.ExprMul:
		bound = fmt.Sprintf("need(%[1]s < 1<<15 && %[1]s > -(1<<15) && %[2]s < 1<<15 && %[2]s > -(1<<15));\n", a, b)
	}
	return left + right + bound + fmt.Sprintf("%s = (%s %s %s);\n", v, a, op, b), v
}

func (x *exporter) literal(e *ir.Expr, v int64) string {
	if !fits(v) {
		x.fail(e.Pos, "the number %d, of more than 32 bits", v)
	}
	return number(v)
}

func (x *exporter) data(name string) *ir.Data {
	for i := range x.im.Prog.Data {
		if x.im.Prog.Data[i].Name == name {
			return &x.im.Prog.Data[i]
		}
	}
	return nil
}
