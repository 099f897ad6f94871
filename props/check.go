package props

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Checks makes a property of the program's always and final declarations.
func Checks(m *emu.Machine) (explore.Property, error) {
	p := m.Image().Prog
	c := &checks{prog: p, calls: make([]uint16, len(p.Funcs)), got: make([]uint16, len(p.Funcs))}
	for _, t := range p.Threads {
		var fns []int
		for _, call := range t.Calls {
			fns = append(fns, c.fn(call.Func))
		}
		c.scripts = append(c.scripts, fns)
		c.call = append(c.call, 0)
	}
	for i := range p.Checks {
		c.counts = c.counts || counts(&p.Checks[i].Cond)
		c.always = c.always || p.Checks[i].When == ir.Invariantly
	}
	return c, nil
}

type checks struct {
	prog    *ir.Program
	scripts [][]int  // by thread and call: the function
	call    []uint16 // by thread: its call
	calls   []uint16 // by function: finished calls
	got     []uint16 // … whose r0 wasn't 0
	counts  bool     // a check asks for either
	wrong   string   // why the check that is evaluated can't be answered
	always  bool
}

func (c *checks) fn(name string) int {
	for i := range c.prog.Funcs {
		if c.prog.Funcs[i].Name == name {
			return i
		}
	}
	return -1
}

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

func (c *checks) Observe(e emu.Event) {
	if e.Kind != emu.EvReturn || int(e.Task) >= len(c.scripts) || !c.counts {
		return
	}
	fn := c.scripts[e.Task][c.call[e.Task]]
	c.call[e.Task]++
	c.calls[fn]++
	if e.A != 0 {
		c.got[fn]++
	}
}

// Selects says that it counts returns; an always is asked after every transition.
func (c *checks) Selects() (kinds emu.EventSet, every bool) {
	if c.counts {
		kinds = emu.SetOf(emu.EvReturn)
	}
	return kinds, c.always
}

func (c *checks) After(m *emu.Machine, _ emu.Choice) *explore.Violation {
	if !c.always {
		return nil
	}
	return c.ask(m, ir.Invariantly)
}

func (c *checks) AtEnd(m *emu.Machine) *explore.Violation { return c.ask(m, ir.Finally) }

var whenNames = [...]string{ir.Finally: "final", ir.Invariantly: "always"}

func (c *checks) ask(m *emu.Machine, when ir.CheckWhen) *explore.Violation {
	for i := range c.prog.Checks {
		k := &c.prog.Checks[i]
		if k.When != when {
			continue
		}
		c.wrong = ""
		if c.eval(m, &k.Cond) != 0 && c.wrong == "" {
			continue
		}
		msg := "it is false"
		switch {
		case c.wrong != "":
			msg = c.wrong
		case k.Cond.Op == ir.ExprAnd || k.Cond.Op == ir.ExprOr:
			msg = strings.Join(c.parts(m, &k.Cond, nil), ", ")
		case len(k.Cond.Args) == 2:
			msg = fmt.Sprintf("the left side is %d, the right side %d", c.eval(m, &k.Cond.Args[0]), c.eval(m, &k.Cond.Args[1]))
		}
		return &explore.Violation{Property: fmt.Sprintf("%s %v", whenNames[when], k.Cond), Message: msg}
	}
	return nil
}

// parts tells what is behind the value of a condition: what it looked at in memory
// and history, each once.
func (c *checks) parts(m *emu.Machine, e *ir.Expr, said []string) []string {
	switch {
	case e.Op == ir.ExprAnd && c.eval(m, &e.Args[0]) == 0:
		return c.parts(m, &e.Args[0], said) // the right side wasn't looked at
	case len(e.Args) == 2:
		return c.parts(m, &e.Args[1], c.parts(m, &e.Args[0], said))
	case e.Op == ir.ExprNum, e.Op == ir.ExprAddr, e.Op == ir.ExprSym && c.data(e.Sym) == nil:
		return said
	}
	if part := fmt.Sprintf("%v is %s", e, m.Image().ValueName(uint64(c.eval(m, e)))); !slices.Contains(said, part) {
		said = append(said, part)
	}
	return said
}

