package ir

import "strings"

// appendDecl appends the line of a declaration.
func (p *Program) appendDecl(b []byte, d declRef) []byte {
	switch d.kind {
	case declConst:
		c := &p.Consts[d.i]
		b = append(append(keyword(b, "const"), c.Name...), " = "...)
		return appendInt(b, c.Value)
	case declData:
		return p.Data[d.i].append(b)
	case declFunc:
		f := &p.Funcs[d.i]
		return appendCall(append(b, "func "...), f.Name, f.Params)
	case declHandler:
		h := &p.Handlers[d.i]
		b = append(append(b, "handler "...), h.Signal.String()...)
		return append(append(b, ": "...), h.Func...)
	case declThread:
		return p.Threads[d.i].append(b)
	case declSetup:
		return p.Setup.append(b, Directive(d.i))
	case declSpec:
		s := &p.Specs[d.i]
		b = appendCall(append(b, "spec "...), s.Name, s.Funcs)
		if s.Order != Linearizable {
			b = append(append(b, ' '), s.Order.String()...)
		}
		return b
	case declCheck:
		c := &p.Checks[d.i]
		return c.Cond.append(keyword(b, c.When.String()), 0)
	case declNoRace:
		return append(b, p.NoRaces[d.i].String()...)
	case declBlocks:
		return append(b, p.Blocks[d.i].String()...)
	}
	panic("ir: BUG: no such declaration")
}

// String returns the line that declares it.
func (r *NoRace) String() string { return "norace " + strings.Join(r.Data, ", ") }

// String returns the line that declares them.
func (b *Blocks) String() string {
	out := appendInt([]byte("blocks "), int64(b.Size))
	for _, role := range blockRoles {
		if funcs := *b.role(role); len(funcs) > 0 {
			out = appendCall(append(out, ' '), role, funcs)
		}
	}
	return string(out)
}

// keyword appends a word of the column that most declarations begin with.
func keyword(b []byte, word string) []byte {
	b = append(b, word...)
	for n := len(word); n < 6; n++ {
		b = append(b, ' ')
	}
	return append(b, ' ')
}

// appendCall appends name(a, b).
func appendCall(b []byte, name string, args []string) []byte {
	b = append(append(b, name...), '(')
	b = append(b, strings.Join(args, ", ")...)
	return append(b, ')')
}

func (d *Data) append(b []byte) []byte {
	b = append(keyword(b, d.Kind.String()), d.Name...)
	b = appendUint(append(b, ": u"...), uint64(d.Width.Bytes()*8))
	if d.Count != 1 {
		b = append(appendInt(append(b, '['), int64(d.Count)), ']')
	}
	if d.HasAt {
		b = appendInt(append(b, " @ "...), d.At)
	}
	for i, v := range d.Init {
		if i == 0 {
			b = append(b, " = "...)
		} else {
			b = append(b, ", "...)
		}
		b = v.append(b, " ")
	}
	return b
}

func (t *Thread) append(b []byte) []byte {
	b = append(b, "thread"...)
	if t.CPUs != 0 {
		b = appendCPUMask(append(b, " on "...), t.CPUs)
	}
	b = append(b, ':')
	for i, c := range t.Calls {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(append(b, ' '), c.Func...)
		for j, a := range c.Args {
			if j > 0 {
				b = append(b, ',')
			}
			b = a.append(append(b, ' '), " ")
		}
	}
	return b
}

func (s *Setup) append(b []byte, d Directive) []byte {
	b = append(b, d.String()...)
	switch d {
	case ArchDirective:
		b = append(append(b, ' '), s.Arch.String()...)
	case CPUsDirective:
		b = appendInt(append(b, ' '), int64(s.CPUs))
	case NodesDirective:
		b = appendInt(append(b, ' '), int64(s.Nodes))
	case StackDirective:
		b = appendInt(append(b, ' '), int64(s.StackSize))
	case RegisterDirective:
		b = append(append(b, ' '), s.Register.String()...)
	case BudgetDirective:
		for _, it := range s.Budget {
			b = append(append(b, ' '), it.Event...)
			b = appendInt(append(b, '='), int64(it.Max))
		}
	case KernelsDirective:
		for _, k := range s.Kernels {
			b = append(append(b, ' '), k...)
		}
	}
	return b
}

func (s *Section) append(b []byte) []byte {
	b = append(append(append(b, "cs "...), s.Name...), ": start_ip="...)
	b = s.StartIP.append(b, "")
	if s.HasOffset {
		b = appendUint(append(b, " post_commit_offset="...), s.Offset)
	} else {
		b = s.PostCommitIP.append(append(b, " post_commit_ip="...), "")
	}
	b = s.AbortIP.append(append(b, " abort_ip="...), "")
	if s.Version != 0 {
		b = appendUint(append(b, " version="...), uint64(s.Version))
	}
	if s.Flags != 0 {
		b = appendUint(append(b, " flags="...), uint64(s.Flags))
	}
	return b
}

func (it *Item) append(b []byte) []byte {
	switch {
	case it.Kind == Code:
		return it.Instr.append(b, mnemonicWidth, false)
	case it.Kind == Label:
		return append(append(b, it.Name...), ':')
	case it.DefaultSig:
		return append(b, "sig"...)
	}
	return appendUint(append(b, "sig "...), uint64(it.Value))
}
