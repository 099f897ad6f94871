package ir

import (
	"slices"

	"github.com/rseqemu/rseqemu/abi"
)

// check holds what surrounds the code against what there is: names in scripts,
// handlers, specifications and conditions, and the data's places and values.
func (l *linker) check() {
	l.checkTLS()
	for _, h := range l.p.Handlers {
		l.checkHandler(h)
	}
	for _, t := range l.p.Threads {
		l.checkThread(t)
	}
	l.checkSetup()
	for _, s := range l.p.Specs {
		for _, f := range s.Funcs {
			l.checkFunc(s.Notes.Pos, f)
		}
	}
	for _, c := range l.p.Checks {
		l.checkExpr(c.Notes.Pos, &c.Cond, 0)
	}
	for _, r := range l.p.NoRaces {
		for _, name := range r.Data {
			if l.vars[name] == nil {
				l.fail(r.Notes.Pos, "there is no data %q%s", name, didYouMean(name, l.dataNames()))
			}
		}
	}
	for i := range l.p.Blocks {
		l.checkBlocks(&l.p.Blocks[i])
	}
}

// checkTLS refuses two thread-local variables at one place. One on top of
// struct rseq is a trick of the trade: the eight bytes at -4 hold a pointer
// whose upper half is cpu_id_start.
func (l *linker) checkTLS() {
	type span struct {
		d        *Data
		from, to int64
	}
	var spans []span
	for i := range l.p.Data {
		if d := &l.p.Data[i]; d.Kind == PerThread {
			at := int64(l.im.Symbols[d.Name])
			spans = append(spans, span{d, at, at + int64(d.Count*d.Width.Bytes())})
		}
	}
	slices.SortStableFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	var last span
	for _, s := range spans {
		if last.d != nil && s.from < last.to {
			a, b := last.d, s.d
			if b.Notes.Pos.Line < a.Notes.Pos.Line {
				a, b = b, a
			}
			l.fail(b.Notes.Pos, "tls %q overlaps with %q", b.Name, a.Name)
			return
		}
		if last.d == nil || s.to > last.to {
			last = s
		}
	}
}

// checkBlocks refuses functions that don't exist, and one that both takes and
// gives a block.
func (l *linker) checkBlocks(b *Blocks) {
	pos := b.Notes.Pos
	if b.Size < 1 || b.Size > MaxArea {
		l.fail(pos, "a block has 1 to %d bytes, not %d", MaxArea, b.Size)
	}
	if len(b.Free)+len(b.Retire) == 0 {
		l.fail(pos, "nothing frees a block")
	}
	seen := map[string]bool{}
	for _, role := range blockRoles {
		for _, f := range *b.role(role) {
			l.checkFunc(pos, f)
			if seen[f] {
				l.fail(pos, "function %q is named twice", f)
			}
			seen[f] = true
		}
	}
}

func (l *linker) dataNames() []string {
	names := make([]string, len(l.p.Data))
	for i := range l.p.Data {
		names[i] = l.p.Data[i].Name
	}
	return names
}

// checkFunc refuses a call of what is no function or has no code.
func (l *linker) checkFunc(pos Pos, name string) {
	f, ok := l.funcs[name]
	switch {
	case !ok:
		l.fail(pos, "there is no function %q%s", name, didYouMean(name, l.funcNames()))
	case l.im.Index(f.Entry) < 0 || f.Entry == f.End:
		l.fail(pos, "function %q does not begin with an instruction", name)
	}
}

func (l *linker) funcNames() []string {
	names := make([]string, len(l.p.Funcs))
	for i := range l.p.Funcs {
		names[i] = l.p.Funcs[i].Name
	}
	return names
}

func (l *linker) checkHandler(h Handler) {
	pos := h.Notes.Pos
	if !h.Signal.Valid() {
		l.fail(pos, "there is no signal %d", h.Signal)
	}
	if h.Signal == abi.SIGKILL || h.Signal == abi.SIGSTOP {
		l.fail(pos, "%v can't have a handler", h.Signal)
	}
	first := slices.IndexFunc(l.p.Handlers, func(o Handler) bool { return o.Signal == h.Signal })
	if other := l.p.Handlers[first]; other.Func != h.Func || other.Notes.Pos != pos {
		l.fail(pos, "%v has two handlers", h.Signal)
	}
	l.checkFunc(pos, h.Func)
}