// eval computes an expression; conditions are 1 or 0.
func (c *checks) eval(m *emu.Machine, e *ir.Expr) int64 {
	if len(e.Args) == 2 {
		left := c.eval(m, &e.Args[0])
		// The left side may be there to guard the right one.
		if e.Op == ir.ExprAnd && left == 0 || e.Op == ir.ExprOr && left != 0 {
			return truth(left != 0)
		}
		return binary2(e.Op, left, c.eval(m, &e.Args[1]))
	}
	switch e.Op {
	case ir.ExprNum:
		return e.Num
	case ir.ExprCalls, ir.ExprGot:
		n := c.calls
		if e.Op == ir.ExprGot {
			n = c.got
		}
		if f := c.fn(e.Sym); f >= 0 {
			return int64(n[f])
		}
		return 0
	case ir.ExprAddr:
		return int64(m.Image().Symbols[e.Sym])
	}
	d := c.data(e.Sym)
	base := m.Image().Symbols[e.Sym]
	if d == nil {
		return int64(base)
	}
	switch e.Op {
	case ir.ExprSym:
		return m.Peek(base, d.Width)
	case ir.ExprIndex:
		return c.element(m, d, base, c.eval(m, &e.Args[0]))
	}
	var sum int64
	c.each(m, d, base, func(a ir.Addr) {
		if e.Op == ir.ExprList {
			sum += c.length(m, a, d, ir.Addr(c.eval(m, &e.Args[0])))
		} else {
			sum += m.Peek(a, d.Width)
		}
	})
	return sum
}

// each calls f with the address of every element, on all CPUs.
func (c *checks) each(m *emu.Machine, d *ir.Data, base ir.Addr, f func(ir.Addr)) {
	areas := 1
	if d.Kind == ir.PerCPU {
		areas = m.CPUs()
	}
	for cpu := range areas {
		for i := range d.Count {
			f(base + ir.Addr(cpu)<<m.Image().PerCPUShift + ir.Addr(i*d.Width.Bytes()))
		}
	}
}

// element is x[i]; of per-CPU data that of CPU i. An index without an element
// says nothing about the program, so it breaks the check, whatever it compares.
func (c *checks) element(m *emu.Machine, d *ir.Data, base ir.Addr, i int64) int64 {
	n, step := d.Count, ir.Addr(d.Width.Bytes())
	if d.Kind == ir.PerCPU {
		n, step = m.CPUs(), 1<<m.Image().PerCPUShift
	}
	if i < 0 || i >= int64(n) {
		c.wrong = fmt.Sprintf("there is no %s[%d], only 0 to %d", d.Name, i, n-1)
		return 0
	}
	return m.Peek(base+ir.Addr(i)*step, d.Width)
}

// length counts the nodes of a list; one longer than memory can hold is a
// cycle, and breaks the check.
func (c *checks) length(m *emu.Machine, head ir.Addr, d *ir.Data, next ir.Addr) int64 {
	const longest = 1000
	n := int64(0)
	for a := ir.Addr(m.Peek(head, d.Width)); a != 0; a = ir.Addr(m.Peek(a+next, 8)) {
		if n++; n > longest {
			c.wrong = fmt.Sprintf("the list at %s never ends", m.Image().DataName(head))
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

// AppendState appends the counts, where a check asks for them.
func (c *checks) AppendState(b []byte) []byte {
	if !c.counts {
		return b
	}
	for _, s := range [...][]uint16{c.call, c.calls, c.got} {
		for _, v := range s {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
	}
	return b
}

// SetState reads what AppendState wrote.
func (c *checks) SetState(b []byte) ([]byte, error) {
	if !c.counts {
		return b, nil
	}
	for _, s := range [...][]uint16{c.call, c.calls, c.got} {
		for i := range s {
			if len(b) < 2 {
				return nil, errors.New("not the state of checks")
			}
			s[i] = binary.LittleEndian.Uint16(b)
			b = b[2:]
		}
	}
	return b, nil
}
