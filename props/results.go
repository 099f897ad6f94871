package props

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// results are what calls have returned, thread by thread: what is left of a history
// for those who don't ask when.
type results struct {
	spec  *Spec
	im    *ir.Image
	known [][]bool // by thread and call: it is the specification's
	ops   [][]Op   // by thread: its calls that are
	rets  [][]Ret  // by thread: the results of those that have returned
	open  []bool   // by thread: one is under way
}

// newResults returns none, and the object's first state.
func newResults(m *emu.Machine, spec *Spec, funcs []string) (r results, init string, err error) {
	roles, err := spec.bindTo(m.Image(), funcs)
	if err != nil {
		return r, "", err
	}
	if init, err = spec.Init(m); err != nil {
		return r, "", fmt.Errorf("spec %s: %w", spec.Name, err)
	}
	r.spec, r.im = spec, m.Image()
	for _, calls := range opsOf(m.Image().Prog, m.Image(), roles) {
		var ops []Op
		known := make([]bool, len(calls))
		for i, op := range calls {
			if known[i] = op.Role >= 0; known[i] {
				ops = append(ops, op)
			}
		}
		r.ops, r.known = append(r.ops, ops), append(r.known, known)
	}
	r.rets, r.open = make([][]Ret, len(r.ops)), make([]bool, len(r.ops))
	return r, init, nil
}

// observe takes in calls and returns. It reports whether one of the specification's
// has returned.
func (r *results) observe(e emu.Event) bool {
	t := int(e.Task)
	if t >= len(r.ops) {
		return false
	}
	switch {
	case e.Kind == emu.EvInvoke:
		r.open[t] = r.known[t][e.A]
	case e.Kind == emu.EvReturn && r.open[t]:
		r.open[t] = false
		r.rets[t] = append(r.rets[t], Ret{e.A, e.B})
		return true
	}
	return false
}

// String lists the calls by thread.
func (r *results) String() string { return r.list(make([]int, len(r.ops))) }

// list lists the calls by thread, each from a number on.
func (r *results) list(from []int) string {
	var threads []string
	for t, rets := range r.rets {
		var calls []string
		for i := from[t]; i < len(rets); i++ {
			calls = append(calls, describeOp(r.spec, r.im, r.ops[t][i], rets[i]))
		}
		if r.open[t] {
			calls = append(calls, describeOp(r.spec, r.im, r.ops[t][len(rets)], nil))
		}
		if len(calls) > 0 {
			threads = append(threads, fmt.Sprintf("t%d %s", t, strings.Join(calls, ", ")))
		}
	}
	return strings.Join(threads, "; ")
}