func (l *linker) checkThread(t Thread) {
	if n := l.p.Setup.CPUs; n > 0 && n < MaxCPUs && t.CPUs>>n != 0 {
		l.fail(t.Notes.Pos, "the thread's CPUs are more than the machine's %d", n)
	}
	for _, c := range t.Calls {
		l.checkFunc(c.Pos, c.Func)
		if len(c.Args) > MaxArgs {
			l.fail(c.Pos, "%q gets %d arguments, at most %d", c.Func, len(c.Args), MaxArgs)
		}
		for _, a := range c.Args {
			l.value(c.Pos, -1, a)
		}
	}
}

func (l *linker) checkSetup() {
	s := &l.p.Setup
	bound := func(d Directive, n, most int) {
		if n < 0 || n > most {
			l.fail(s.Places[d], "%v is 1 to %d, not %d", d, most, n)
		}
	}
	bound(CPUsDirective, s.CPUs, MaxCPUs)
	bound(NodesDirective, s.Nodes, MaxCPUs)
	if s.CPUs > 0 && s.Nodes > s.CPUs {
		l.fail(s.Places[NodesDirective], "%d nodes are more than the %d CPUs", s.Nodes, s.CPUs)
	}
	if s.Register > RegisterNone {
		l.fail(s.Places[RegisterDirective], "there is no registration %d", s.Register)
	}
	if err := l.im.Fit(s.CPUs, len(l.p.Threads)); err != nil {
		l.fail(s.Places[CPUsDirective], "%v", err)
	}
	for _, b := range s.Budget {
		if b.Max < 0 {
			l.fail(s.Places[BudgetDirective], "the bound of %q is negative", b.Event)
		}
	}
}

// checkExpr refuses a name that isn't what its place in the expression asks
// for, and a tree that isn't one the parser makes.
func (l *linker) checkExpr(pos Pos, e *Expr, depth int) {
	if depth > maxExprTerms {
		l.fail(pos, "the expression is nested too deeply")
		return
	}
	if e.Pos != (Pos{}) {
		pos = e.Pos
	}
	args := 2
	switch e.Op {
	case ExprNum:
		args = 0
	case ExprSym:
		args = 0
		l.checkOperand(pos, e.Sym)
	case ExprIndex:
		args = 1
		l.checkVariable(pos, e.Sym)
	case ExprSum, ExprAddr:
		args = 0
		l.checkVariable(pos, e.Sym)
	case ExprCalls, ExprGot:
		args = 0
		l.checkFunc(pos, e.Sym)
	case ExprList:
		args = 1
		l.checkVariable(pos, e.Sym)
	}
	if e.Op > ExprList || len(e.Args) != args {
		l.fail(pos, "an expression's node %d has %d operands", e.Op, len(e.Args))
		return
	}
	for i := range e.Args {
		l.checkExpr(pos, &e.Args[i], depth+1)
	}
}

// checkOperand refuses a plain name that has no value: data of which there is
// one, constants and built-in symbols have.
func (l *linker) checkOperand(pos Pos, name string) {
	if d := l.vars[name]; d != nil {
		if d.Kind == PerCPU || d.Kind == PerThread {
			l.fail(pos, "%q is %v data: there is more than one", name, d.Kind)
		}
		return
	}
	if !isBuiltin(name) && !slices.ContainsFunc(l.p.Consts, func(c Const) bool { return c.Name == name }) {
		if _, ok := l.im.Symbols[name]; ok {
			l.fail(pos, "%q is neither data nor a constant", name)
			return
		}
	}
	l.value(pos, -1, Value{Sym: name})
}

// checkVariable refuses a name that isn't data of the program or of its CPUs.
func (l *linker) checkVariable(pos Pos, name string) {
	switch d := l.vars[name]; {
	case d == nil:
		l.fail(pos, "there is no data %q", name)
	case d.Kind == PerThread:
		l.fail(pos, "%q is tls data, which conditions can't see", name)
	}
}

// fits reports whether a value can be stored at that width, as a signed or an
// unsigned number.
func fits(v int64, w Width) bool {
	n := 8 * w.Bytes()
	return n == 64 || v>>n == 0 || v>>(n-1) == -1
}
