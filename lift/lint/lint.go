package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
)

// Options of a run. The zero value is for the sections of the file and the
// conventions of its architecture.
type Options struct {
	// Signature is what has to be before each abort_ip; 0 means the
	// architecture's.
	Signature uint32
	// MaxInstrs is the number of instructions above which a section is long; 0
	// means DefaultMaxInstrs.
	MaxInstrs int
	// Descriptors are looked at besides those in __rseq_cs.
	Descriptors []elf.Descriptor
}

// DefaultMaxInstrs is twice what the longest section has that compilers make of
// librseq, tcmalloc and the kernel's selftests.
const DefaultMaxInstrs = 100

// Report is what was found in a file.
type Report struct {
	File     string
	Arch     abi.Arch
	Sections []Section // by start_ip, then by the descriptor's address
	// Findings are of no section.
	Findings []Finding
}

// Section is a critical section with its verdict.
type Section struct {
	Descriptor elf.Descriptor
	// Where is start_ip in the file: "percpu.o:.text+0x41".
	Where string
	// Func is the function that start_ip is in and Offset how far from its
	// beginning; "" if no symbol says.
	Func   string
	Offset uint64
	Place  Place
	// Instrs and Stores count what can be reached from start_ip inside.
	Instrs, Stores int
	Findings       []Finding
}

// Place is a source line; Line is 0 if the file doesn't say.
type Place struct {
	File string
	Line int
}

// Finding is one thing that looks wrong.
type Finding struct {
	Rule     string
	Severity Severity
	Addr     ir.Addr
	Where    string // Addr in the file
	Place    Place
	Message  string
}

// Count returns how many findings of each severity there are.
func (r *Report) Count() (n [Note + 1]int) {
	for _, f := range r.Findings {
		n[f.Severity]++
	}
	for _, s := range r.Sections {
		for _, f := range s.Findings {
			n[f.Severity]++
		}
	}
	return n
}

// linter is a run over one file.
type linter struct {
	*elf.Object
	opt    Options
	decode decoder
	all    []*section
	report *Report

	byDescriptor map[ir.Addr]*section
	byEntry      map[ir.Addr][]*section
	byStart      []elf.Exit
	decoded      int     // instructions so far
	looked       int     // instructions of sections so far
	gp           ir.Addr // riscv64's global pointer, if the file says it
}

// section is a critical section on its way to a verdict.
type section struct {
	elf.Descriptor
	start, post, abort ir.Addr
	entry              ir.Addr // of the function
	// code says that the descriptor is good enough to look at the code.
	code     bool
	findings []Finding
	instrs   int
	stores   int
	// While its function is looked at:
	graph *graph
	body  *body
}

func (s *section) contains(a ir.Addr) bool { return s.CS.Contains(uint64(a)) }

// File looks at every critical section of a file.
//
//  1. the descriptors by themselves, and with each other
//  2. the code around each: how rseq_cs is stored, who jumps inside
//  3. the code inside
//  4. the code that aborts
func File(o *elf.Object, opt Options) *Report {
	opt.MaxInstrs = cmp.Or(opt.MaxInstrs, DefaultMaxInstrs)
	opt.Signature = cmp.Or(opt.Signature, o.Arch.Signature())
	l := &linter{
		Object: o, opt: opt, decode: decoderOf(o.Arch), report: &Report{File: o.Name, Arch: o.Arch},
		byDescriptor: map[ir.Addr]*section{}, byEntry: map[ir.Addr][]*section{},
	}
	if gp, ok := o.Lookup("__global_pointer$"); ok && o.Arch == abi.RISCV64 && !gp.Extern {
		l.gp = gp.Addr
	}
	for _, d := range append(slices.Clone(o.CS), opt.Descriptors...) {
		l.all = append(l.all, &section{Descriptor: d, start: ir.Addr(d.CS.StartIP), post: ir.Addr(d.CS.PostCommitIP()), abort: ir.Addr(d.CS.AbortIP)})
	}
	slices.SortStableFunc(l.all, func(a, b *section) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.Addr, b.Addr))
	})
	for _, s := range l.all {
		l.descriptor(s)
	}
	l.descriptors()
	for _, s := range l.all {
		if s.Addr != 0 {
			l.byDescriptor[s.Addr] = s
		}
		if !s.code {
			continue
		}
		s.entry = s.start
		if sym, ok := l.SymbolContaining(s.start); ok && sym.Func {
			s.entry = sym.Addr
		}
		l.byEntry[s.entry] = append(l.byEntry[s.entry], s)
	}
	for _, s := range l.all {
		if list := l.byEntry[s.entry]; s.code && list[0] == s {
			l.function(list)
		}
	}
	for _, s := range l.all {
		l.report.Sections = append(l.report.Sections, l.verdict(s))
	}
	return l.report
}

// function looks at the code of the sections of one function. What it knows of the
// code is gone when it returns.
func (l *linter) function(list []*section) {
	g := l.newGraphOf(list)
	for _, s := range list {
		s.graph = g
	}
	for _, s := range list {
		l.arming(s)
		l.inside(s)
		l.handler(s)
	}
	l.jumpsInside(g)
	for _, s := range list {
		s.graph, s.body = nil, nil
	}
}

// verdict is what is reported of a section.
func (l *linter) verdict(s *section) Section {
	v := Section{Descriptor: s.Descriptor, Where: l.Where(s.start), Place: l.place(s.start), Instrs: s.instrs, Stores: s.stores, Findings: s.findings}
	if in, ok := l.SymbolContaining(s.start); ok {
		v.Func, v.Offset = in.Name, uint64(s.start-in.Addr)
	}
	slices.SortStableFunc(v.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Addr, b.Addr))
	})
	return v
}

func (l *linter) place(a ir.Addr) Place {
	file, line, _ := l.Line(a)
	return Place{file, line}
}

// spot names an address of the file within messages: ".text+0x41".
func (l *linter) spot(at ir.Addr) string { return strings.TrimPrefix(l.Where(at), l.Name+":") }

func (l *linter) finding(rule string, at ir.Addr, format string, args ...any) Finding {
	r := ruleByID[rule]
	if r == nil {
		panic("lint: BUG: no rule " + rule)
	}
	return Finding{Rule: rule, Severity: r.Severity, Addr: at, Where: l.Where(at), Place: l.place(at), Message: fmt.Sprintf(format, args...)}
}

// at reports a finding of a section at an address.
func (l *linter) at(s *section, rule string, at ir.Addr, format string, args ...any) {
	s.findings = append(s.findings, l.finding(rule, at, format, args...))
}
