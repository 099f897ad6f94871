package lift

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// DefaultStack is the room for a thread's stack, in bytes, in a program whose
// code uses one and that doesn't say.
const DefaultStack = 512

// Complete returns a program with the functions that its threads and handlers
// name and that it doesn't define, lifted from a file, and the data that they
// use. What the program declares under the name of one of the file's symbols
// takes that one's place: a function, or a variable with other values or of
// another size, or one on each CPU.
//
// Six steps: (1) find the functions, (2) collect their code and that of the
// functions they call, (3) claim what their operands and the data's pointers
// mean, (4) declare that data, (5) write the functions, (6) give them a stack.
//
// An error about the program is a [*ir.LinkError], one about code a [*CodeError].
func Complete(p *ir.Program, o *elf.Object) (*ir.Program, error) {
	b, err := newBuilder(p, o)
	if err != nil {
		return nil, err
	}
	if err := b.complete(); err != nil {
		return nil, err
	}
	return b.out, nil
}

// complete does the steps of [Complete].
func (b *builder) complete() error {
	if err := b.roots(); err != nil {
		return err
	}
	// 2. The list grows as functions are found that are called.
	for i := 0; i < len(b.units); i++ {
		if err := b.callees(b.units[i]); err != nil {
			return err
		}
	}
	if err := b.bringData(); err != nil {
		return err
	}
	for _, u := range b.units {
		if err := b.function(u); err != nil {
			return err
		}
	}
	if b.stack && b.out.Setup.StackSize == 0 {
		b.out.Setup.StackSize = DefaultStack
	}
	return b.finish()
}

// bringData claims and declares the data that the units' code means.
func (b *builder) bringData() error {
	if err := b.vectors(); err != nil {
		return err
	}
	for _, u := range b.units {
		if err := b.addresses(u.codeUnit); err != nil {
			return err
		}
	}
	if err := b.pointed(); err != nil {
		return err
	}
	return b.spanData()
}

// finish declares the thread-local data that the written code uses, and links the
// program: what one has room for isn't known before.
func (b *builder) finish() error {
	if err := b.threadData(); err != nil {
		return err
	}
	_, err := ir.Link(b.out, b.o.Arch)
	return err
}

// builder makes a program.
type builder struct {
	p, out *ir.Program
	o      *elf.Object
	arch   *arch
	tp     int64 // how far above struct rseq the platform's thread pointer is

	units    []unit
	instrs   int                // of all units
	names    map[ir.Addr]string // of lifted functions, by entry; on x86-64 those that are called by code
	declared map[string]bool    // data and functions of the program itself
	used     map[string]bool    // all global names
	dataOf   map[string]string  // symbol → name in the program
	planted  map[string]planting
	spans    []span
	pages    map[ir.Addr]ir.Addr // adrp → an address that its page leads to

	threadLocal map[int]bool // index into the file's symbols
	tcb, stack  bool
	asIs        bool // for tests: accesses to the area aren't named
}

// unit is a unit that has its name in the program. An operation is what threads
// call; on x86-64 it returns as the machine's functions do, and not by a
// return address on the stack.
type unit struct {
	*codeUnit
	operation bool
}

func newBuilder(p *ir.Program, o *elf.Object) (*builder, error) {
	a, err := archOf(o.Arch)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	out := *p
	out.Data, out.Funcs = slices.Clone(p.Data), slices.Clone(p.Funcs)
	b := &builder{p: p, out: &out, o: o, arch: a, names: map[ir.Addr]string{}, declared: map[string]bool{}, used: map[string]bool{},
		dataOf: map[string]string{}, planted: map[string]planting{}, pages: map[ir.Addr]ir.Addr{}, threadLocal: map[int]bool{}}
	for _, c := range p.Consts {
		b.used[c.Name] = true
	}
	for _, d := range p.Data {
		b.used[d.Name], b.declared[d.Name], b.dataOf[d.Name] = true, true, d.Name
	}
	for _, f := range p.Funcs {
		b.used[f.Name], b.declared[f.Name] = true, true
		for _, s := range f.Sections {
			b.used[s.Name] = true
		}
	}
	for _, bi := range ir.Builtins() {
		b.used[bi.Name] = true
	}
	b.tp = b.distance()
	if at := p.Setup.Places[ir.ArchDirective]; at != (ir.Pos{}) && p.Setup.Arch != o.Arch {
		return nil, &ir.LinkError{File: b.file(), Pos: p.Setup.Places[ir.ArchDirective], Msg: fmt.Sprintf("arch %v, but %s is %v code", p.Setup.Arch, o.Name, o.Arch)}
	}
	out.Setup.Arch = o.Arch
	return b, nil
}

