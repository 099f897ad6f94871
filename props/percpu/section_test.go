package percpu_test

import (
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// aborts is a property that always holds: it notes which sections the kernel
// aborts in the runs of a search.
type aborts struct{ left map[uint64]string }

func (a *aborts) factory(m *emu.Machine) (explore.Property, error) {
	a.left = map[uint64]string{}
	for _, s := range m.Image().Sections {
		a.left[uint64(s.Addr)] = s.Name
	}
	return a, nil
}

func (a *aborts) Observe(e emu.Event) {
	if e.Kind == emu.EvAbort {
		delete(a.left, e.B)
	}
}

func (a *aborts) After(*emu.Machine, emu.Choice) *explore.Violation { return nil }
func (a *aborts) AtEnd(*emu.Machine) *explore.Violation             { return nil }
func (a *aborts) AppendState(b []byte) []byte                       { return b }
func (a *aborts) SetState(b []byte) (rest []byte, err error)        { return b, nil }

// Every section is needed: a search finds that a program breaks if one function
// doesn't tell the kernel of its section.
func TestSectionsAreNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("searches")
	}
	for _, p := range percpu.Programs() {
		if p.Index != "cpu_id" {
			continue
		}
		for i, f := range parse(t, p.Name, p.Parse).Funcs {
			if len(f.Sections) == 0 {
				continue
			}
			t.Run(p.Name+"/"+f.Name, func(t *testing.T) {
				t.Parallel()
				prog := parse(t, p.Name, p.Parse)
				prog.Funcs[i].Body = unarmed(t, prog.Funcs[i].Body)
				job{p.Name, prog, emu.Linux("6.18", abi.AMD64)}.breaks(t)
			})
		}
	}
}

// unarmed is a function's body without the store to rseq_cs.
func unarmed(t *testing.T, body []ir.Item) []ir.Item {
	t.Helper()
	n := len(body)
	body = slices.DeleteFunc(body, func(it ir.Item) bool {
		o := it.Instr.Ops[0]
		return it.Kind == ir.Code && o.Code == ir.St && o.Mem.Sym == "rseq_cs"
	})
	if len(body) != n-1 {
		t.Fatalf("%d stores to rseq_cs", n-len(body))
	}
	return body
}
