package lift

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"pgregory.net/rapid"
)

// TestANamedAccessIsTheSameAccess: a program whose accesses to the area have been
// named does, step for step, what it does as it was lifted: whoever runs, whatever
// is interrupted.
func TestANamedAccessIsTheSameAccess(t *testing.T) {
	paths, err := filepath.Glob("testdata/percpu.*.*-*.*")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	src, err := os.ReadFile("testdata/harness/list.rseq")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o, err := elf.Open(path, strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		build := func(asIs bool) *ir.Program {
			p, err := ir.Parse("list.rseq", src)
			if err != nil {
				t.Fatal(err)
			}
			b, err := newBuilder(p, o)
			if err != nil {
				t.Fatal(err)
			}
			b.asIs = asIs
			if err := b.complete(); err != nil {
				t.Fatal(err)
			}
			return b.out
		}
		plain, simple := build(true), build(false)
		for i := range plain.Funcs {
			for j := range plain.Funcs[i].Body {
				if plain.Funcs[i].Body[j].Instr != simple.Funcs[i].Body[j].Instr {
					named++
				}
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			k := rapid.SampledFrom(emu.DefaultKernelsOn(o.Arch)).Draw(t, "kernel")
			cfg := emu.Config{Kernel: k, CPUs: 2}
			m1, err1 := emu.New(plain, cfg)
			m2, err2 := emu.New(simple, cfg)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			var menu []emu.Choice
			for range rapid.IntRange(1, 400).Draw(t, "steps") {
				if menu = m1.Choices(menu[:0]); len(menu) == 0 {
					break
				}
				// Mostly the first choice that isn't a kernel event: the programs get far.
				i := 0
				if rapid.IntRange(0, 9).Draw(t, "event") == 0 {
					i = rapid.IntRange(0, len(menu)-1).Draw(t, "choice")
				}
				c := menu[i]
				if got := m2.Choices(nil); !cmp.Equal(got, menu) {
					t.Fatalf("%s: choices %v, want %v", path, got, menu)
				}
				m1.Do(c)
				m2.Do(c)
				if s1, s2 := m1.AppendState(nil), m2.AppendState(nil); string(s1) != string(s2) {
					t.Fatalf("%s on %s: the states differ behind %v", path, k, c)
				}
			}
		})
	}
	if named < 100 {
		t.Errorf("only %d instructions were named", named)
	}
}
