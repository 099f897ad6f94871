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

// mutations are what can be taken out of any section without a look at what it is
// for. They report whether the function has it.
var mutations = []struct {
	name string
	do   func(f *ir.Func) bool
}{
	{"unarmed", func(f *ir.Func) bool {
		return remove(f, func(o ir.Op) bool { return o.Code == ir.St && o.Mem.Sym == "rseq_cs" })
	}},
	{"ends-early", func(f *ir.Func) bool {
		f.Sections[0].PostCommitIP.Off -= ir.InstrSize
		return true
	}},
	{"no-index-check", func(f *ir.Func) bool {
		return remove(f, func(o ir.Op) bool { return o.Code == ir.Bne && o.Target == "abort" })
	}},
}

// remove takes a line out of a function, if there is one.
func remove(f *ir.Func, which func(ir.Op) bool) bool {
	n := len(f.Body)
	f.Body = slices.DeleteFunc(f.Body, func(it ir.Item) bool { return it.Kind == ir.Code && which(it.Instr.Ops[0]) })
	return len(f.Body) < n
}

// Every part of every section is needed: whatever is taken out, a search finds
// it. So the threads and the budget of each program are enough for it.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("searches")
	}
	n := 0
	for _, p := range percpu.Programs() {
		if p.Index != "cpu_id" || p.Name == "buffer_release" {
			continue
		}
		for i, f := range parse(t, p.Name, p.Parse).Funcs {
			for _, m := range mutations {
				prog := parse(t, p.Name, p.Parse)
				if len(f.Sections) == 0 || !m.do(&prog.Funcs[i]) {
					continue
				}
				n++
				t.Run(p.Name+"/"+f.Name+"/"+m.name, func(t *testing.T) {
					t.Parallel()
					job{p.Name, prog, emu.Linux("6.18", abi.AMD64)}.breaks(t)
				})
			}
		}
	}
	if n < 50 {
		t.Errorf("%d mutants", n)
	}
}
