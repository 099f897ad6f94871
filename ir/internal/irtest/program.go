package irtest

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"pgregory.net/rapid"
)

// Program draws a whole program.
func Program() *rapid.Generator[*ir.Program] {
	return rapid.Custom(func(t *rapid.T) *ir.Program {
		g := program{T: t, Program: ir.NewProgram("gen")}
		g.constants()
		g.data()
		for i := range rapid.IntRange(1, 3).Draw(t, "functions") {
			g.funcs = append(g.funcs, fmt.Sprintf("f%d", i))
		}
		for _, name := range g.funcs {
			g.function(name)
		}
		g.scripts()
		g.setup()
		g.conditions()
		g.Foot = ends(lines(t, true))
		return g.Program
	})
}

// program is a program in the making, with the names that it has so far.
type program struct {
	*rapid.T
	*ir.Program
	values []string // symbols with a value
	single []string // data of which there is one, and constants
	shared []string // data that a condition can see
	funcs  []string
}

func (g *program) upto(n int, label string) int { return rapid.IntRange(0, n).Draw(g.T, label) }

func (g *program) constants() {
	g.values = []string{"cpu_id", "percpu_shift", "RSEQ_SIG", "EBUSY", "-EBUSY", "SIGUSR1"}
	g.single = []string{"RSEQ_SIG", "-EINVAL"}
	for i := range g.upto(2, "constants") {
		name := fmt.Sprintf("C%d", i)
		g.Const(name, number.Draw(g.T, "value"))
		g.Consts[i].Notes = notes(g.T, i > 0)
		g.values = append(g.values, name)
		g.single = append(g.single, name)
	}
}

func (g *program) data() {
	below := int64(0) // struct rseq: what is there goes downwards
	for i := range g.upto(4, "data") {
		d := ir.Data{
			Name:  fmt.Sprintf("d%d", i),
			Kind:  ir.DataKind(g.upto(int(ir.ReadOnly), "kind")),
			Width: widths.Draw(g.T, "width"),
			Count: rapid.SampledFrom([]int{1, 1, 2, 5}).Draw(g.T, "count"),
			Notes: notes(g.T, len(g.Consts)+i > 0),
		}
		if d.Kind == ir.PerThread && rapid.Bool().Draw(g.T, "placed") {
			below -= int64(d.Count * d.Width.Bytes())
			d.At, d.HasAt = below, true
		}
		for range g.upto(d.Count, "values") {
			if d.Width == ir.W8 {
				d.Init = append(d.Init, value(g.T, g.values))
			} else {
				d.Init = append(d.Init, ir.Num(rapid.Int64Range(-128, 127).Draw(g.T, "value")))
			}
		}
		g.Data = append(g.Data, d)
		g.values = append(g.values, d.Name)
		if d.Kind != ir.PerThread {
			g.shared = append(g.shared, d.Name)
		}
		if d.Kind == ir.Global || d.Kind == ir.ReadOnly {
			g.single = append(g.single, d.Name)
		}
	}
}

// function draws a function: labels stand before instructions, so that every
// label can be branched to.
func (g *program) function(name string) {
	f := ir.NewFunc(name)
	for i := range g.upto(2, "parameters") {
		f.Params = append(f.Params, fmt.Sprintf("p%d", i))
	}
	f.Notes = notes(g.T, false)

	labels := make([]string, g.upto(4, "labels"))
	for i := range labels {
		labels[i] = fmt.Sprintf("l%d", i)
	}
	names := Names{Values: append(labels, g.values...), Labels: labels, Funcs: g.funcs}
	names.Values = append([]string{}, names.Values...)
	if len(labels) > 0 {
		g.sections(f, labels)
	}
	code := func() {
		f.Instr(Instr(names).Draw(g.T, "instruction"))
	}
	code()
	for i, l := range labels {
		if rapid.Bool().Draw(g.T, "sig") {
			if rapid.Bool().Draw(g.T, "default") {
				f.Sig()
			} else {
				f.SigValue(rapid.Uint32().Draw(g.T, "signature"))
			}
		}
		f.Label(labels[i])
		for range 1 + g.upto(2, "instructions behind "+l) {
			code()
		}
	}
	for i := range f.Body {
		f.Body[i].Notes = notes(g.T, i > 0 || len(f.Sections) > 0)
	}
	if tail := lines(g.T, false); len(tail) > 0 && tail[len(tail)-1] != "\n" {
		f.Tail = tail
	}
	g.Add(f)
}

