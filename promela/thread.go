package promela

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// calls writes how a call of a thread's script begins and ends. It begins with
// its first instruction.
func (x *exporter) calls() {
	x.printf("/* The call begins: its arguments. */\ninline begin() {\n    called[me] = 1;\n    if\n")
	for t := range x.im.Prog.Threads {
		for i := range x.im.Prog.Threads[t].Calls {
			c := &x.im.Prog.Threads[t].Calls[i]
			var set []string
			for j, a := range c.Args {
				v := int64(x.im.Symbols[a.Sym]) + a.Off
				if !slices.Contains(x.regs, ir.R(j)) || v == 0 {
					continue
				}
				if !fits(v) {
					x.fail(c.Pos, "the argument %v, a number of more than 32 bits", a)
				}
				set = append(set, fmt.Sprintf("%v[me] = %s", ir.R(j), number(v)))
			}
			if len(set) > 0 {
				x.printf("    :: (me == %d && call[me] == %d) -> %s\n", t, i, strings.Join(set, "; "))
			}
		}
	}
	x.printf("    :: else -> skip\n    fi\n}\n\n")

	x.printf("/* The call has returned: the next one, or none. */\ninline returned() {\n")
	if x.counts {
		x.printf("    if\n")
		for t := range x.im.Prog.Threads {
			for i, c := range x.im.Prog.Threads[t].Calls {
				fn := slices.IndexFunc(x.im.Funcs, func(f ir.PlacedFunc) bool { return f.Name == c.Func })
				x.printf("    :: (me == %d && call[me] == %d) -> i = %d\n", t, i, fn)
			}
		}
		x.printf("    fi;\n    calls[i]++; if :: (r0[me] != 0) -> got[i]++ :: else -> skip fi;\n")
	}
	x.printf("    call[me]++; called[me] = 0;\n")
	for _, r := range x.regs {
		switch r {
		case ir.SP:
		case ir.LR:
			x.printf("    r30[me] = %d;\n", ir.ReturnIP)
		default:
			x.printf("    %v[me] = 0;\n", r)
		}
	}
	if x.flags {
		x.printf("    flags[me] = 0;\n")
	}
	x.printf("    if\n")
	for t := range x.im.Prog.Threads {
		for i, c := range x.im.Prog.Threads[t].Calls {
			if f, ok := x.im.Func(c.Func); ok && i > 0 {
				x.printf("    :: (me == %d && call[me] == %d) -> pc[me] = %d  /* %s */\n", t, i, f.Entry, c.Func)
			}
		}
	}
	x.printf("    :: else -> ended()\n    fi\n}\n\n")
}

// thread writes the process that every thread is: its choices, which are as many
// alternatives of one loop.
func (x *exporter) thread() {
	x.printf("active [N] proctype thread()\n{\nend:\n    do\n")
	for c := range x.cpus {
		var may []string
		for t := range x.threads {
			if x.allowed(t, c) {
				may = append(may, fmt.Sprintf("me == %d", t))
			}
		}
		cond := ""
		switch {
		case len(may) == 0:
			continue
		case len(may) < x.threads:
			cond = " && (" + strings.Join(may, " || ") + ")"
		}
		switch {
		case x.bounded(emu.Migrations):
			cond += fmt.Sprintf(" && (cpu[me] == 0 || cpu[me] == %d || migrations > 0)", c+1)
		case x.budget[emu.Migrations] == 0:
			cond += fmt.Sprintf(" && (cpu[me] == 0 || cpu[me] == %d)", c+1)
		}
		x.printf("    :: d_step {  /* c%d run */\n       (!dead[me] && !on[me] && busy[%d] == 0%s) ->\n       fatal = 0; fault = 0;\n       dispatch(%d);\n       if :: (fatal) -> kill() :: else -> skip fi;\n%s       skip }\n", c, c, cond, c, x.always())
	}
	if x.budget[emu.Preemptions] > 0 {
		cond := ""
		if x.splits {
			cond += " && micro[me] == 0"
		}
		if x.bounded(emu.Preemptions) {
			cond += " && preemptions > 0"
		}
		x.printf("    :: d_step {  /* preempt */\n       (on[me]%s) ->\n       preempt();\n%s       skip }\n", cond, x.always())
	}
	for i := range x.im.Instrs {
		x.instruction(i)
	}
	x.nowhere()
	x.printf("    od\n}\n")
}

