package explore

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// Fingerprint identifies what a program's text says, whatever its layout and its
// comments are: 8 hexadecimal digits.
func Fingerprint(p *ir.Program) string {
	sum := sha256.Sum256([]byte(bare(p).String()))
	return hex.EncodeToString(sum[:4])
}

// bare returns the program without comments and blank lines. Positions stay, as
// they give the order of the declarations.
func bare(p *ir.Program) *ir.Program {
	b := *p
	b.Foot, b.Setup.Notes = nil, nil
	b.Consts = without(p.Consts, func(c *ir.Const) { bareNotes(&c.Notes) })
	b.Data = without(p.Data, func(d *ir.Data) { bareNotes(&d.Notes) })
	b.Handlers = without(p.Handlers, func(h *ir.Handler) { bareNotes(&h.Notes) })
	b.Threads = without(p.Threads, func(t *ir.Thread) { bareNotes(&t.Notes) })
	b.Specs = without(p.Specs, func(s *ir.Spec) { bareNotes(&s.Notes) })
	b.Checks = without(p.Checks, func(c *ir.Check) { bareNotes(&c.Notes) })
	b.NoRaces = without(p.NoRaces, func(r *ir.NoRace) { bareNotes(&r.Notes) })
	b.Blocks = without(p.Blocks, func(k *ir.Blocks) { bareNotes(&k.Notes) })
	b.Funcs = without(p.Funcs, func(f *ir.Func) {
		f.Tail = nil
		bareNotes(&f.Notes)
		f.Sections = without(f.Sections, func(s *ir.Section) { bareNotes(&s.Notes) })
		f.Body = without(f.Body, func(i *ir.Item) { bareNotes(&i.Notes) })
	})
	return &b
}

// without returns a changed copy of a list.
func without[T any](list []T, change func(*T)) []T {
	list = slices.Clone(list)
	for i := range list {
		change(&list[i])
	}
	return list
}

func bareNotes(n *ir.Notes) { *n = ir.Notes{Pos: n.Pos} }
