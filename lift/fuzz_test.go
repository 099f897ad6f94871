package lift_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/trial"
)

// FuzzComplete changes bytes of a fixture, wherever they are. Whatever it is then,
// what is made of it is an error or a program that links.
func FuzzComplete(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.*.*-*.*")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	var files [][]byte
	for i, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, b)
		f.Add(uint8(i), uint32(0), []byte{})
	}
	programs := map[string][]*ir.Program{}
	for source, names := range harnesses {
		for _, name := range names {
			programs[source] = append(programs[source], program(f, name+".rseq"))
		}
	}
	// Names and comments that would be lines of their own.
	for i, b := range files {
		for _, name := range []string{".text", "counter_add", "percpu.c"} {
			if at := bytes.LastIndex(b, []byte(name)); at >= 0 {
				f.Add(uint8(i), uint32(at), []byte("\nx"))
			}
		}
	}
	f.Fuzz(func(t *testing.T, file uint8, at uint32, patch []byte) {
		i := int(file) % len(files)
		b := slices.Clone(files[i])
		copy(b[int(at)%len(b):], patch)
		name := filepath.Base(paths[i])
		o, err := elf.Open(name, strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			return
		}
		source, _, _ := strings.Cut(name, ".")
		for _, p := range programs[source] {
			whole, err := lift.Complete(p, o)
			if (err == nil) != (whole != nil) {
				t.Errorf("both or neither: %v, %v", whole, err)
			}
			if err == nil {
				links(t, whole, o)
			}
		}
		// One section: a file has dozens, and each search for inputs may take its time.
		if len(o.CS) > 0 {
			o.CS = o.CS[int(at)%len(o.CS):][:1]
		}
		trials, err := trial.Of(o, "")
		if (err == nil) != (len(trials) > 0) {
			t.Errorf("both or neither: %v, %v", trials, err)
		}
		for _, tr := range trials {
			if (tr.Err == nil) != (tr.Program != nil) {
				t.Errorf("both or neither: %v, %v", tr.Program, tr.Err)
			}
			if tr.Err == nil {
				links(t, tr.Program, o)
			}
		}
	})
}

// links sees that a program is one, and its text the same one.
func links(t *testing.T, p *ir.Program, o *elf.Object) {
	t.Helper()
	if _, err := ir.Link(p, o.Arch); err != nil {
		t.Errorf("it doesn't link: %v", err)
	}
	if again, err := ir.Parse(p.Name, []byte(p.String())); err != nil || again.String() != p.String() {
		t.Errorf("its text is another program: %v", err)
	}
}
