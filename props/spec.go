package props

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// Spec is a sequential specification: what the operations of an object may
// return, one after the other. A state is a string of bytes, so that states are
// compared and stored as they are: encode equal states equally.
type Spec struct {
	Name string
	// Roles are the operations, in the order in which a spec declaration names
	// the functions; those behind Required may be missing.
	Roles    []string
	Required int
	// BySlot says that a state is a list of slots, one for each CPU, and that r1 of
	// every operation is the CPU. Gives is the role whose r0 is an element of a slot
	// (or 0), if arguments are elements.
	BySlot bool
	Gives  int
	// Init is the object's state on a machine, before the first call.
	Init func(m *emu.Machine) (state string, err error)
	// Next yields every result that the call may have in the state, with the
	// state behind it. They depend on nothing else.
	Next func(state string, op Op, yield func(Ret, string))
	// Describe prints a state for people, its values by name.
	Describe func(state string, name func(uint64) string) string
}

// Op is a call of an operation.
type Op struct {
	Role int // index into the specification's Roles
	Args [6]uint64
}

// Ret is a call's result: r0 and r1.
type Ret struct{ R0, R1 uint64 }

// specs are the named specifications.
var specs = []*Spec{Stack, Counter, Pair, Register, Tally, Slab}

// Specs returns the named specifications.
func Specs() []*Spec { return slices.Clone(specs) }

// SpecByName finds a named specification.
func SpecByName(name string) (*Spec, error) {
	var names []string
	for _, s := range specs {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("unknown specification %q (%s)", name, strings.Join(names, ", "))
}

// bind maps the program's functions to a specification's roles.
func (s *Spec) bind(funcs []string) (map[string]int, error) {
	if len(funcs) < s.Required || len(funcs) > len(s.Roles) {
		return nil, fmt.Errorf("spec %s takes the functions for %s", s.Name, strings.Join(s.Roles, ", "))
	}
	roles := map[string]int{}
	for i, f := range funcs {
		if _, ok := roles[f]; ok {
			return nil, fmt.Errorf("spec %s: %s has two roles", s.Name, f)
		}
		roles[f] = i
	}
	return roles, nil
}

// bindTo is bind for functions that may not be the program's.
func (s *Spec) bindTo(im *ir.Image, funcs []string) (map[string]int, error) {
	for _, f := range funcs {
		if _, ok := im.Func(f); !ok {
			return nil, fmt.Errorf("spec %s: the program has no function %q", s.Name, f)
		}
	}
	return s.bind(funcs)
}

// constant is the value of one of the program's constants.
func constant(m *emu.Machine, name string) (int, bool) {
	for _, c := range m.Image().Prog.Consts {
		if c.Name == name {
			return int(c.Value), true
		}
	}
	return 0, false
}

// opsOf lists what each thread's script calls, by role; -1 is a call that the
// specification doesn't know.
func opsOf(p *ir.Program, im *ir.Image, roles map[string]int) [][]Op {
	ops := make([][]Op, len(p.Threads))
	for i, t := range p.Threads {
		for _, c := range t.Calls {
			op := Op{Role: -1}
			if r, ok := roles[c.Func]; ok {
				op.Role = r
			}
			for j, a := range c.Args {
				op.Args[j] = uint64(im.Symbols[a.Sym]) + uint64(a.Off)
			}
			ops[i] = append(ops[i], op)
		}
	}
	return ops
}