// roots finds the functions that the program's threads call and it lacks.
func (b *builder) roots() error {
	want := func(name string, pos ir.Pos) error {
		if b.declared[name] || slices.ContainsFunc(b.units, func(u unit) bool { return u.Name == name }) {
			return nil
		}
		sym, ok := b.o.Lookup(name)
		if !ok || sym.Extern || sym.TLS {
			return &ir.LinkError{File: b.file(), Pos: pos, Msg: fmt.Sprintf("%q is neither a function of the program nor of %s%s", name, b.o.Name, b.hint())}
		}
		b.used[name] = true
		if err := b.unit(name, sym.Addr, true); err != nil {
			return err
		}
		if !b.arch.stacked {
			b.names[sym.Addr] = name
		}
		return nil
	}
	for _, t := range b.p.Threads {
		for _, c := range t.Calls {
			if err := want(c.Func, c.Pos); err != nil {
				return err
			}
		}
	}
	for _, h := range b.p.Handlers {
		if err := want(h.Func, h.Notes.Pos); err != nil {
			return err
		}
	}
	for i := range b.p.Funcs {
		if err := b.targets(&b.p.Funcs[i], want); err != nil {
			return err
		}
	}
	if len(b.units) == 0 {
		return &ir.LinkError{File: b.file(), Msg: fmt.Sprintf("no thread calls a function of %s%s", b.o.Name, b.hint())}
	}
	return nil
}

