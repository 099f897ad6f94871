package props

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Checks makes a property of the program's always and final declarations.
func Checks(m *emu.Machine) (explore.Property, error) {
	p := m.Image().Prog
	c := &checks{prog: p, m: m, calls: make([]uint16, len(p.Funcs)), got: make([]uint16, len(p.Funcs))}
	for _, t := range p.Threads {
		var fns []int
		for _, call := range t.Calls {
			fns = append(fns, c.fn(call.Func))
		}
		c.scripts = append(c.scripts, fns)
		c.call = append(c.call, 0)
	}
	for i := range p.Checks {
		c.conds = append(c.conds, c.term(&p.Checks[i].Cond))
		c.counts = c.counts || counts(&p.Checks[i].Cond)
		c.always = c.always || p.Checks[i].When == ir.Invariantly
	}
	return c, nil
}

type checks struct {
	prog    *ir.Program
	m       *emu.Machine // whose image and number of CPUs are all machines'
	conds   []term       // of prog.Checks
	scripts [][]int      // by thread and call: the function
	call    []uint16     // by thread: its call
	calls   []uint16     // by function: finished calls
	got     []uint16     // … whose r0 wasn't 0
	counts  bool         // a check asks for either
	wrong   string       // why the check that is evaluated can't be answered
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
	c.m = m
	for i := range c.conds {
		k, cond := &c.prog.Checks[i], &c.conds[i]
		if k.When != when {
			continue
		}
		c.wrong = ""
		if c.eval(cond) != 0 && c.wrong == "" {
			continue
		}
		msg := "it is false"
		switch {
		case c.wrong != "":
			msg = c.wrong
		case k.Cond.Op == ir.ExprAnd || k.Cond.Op == ir.ExprOr:
			msg = strings.Join(c.parts(cond, nil), ", ")
		case len(k.Cond.Args) == 2:
			msg = fmt.Sprintf("the left side is %d, the right side %d", c.eval(&cond.args[0]), c.eval(&cond.args[1]))
		}
		return &explore.Violation{Property: fmt.Sprintf("%s %v", whenNames[when], k.Cond), Message: msg}
	}
	return nil
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
