package ir

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// LinkError is an error of a program that parsed: a name that isn't defined, a
// value out of range.
type LinkError struct {
	File string // the file, or the program's name if it has none
	Pos  Pos    // zero in a program from Go
	Msg  string
}

// Error returns a line such as
//
//	list.rseq:7:5: "nod" is not defined
func (e *LinkError) Error() string { return place(e.File, e.Pos) + e.Msg }

// Link places a program for an architecture, in six steps: (1) lay out data,
// (2) lay out code and labels, (3) lay out descriptors, (4) resolve every
// operand, (5) write descriptors and initial values, (6) hold the scripts,
// handlers, specifications and checks against what there is. The error is a
// [*LinkError], the first there is.
func Link(p *Program, arch abi.Arch) (*Image, error) {
	if !arch.Valid() {
		return nil, &LinkError{File: p.file(), Msg: fmt.Sprintf("cannot link for %v", arch)}
	}
	l := linker{p: p, arch: arch, im: &Image{Prog: p, Arch: arch}}
	l.builtins()
	for _, step := range []func(){
		l.layoutData, l.layoutCode, l.layoutSections, l.resolveCode, l.fill, l.check,
	} {
		// Each relies on those before: what they could not place isn't there.
		if step(); l.err != nil {
			return nil, l.err
		}
	}
	return l.im, nil
}

// file is the name that errors in the program begin with.
func (p *Program) file() string {
	if p.File != "" {
		return p.File
	}
	return p.Name
}

type linker struct {
	p    *Program
	arch abi.Arch
	im   *Image
	// labels of the function being resolved; they shadow nothing, since a
	// label may not have a global's name.
	labels []map[string]Addr
	vars   map[string]*Data
	funcs  map[string]PlacedFunc
	err    error
}

func (l *linker) fail(pos Pos, format string, args ...any) {
	if l.err == nil {
		l.err = &LinkError{File: l.p.file(), Pos: pos, Msg: fmt.Sprintf(format, args...)}
	}
}

func (l *linker) define(pos Pos, name string, a Addr) {
	if name == "" {
		l.fail(pos, "a name is missing")
		return
	}
	if isBuiltin(name) {
		l.fail(pos, "%q is built in", name)
		return
	}
	if _, ok := l.im.Symbols[name]; ok {
		l.fail(pos, "%q is defined twice", name)
		return
	}
	l.im.Symbols[name] = a
}

func (l *linker) builtins() {
	l.im.Symbols = newSymbols()
	l.im.Symbols[sigSymbol] = Addr(l.arch.Signature())
	for _, c := range l.p.Consts {
		l.define(c.Notes.Pos, c.Name, Addr(c.Value))
	}
}

// layoutData places the variables of each kind one after the other, each
// aligned to its width.
func (l *linker) layoutData() {
	var size [ReadOnly + 1]int64
	size[PerThread] = RSeqSpace
	before := int64(0)
	size[ReadOnly] = 0
	for _, f := range l.p.Funcs {
		size[ReadOnly] += int64(len(f.Sections)) * abi.RSeqCSSize
	}
	l.vars = make(map[string]*Data, len(l.p.Data))
	for i, d := range l.p.Data {
		l.vars[d.Name] = &l.p.Data[i]
		w := int64(d.Width.Bytes())
		n := w * int64(d.Count)
		if d.Kind > ReadOnly || w > 8 || w&(w-1) != 0 {
			l.fail(d.Notes.Pos, "data %q is %v of %d bytes an element", d.Name, d.Kind, w)
			return
		}
		if d.Count < 1 || d.Count > MaxArea || len(d.Init) > d.Count {
			l.fail(d.Notes.Pos, "data %q has %d elements and %d values; 1 to %d elements", d.Name, d.Count, len(d.Init), MaxArea)
			return
		}
		at := (size[d.Kind] + w - 1) &^ (w - 1)
		if d.Kind == PerThread && d.HasAt {
			at = d.At
			if at < -MaxArea || at+n > MaxArea {
				l.fail(d.Notes.Pos, "tls %q at %d is out of range (%d..%d)", d.Name, d.At, -MaxArea, MaxArea)
				return
			}
			before = max(before, -at)
		}
		size[d.Kind] = max(size[d.Kind], at+n)
		if size[d.Kind] > MaxArea {
			l.fail(d.Notes.Pos, "data %q does not fit: more than %d bytes", d.Name, MaxArea)
			return
		}
		base := [...]Addr{Global: DataBase, PerCPU: PerCPUBase, PerThread: 0, ReadOnly: RodataBase}[d.Kind]
		l.define(d.Notes.Pos, d.Name, base+Addr(at))
	}
	round := func(n int64) uint64 { return uint64(n+RSeqSpace-1) &^ (RSeqSpace - 1) }
	im := l.im
	im.Data = make([]byte, (size[Global]+7)&^7)
	im.Rodata = make([]byte, size[ReadOnly])
	im.PerCPU = make([]byte, (size[PerCPU]+7)&^7)
	im.PerCPUShift = uint8(max(6, bits.Len64(uint64(max(size[PerCPU], 1)-1))))
	im.Symbols[shiftSymbol] = Addr(im.PerCPUShift)
	im.ThreadBefore = round(before)
	im.ThreadStride = im.ThreadBefore + round(size[PerThread])
	im.Thread = make([]byte, im.ThreadStride)
	im.StackSize = (uint64(l.p.Setup.StackSize) + 15) &^ 15
	if l.p.Setup.StackSize < 0 || l.p.Setup.StackSize > MaxArea {
		l.fail(l.p.Setup.Places[StackDirective], "stack of %d bytes is out of range (0..%d)", l.p.Setup.StackSize, MaxArea)
	}
	if im.StackSize == 0 && len(l.p.Handlers) > 0 {
		im.StackSize = 1024 // two nested signal frames and some
	}
}

