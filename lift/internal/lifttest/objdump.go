package lifttest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
)

// Objdump holds the texts of instructions of each form against what objdump, of
// that name, prints; plain brings a line of its to what is printed here.
func (s *ISA) Objdump(t *testing.T, name, machine string, forms []Form, plain func(string) string) {
	objdump, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s isn't here (Debian: binutils-aarch64-linux-gnu, binutils-riscv64-linux-gnu)", name)
	}
	const at ir.Addr = 0x400000
	r := rand.New(rand.NewPCG(*seed, 1))
	var code []byte
	var texts []string
	for _, f := range forms {
		for range 200 {
			for _, pattern := range f.Words {
				w := s.Word(r, pattern)
				b := []byte{byte(w), byte(w >> 8), byte(w >> 16), byte(w >> 24)}[:len(pattern)/8]
				if in, err := s.Decode(b, at+ir.Addr(len(code))); err == nil {
					code = append(code, b...)
					texts = append(texts, in.Text)
				}
			}
		}
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), objdump, "-D", "-z", "-b", "binary", "-m", machine, fmt.Sprintf("--adjust-vma=%#x", uint64(at)), file).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := instructions(string(out), plain)
	if len(lines) != len(texts) {
		t.Fatalf("%d instructions, objdump has %d", len(texts), len(lines))
	}
	wrong := 0
	for i, text := range texts {
		if lines[i] != text && lines[i] != "" {
			if wrong++; wrong <= 20 {
				t.Errorf("%q is %q for objdump", text, lines[i])
			}
		}
	}
	t.Logf("%d instructions, %d otherwise", len(texts), wrong)
}

var (
	listing = regexp.MustCompile(`(?m)^\s+[0-9a-f]+:\t[0-9a-f ]+\t(.*)$`)
	remark  = regexp.MustCompile(`\s*(//|#\s|<).*$`)
	blanks  = regexp.MustCompile(`\s+`)
)

// instructions are the instructions of a listing, without remarks.
func instructions(listed string, plain func(string) string) (lines []string) {
	for _, m := range listing.FindAllStringSubmatch(listed, -1) {
		s := remark.ReplaceAllString(m[1], "")
		lines = append(lines, plain(blanks.ReplaceAllString(strings.TrimSpace(s), " ")))
	}
	return lines
}