// targets finds what a function of the program calls or jumps to that isn't its
// own.
func (b *builder) targets(f *ir.Func, want func(string, ir.Pos) error) error {
	for _, it := range f.Body {
		for _, op := range it.Instr.Micro() {
			label := func(l ir.Item) bool { return l.Kind == ir.Label && l.Name == op.Target }
			if op.Target == "" || slices.ContainsFunc(f.Body, label) {
				continue
			}
			if err := want(op.Target, it.Notes.Pos); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) file() string {
	if b.p.File != "" {
		return b.p.File
	}
	return b.p.Name
}

// hint lists functions of the file that hold critical sections.
func (b *builder) hint() string {
	const most = 8
	var names []string
	for _, d := range b.o.CS {
		if sym, ok := b.o.SymbolContaining(ir.Addr(d.CS.StartIP)); ok && sym.Func && !slices.Contains(names, sym.Name) {
			names = append(names, sym.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return " (with critical sections: " + strings.Join(names, ", ") + ")"
}

// callees collects the functions of the file that a unit calls.
func (b *builder) callees(u unit) error {
	for _, a := range u.Calls {
		if _, ok := b.names[a]; ok {
			continue
		}
		sym, ok := b.o.SymbolAt(a)
		if ok && b.declared[sym.Name] {
			continue
		}
		if s := b.o.SectionAt(a); s != nil && s.External {
			return fmt.Errorf("%s: %s calls %s, which is not in the file: define it in the program", b.o.Name, u.Name, sym.Name)
		}
		name := fmt.Sprintf("F%x", uint64(a))
		if ok {
			name = sym.Name
		}
		if b.used[name] {
			name += "_called"
		}
		name = b.fresh(name)
		b.names[a] = name
		if err := b.unit(name, a, false); err != nil {
			return err
		}
	}
	return nil
}

// unit collects a function under its name in the program.
func (b *builder) unit(name string, entry ir.Addr, operation bool) error {
	u, err := newCollector(b.o, b.arch, entry).collect(name)
	if err != nil {
		return err
	}
	if b.instrs += len(u.Instrs); b.instrs > MaxInstrs {
		return codeError(b.o, entry, fmt.Errorf("more than %d instructions, with this function, of those that the program calls", MaxInstrs))
	}
	b.units = append(b.units, unit{u, operation})
	return nil
}

// vectors finds registers for what goes through vector registers.
func (b *builder) vectors() error {
	var code [][]isa.Instr
	for _, u := range b.units {
		code = append(code, u.Instrs)
	}
	if _, err := isa.Host(code...); err != nil {
		return fmt.Errorf("%s: %w", b.o.Name, err)
	}
	return nil
}

// function writes a unit.
func (b *builder) function(u unit) error {
	l, err := b.layout(u.codeUnit)
	if err != nil {
		return err
	}
	f := ir.NewFunc(u.Name)
	if u.operation {
		f.Notes.Lead = []string{b.o.Where(u.Entry)}
	}
	for i := range u.CS {
		f.Sections = append(f.Sections, l.section(b.sectionName(u.codeUnit, i), u.codeUnit, i))
	}
	for _, r := range u.runs() {
		if err := b.run(f, u, &l, r); err != nil {
			return err
		}
	}
	b.area(f)
	b.out.Funcs = append(b.out.Funcs, *f)
	return nil
}

// run writes code without a gap, and what control needs to go on behind it.
func (b *builder) run(f *ir.Func, u unit, l *layout, r run) error {
	for _, in := range r {
		b.label(f, l, in.Addr)
		out, err := b.instr(u, l, in)
		if err != nil {
			return err
		}
		item := ir.Item{Kind: ir.Code, Instr: out}
		item.Notes.Trail = b.machineText(in)
		f.Body = append(f.Body, item)
	}
	end := r.end()
	last := r[len(r)-1]
	if _, ok := u.At(end); ok && falls(last) {
		// The function's entry is in the middle of its code, and comes first here.
		f.Do(ir.Jump(l.at(end)))
		return nil
	}
	if _, ok := u.At(end); !ok && l.labels[end] != "" {
		f.Label(l.labels[end])
	}
	if slices.Contains(u.Ends, end) {
		f.Do(ir.Fault(ir.TrapUD)) // the call before it doesn't return
	}
	return nil
}

// at returns the label of an address, which it makes if there is none.
func (l *layout) at(a ir.Addr) string {
	if l.labels[a] == "" {
		l.labels[a] = fmt.Sprintf("L%x", uint64(a))
	}
	return l.labels[a]
}

// label writes what stands before an instruction.
func (b *builder) label(f *ir.Func, l *layout, a ir.Addr) {
	if sig, ok := l.sigs[a]; ok {
		if sig == b.o.Arch.Signature() {
			f.Sig()
		} else {
			f.SigValue(sig)
		}
	}
	if name := l.labels[a]; name != "" {
		f.Label(name)
	}
}

// instr writes one instruction.
func (b *builder) instr(u unit, l *layout, in isa.Instr) (ir.Instr, error) {
	fail := func(err error) (ir.Instr, error) { return ir.Instr{}, codeError(b.o, in.Addr, err) }
	out, err := b.name(u.codeUnit, l, in)
	if err != nil {
		return out, err
	}
	if in.Flow == isa.Returns && u.operation && b.arch.stacked {
		// The operation's caller is the machine: its result is in r0, and no
		// return address is on the stack.
		r := b.arch.results
		return ir.NewInstr(ir.MovReg(ir.R0, r[0]), ir.MovReg(ir.R1, r[1]), ir.Return()).Sized(out.Size), nil
	}
	for i := range out.Micro() {
		op := &out.Ops[i]
		b.stack = b.stack || op.Mem.Base == ir.SP || op.A == ir.SP
		if op.TargetIP == 0 {
			continue
		}
		if in.Flow == isa.Calls {
			name, ok := b.callee(in.Target)
			if !ok {
				return fail(errors.New("BUG: a function that is called wasn't collected"))
			}
			op.Target, op.TargetIP = name, 0
			continue
		}
		op.Target, op.TargetIP = l.labels[op.TargetIP], 0
	}
	if in.Flow == isa.Calls && b.arch.stacked {
		if sym, ok := b.o.SymbolAt(in.Target); ok && b.declared[sym.Name] {
			return fail(fmt.Errorf("it calls %s, which the program defines; on %v only code of the file can be called", sym.Name, b.o.Arch))
		}
		for i := range out.Micro() {
			if op := &out.Ops[i]; op.Code == ir.St {
				op.Sym, op.Imm = l.at(in.Next()), 0
			}
		}
	}
	if err := b.threadPointer(&out); err != nil {
		return fail(fmt.Errorf("%s: %w", in.Text, err))
	}
	return out, nil
}

// callee returns the name of a called function.
func (b *builder) callee(a ir.Addr) (string, bool) {
	if sym, ok := b.o.SymbolAt(a); ok && b.declared[sym.Name] {
		return sym.Name, true
	}
	name, ok := b.names[a]
	return name, ok
}

// machineText is the comment of a lifted instruction: its address, the machine's
// own words, and the source line. Stories show it.
func (b *builder) machineText(in isa.Instr) string {
	s := fmt.Sprintf("%x: %s", uint64(in.Addr), in.Text)
	if file, line, ok := b.o.Line(in.Addr); ok {
		s += fmt.Sprintf("  %s:%d", file[strings.LastIndexByte(file, '/')+1:], line)
	}
	return s
}