// segment is a part of an instruction that is one step: micro-ops from, to to-1.
type segment struct{ from, to int }

// segments cuts an instruction where another CPU can look: before each access to
// memory but the first, unless it is locked.
func segments(in *ir.Instr) []segment {
	out := []segment{{0, int(in.N)}}
	seen := false
	for j, o := range in.Micro() {
		if !o.Loads() && !o.Stores() {
			continue
		}
		if seen && !in.Locked {
			out[len(out)-1].to = j
			out = append(out, segment{j, int(in.N)})
		}
		seen = true
	}
	return out
}

// instruction writes one alternative for each step of an instruction.
func (x *exporter) instruction(i int) {
	in, ip := &x.im.Instrs[i], x.im.Addrs[i]
	segs := segments(in)
	for n, s := range segs {
		name := strings.ReplaceAll(strings.ReplaceAll(x.im.Source[i].String(), "*/", "* /"), "/*", "/ *")
		x.printf("    :: d_step {  /* %s: %s", x.im.Where(ip), name)
		if len(segs) > 1 {
			x.printf(", step %d", n+1)
		}
		x.printf(" */\n       (on[me] && pc[me] == %d", ip)
		if len(segs) > 1 {
			x.printf(" && micro[me] == %d", s.from)
		}
		x.printf(") ->\n       fatal = 0;\n")
		if n == 0 && x.isEntry(ip) {
			x.printf("       if :: (!called[me]) -> begin() :: else -> skip fi;\n")
		}
		e := emitter{x: x, in: in, i: i, from: s.from, stored: n > 0, split: len(segs) > 1}
		for _, o := range in.Ops[:s.from] {
			e.accessed = e.accessed || o.Loads() || o.Stores()
		}
		end := fmt.Sprintf("micro[me] = %d", s.to)
		if n == len(segs)-1 {
			end = e.end(ip + ir.Addr(in.Len()))
		}
		x.printf("%s", indent(e.emit(in.Ops[s.from:s.to], end), 7))
		if e.faults {
			x.printf("       if :: (fatal) -> ip = %d; kill() :: else -> skip fi;\n", ip)
		}
		x.printf("%s       skip }\n", x.always())
	}
}

func (x *exporter) isEntry(ip ir.Addr) bool {
	for _, t := range x.im.Prog.Threads {
		for _, c := range t.Calls {
			if f, ok := x.im.Func(c.Func); ok && f.Entry == ip {
				return true
			}
		}
	}
	return false
}

// nowhere writes the fetch where no instruction is, if a thread can get there.
func (x *exporter) nowhere() {
	possible := false
	for i := range x.im.Instrs {
		in := &x.im.Instrs[i]
		last := in.Ops[in.N-1]
		switch last.Code {
		case ir.Jmp, ir.Call, ir.Trap:
		case ir.Jmpr:
			possible = true
		case ir.Ret:
			possible = possible || slices.Contains(x.regs, ir.LR)
		default:
			possible = possible || x.im.Index(x.im.Addrs[i]+ir.Addr(in.Len())) < 0
		}
	}
	for _, s := range x.im.Sections {
		possible = possible || x.im.Index(ir.Addr(s.CS.AbortIP)) < 0
	}
	if !possible {
		return
	}
	var not []string
	for _, a := range x.im.Addrs {
		not = append(not, fmt.Sprintf("pc[me] != %d", a))
	}
	x.printf("    :: d_step {  /* no instruction */\n       (on[me] && %s) ->\n       fatal = %d; ip = pc[me]; fault = ip; kill(); skip }\n", strings.Join(not, " && "), emu.ReasonFetch)
}

func indent(text string, n int) string {
	pad := strings.Repeat(" ", n)
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(pad + line)
	}
	return b.String()
}