// layoutCode gives every item its address and defines functions and labels.
func (l *linker) layoutCode() {
	im, at, lines := l.im, CodeBase, 0
	n := 1 // the restorer
	for i := range l.p.Funcs {
		n += len(l.p.Funcs[i].Body)
	}
	n = min(n, MaxLines+1)
	im.Instrs, im.Source = make([]Instr, 0, n), make([]Instr, 0, n)
	im.Addrs, im.Origin = make([]Addr, 0, n), make([]Pos, 0, n)
	im.Machine = make([]string, 0, n)
	l.funcs = make(map[string]PlacedFunc, len(l.p.Funcs))
	l.labels = make([]map[string]Addr, len(l.p.Funcs))
	for i, f := range l.p.Funcs {
		l.define(f.Notes.Pos, f.Name, at)
		pf := PlacedFunc{Name: f.Name, Entry: at}
		l.labels[i] = map[string]Addr{}
		for _, it := range f.Body {
			switch it.Kind {
			case Label:
				if _, ok := l.labels[i][it.Name]; ok {
					l.fail(it.Notes.Pos, "label %q is defined twice in %s", it.Name, f.Name)
				}
				l.labels[i][it.Name] = at
				pf.Labels = append(pf.Labels, PlacedLabel{it.Name, at})
			case Signature:
				at += 4
			case Code:
				im.Instrs = append(im.Instrs, it.Instr)
				im.Source = append(im.Source, it.Instr)
				im.Addrs = append(im.Addrs, at)
				im.Origin = append(im.Origin, it.Notes.Pos)
				im.Machine = append(im.Machine, machineText(it.Notes.Trail))
				at += Addr(it.Instr.Len())
			}
			if lines++; lines > MaxLines {
				l.fail(it.Notes.Pos, "a program has at most %d lines of code", MaxLines)
				return
			}
			if uint64(at-CodeBase) > MaxCode {
				l.fail(it.Notes.Pos, "the code does not fit: more than %d bytes", MaxCode)
				return
			}
		}
		pf.End = at
		im.Funcs = append(im.Funcs, pf)
		l.funcs[f.Name] = pf
	}
	if len(l.p.Handlers) > 0 {
		im.Restorer = at
		op := NewOp(Syscall)
		op.Imm = int64(abi.SysRtSigreturn)
		im.Instrs = append(im.Instrs, NewInstr(op))
		im.Source = append(im.Source, NewInstr(op))
		im.Addrs = append(im.Addrs, at)
		im.Origin = append(im.Origin, Pos{})
		im.Machine = append(im.Machine, "")
		at += InstrSize
	}
	im.Code = make([]byte, at-CodeBase)
	im.index = make([]int32, at-CodeBase)
	for i := range im.index {
		im.index[i] = -1
	}
	for i, a := range im.Addrs {
		im.index[a-CodeBase] = int32(i)
		// The bytes of an instruction are its index: no program can run them,
		// and none of them looks like a signature.
		for j := range im.Instrs[i].Len() {
			im.Code[uint64(a-CodeBase)+j] = byte(i >> (8 * min(j, 2)))
		}
	}
}

// layoutSections defines the descriptors' symbols, ahead of other read-only
// data.
func (l *linker) layoutSections() {
	at := RodataBase
	for _, f := range l.p.Funcs {
		for _, s := range f.Sections {
			l.define(s.Notes.Pos, s.Name, at)
			l.im.Sections = append(l.im.Sections, PlacedSection{Name: s.Name, Func: f.Name, Addr: at})
			at += abi.RSeqCSSize
		}
	}
	for _, f := range l.p.Funcs {
		for _, it := range f.Body {
			if _, ok := l.im.Symbols[it.Name]; ok && it.Kind == Label {
				l.fail(it.Notes.Pos, "label %q is also a global name", it.Name)
			}
		}
	}
}

// machineText returns a trailing comment if it begins with an address.
func machineText(trail string) string {
	text := strings.TrimSpace(trail)
	addr, _, ok := strings.Cut(text, ": ")
	if _, err := strconv.ParseUint(addr, 16, 64); !ok || err != nil {
		return ""
	}
	return text
}
