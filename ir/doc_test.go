package ir_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
)

// The program in the package's documentation is one.
func TestDocumentedProgram(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(src), "starts a comment.\n//\n")
	text, _, ok2 := strings.Cut(rest, "//\n// An immediate")
	if !ok || !ok2 {
		t.Fatal("the example isn't where it was")
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "//\t", ""), "//\n", "\n")
	p, err := ir.Parse("doc.go", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Funcs) != 1 || len(p.Data) != 4 || len(p.Threads) != 2 || len(p.Checks) != 2 {
		t.Errorf("reads as\n%v", p)
	}
}