func (g *program) sections(f *ir.Func, labels []string) {
	for i := range g.upto(2, "sections") {
		name := fmt.Sprintf("%s_cs%d", f.Name, i)
		s := ir.Section{
			Name:    name,
			StartIP: value(g.T, labels),
			AbortIP: value(g.T, labels),
			Notes:   notes(g.T, i > 0),
		}
		if rapid.Bool().Draw(g.T, "offset") {
			s.HasOffset, s.Offset = true, rapid.Uint64().Draw(g.T, "post_commit_offset")
		} else {
			s.PostCommitIP = value(g.T, labels)
		}
		if rapid.Bool().Draw(g.T, "odd") {
			s.Version, s.Flags = rapid.Uint32().Draw(g.T, "version"), rapid.Uint32().Draw(g.T, "flags")
		}
		f.Sections = append(f.Sections, s)
	}
}

func (g *program) scripts() {
	for i, sig := range []abi.Signal{abi.SIGUSR1, 34}[:g.upto(2, "handlers")] {
		g.Handle(sig, rapid.SampledFrom(g.funcs).Draw(g.T, "handler"))
		g.Handlers[i].Notes = notes(g.T, i > 0)
	}
	for i := range g.upto(3, "threads") {
		th := ir.Thread{Notes: notes(g.T, i > 0 || len(g.Handlers) > 0)}
		if rapid.Bool().Draw(g.T, "bound") {
			th.CPUs = rapid.Uint64().Draw(g.T, "cpus")
		}
		for range g.upto(3, "calls") {
			c := ir.Do(rapid.SampledFrom(g.funcs).Draw(g.T, "function"))
			for range g.upto(ir.MaxArgs, "arguments") {
				c.Args = append(c.Args, value(g.T, g.values))
			}
			th.Calls = append(th.Calls, c)
		}
		g.Threads = append(g.Threads, th)
	}
}

// setup draws directives, in canonical order.
func (g *program) setup() {
	s := &g.Setup
	have := func(d ir.Directive) bool {
		if !rapid.Bool().Draw(g.T, d.String()) {
			return false
		}
		if n := notes(g.T, len(s.Notes) > 0); n.Gap || n.Lead != nil || n.Trail != "" {
			s.Notes = append(s.Notes, ir.SetupNote{Directive: d.String(), Notes: n})
		}
		return true
	}
	wide := have(ir.CPUsDirective)
	if wide {
		s.CPUs = ir.MaxCPUs
	}
	if have(ir.NodesDirective) {
		s.Nodes = rapid.IntRange(1, 4).Draw(g.T, "nodes")
	}
	if have(ir.StackDirective) {
		s.StackSize = rapid.IntRange(1, ir.MaxArea).Draw(g.T, "stack")
	}
	if have(ir.RegisterDirective) {
		s.Register = ir.Registration(rapid.IntRange(1, 2).Draw(g.T, "registration"))
	}
	if have(ir.BudgetDirective) {
		s.Budget = ir.Budget{{Event: "preempt", Max: 2}, {Event: "migrate", Max: g.upto(1<<31-1, "bound")}}
	}
	if have(ir.KernelsDirective) {
		s.Kernels = []string{"6.3..", "!6.19"}
	}
}

