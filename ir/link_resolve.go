package ir

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/rseqemu/rseqemu/abi"
)

// value returns what a value of function fn is, or of none if fn is negative.
func (l *linker) value(pos Pos, fn int, v Value) int64 {
	if v.Sym == "" {
		return v.Off
	}
	if fn >= 0 {
		if a, ok := l.labels[fn][v.Sym]; ok {
			return int64(a) + v.Off
		}
	}
	if a, ok := l.im.Symbols[v.Sym]; ok {
		return int64(a) + v.Off
	}
	if l.err == nil {
		l.fail(pos, "%q is not defined%s", v.Sym, didYouMean(v.Sym, l.known(fn)))
	}
	return 0
}

// known returns the names that code of a function can use, in a fixed order.
func (l *linker) known(fn int) []string {
	names := slices.Collect(maps.Keys(l.im.Symbols))
	if fn >= 0 {
		names = slices.AppendSeq(names, maps.Keys(l.labels[fn]))
	}
	slices.Sort(names)
	return names
}

// resolveCode replaces names by values in every instruction.
func (l *linker) resolveCode() {
	n := 0
	for fn, f := range l.p.Funcs {
		for _, it := range f.Body {
			if it.Kind != Code {
				continue
			}
			pos, in := it.Notes.Pos, &l.im.Instrs[n]
			n++
			if err := in.Validate(); err != nil {
				l.fail(pos, "%v%s", err, l.where(pos, f.Name, in))
				return
			}
			for i := range in.Micro() {
				op := &in.Ops[i]
				if op.Width == 0 {
					op.Width = syntaxOf(op).width()
				}
				op.Imm = l.value(pos, fn, Value{op.Sym, op.Imm})
				op.Mem.Disp = l.value(pos, fn, Value{op.Mem.Sym, op.Mem.Disp})
				op.Sym, op.Mem.Sym = "", ""
				if op.Target == "" {
					continue
				}
				t := Addr(l.value(pos, fn, Value{Sym: op.Target}))
				if l.im.Index(t) < 0 {
					l.fail(pos, "%q is no instruction to go to", op.Target)
				}
				op.TargetIP = t
			}
		}
	}
}

// fill writes signatures, descriptors and initial values.
func (l *linker) fill() {
	im, order := l.im, l.arch.ByteOrder()
	at, n := CodeBase, 0
	for fn, f := range l.p.Funcs {
		for _, it := range f.Body {
			switch it.Kind {
			case Signature:
				sig := it.Value
				if it.DefaultSig {
					sig = l.arch.Signature()
				}
				order.PutUint32(im.Code[at-CodeBase:], sig)
				at += 4
			case Code:
				at += Addr(it.Instr.Len())
			}
		}
		for _, s := range f.Sections {
			start := l.value(s.Notes.Pos, fn, s.StartIP)
			cs := abi.RSeqCS{
				Version: s.Version, Flags: s.Flags, StartIP: uint64(start),
				PostCommitOffset: uint64(l.value(s.Notes.Pos, fn, s.PostCommitIP) - start),
				AbortIP:          uint64(l.value(s.Notes.Pos, fn, s.AbortIP)),
			}
			if s.HasOffset {
				cs.PostCommitOffset = s.Offset
			}
			im.Sections[n].CS = cs
			if err := cs.Put(im.Rodata[im.Sections[n].Addr-RodataBase:], order); err != nil {
				panic("ir: BUG: descriptor outside read-only data: " + err.Error())
			}
			n++
		}
	}
	for _, d := range l.p.Data {
		buf, base := im.Data, DataBase
		switch d.Kind {
		case PerCPU:
			buf, base = im.PerCPU, PerCPUBase
		case PerThread:
			buf, base = im.Thread, -Addr(im.ThreadBefore)
		case ReadOnly:
			buf, base = im.Rodata, RodataBase
		}
		for i, v := range d.Init {
			off := uint64(im.Symbols[d.Name]-base) + uint64(i*d.Width.Bytes())
			n := l.value(d.Notes.Pos, -1, v)
			if !fits(n, d.Width) {
				l.fail(d.Notes.Pos, "%v does not fit into %d bits", v, 8*d.Width.Bytes())
			}
			putUint(buf[off:], order, d.Width, uint64(n))
		}
	}
}

// where says where an instruction without a position is.
func (l *linker) where(pos Pos, fn string, in *Instr) string {
	if pos != (Pos{}) {
		return ""
	}
	return fmt.Sprintf(", in %s: %v", fn, in)
}

// putUint writes the low bytes of v.
func putUint(b []byte, order binary.ByteOrder, w Width, v uint64) {
	switch w {
	case W1:
		b[0] = byte(v)
	case W2:
		order.PutUint16(b, uint16(v))
	case W4:
		order.PutUint32(b, uint32(v))
	default:
		order.PutUint64(b, v)
	}
}