func (g *program) conditions() {
	// The first line of the block has no blank one before it; whether these
	// are behind a directive is all that matters here.
	inBlock := g.Setup.CPUs != 0 || g.Setup.Nodes != 0 || g.Setup.StackSize != 0 ||
		g.Setup.Register != 0 || g.Setup.Budget != nil || g.Setup.Kernels != nil
	for range g.upto(1, "specs") {
		g.Spec("stack", g.funcs...)
		g.Specs[0].Order = rapid.SampledFrom([]ir.Consistency{ir.Linearizable, ir.Sequential, ir.Quiescent}).Draw(g.T, "order")
		g.Specs[0].Notes = notes(g.T, inBlock)
		inBlock = true
	}
	for i := range g.upto(2, "checks") {
		g.Check(ir.CheckWhen(g.upto(1, "when")), g.expr(4))
		g.Checks[i].Notes = notes(g.T, inBlock)
		inBlock = true
	}
	if len(g.shared) > 0 && rapid.Bool().Draw(g.T, "norace") {
		g.NoRace(g.shared[:1+g.upto(len(g.shared)-1, "data")]...)
		g.NoRaces[0].Notes = notes(g.T, inBlock)
		inBlock = true
	}
	if rapid.Bool().Draw(g.T, "blocks") {
		b := ir.Blocks{Size: 1 + g.upto(ir.MaxArea-1, "size"), Free: g.funcs[:1], Alloc: g.funcs[1:]}
		if rapid.Bool().Draw(g.T, "retire") {
			b.Free, b.Retire = b.Retire, b.Free
		}
		if len(b.Alloc) == 0 {
			b.Alloc = nil
		}
		b.Notes = notes(g.T, inBlock)
		g.Block(b)
	}
}

// expr draws an expression of at most that depth.
func (g *program) expr(depth int) ir.Expr {
	if depth > 0 && rapid.Bool().Draw(g.T, "operator") {
		op := ir.ExprOp(rapid.IntRange(int(ir.ExprAdd), int(ir.ExprOr)).Draw(g.T, "operator"))
		return ir.Expr{Op: op, Args: []ir.Expr{g.expr(depth - 1), g.expr(depth - 1)}}
	}
	kinds := []ir.ExprOp{ir.ExprNum, ir.ExprSym, ir.ExprCalls, ir.ExprGot}
	if len(g.shared) > 0 {
		kinds = append(kinds, ir.ExprIndex, ir.ExprSum, ir.ExprAddr, ir.ExprList)
	}
	e := ir.Expr{Op: rapid.SampledFrom(kinds).Draw(g.T, "operand")}
	switch e.Op {
	case ir.ExprNum:
		e.Num = number.Draw(g.T, "number")
	case ir.ExprSym:
		e.Sym = rapid.SampledFrom(g.single).Draw(g.T, "name")
	case ir.ExprCalls, ir.ExprGot:
		e.Sym = rapid.SampledFrom(g.funcs).Draw(g.T, "function")
	default:
		e.Sym = rapid.SampledFrom(g.shared).Draw(g.T, "data")
		if e.Op == ir.ExprIndex || e.Op == ir.ExprList {
			e.Args = []ir.Expr{g.expr(min(depth, 1) - 1)}
		}
	}
	return e
}

var comment = rapid.Custom(func(t *rapid.T) string {
	s := rapid.SampledFrom([]string{"", " ", "x", "# y", "länge", "'", "a; b"}).Draw(t, "begin") +
		rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "comment")
	return strings.TrimRight(s, " ")
})

// notes draws comments; gap says whether there may be a blank line.
func notes(t *rapid.T, gap bool) ir.Notes {
	n := ir.Notes{}
	if rapid.IntRange(0, 3).Draw(t, "comments") > 0 {
		return n // most lines have none
	}
	n.Gap = gap && rapid.Bool().Draw(t, "gap")
	n.Lead = lines(t, true)
	n.Trail = comment.Draw(t, "trail")
	return n
}

// lines draws comment lines with blank ones in between.
func lines(t *rapid.T, first bool) (all []string) {
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2, 4}).Draw(t, "lines") {
		blank := len(all) == 0 && !first || len(all) > 0 && all[len(all)-1] != "\n"
		if blank && rapid.IntRange(0, 2).Draw(t, "blank") == 0 {
			all = append(all, "\n")
		} else {
			all = append(all, comment.Draw(t, "line"))
		}
	}
	return all
}

// ends cuts a blank line off the end.
func ends(all []string) []string {
	if n := len(all); n > 0 && all[n-1] == "\n" {
		return all[:n-1]
	}
	return all
}
