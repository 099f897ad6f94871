package ir_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// Any bytes are a program or a syntax error, and a program prints as itself.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.rseq")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, line := range instrCases(f) {
		f.Add([]byte("func f()\n" + line.text))
	}
	for _, c := range errorCases {
		f.Add([]byte(c.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := ir.Parse("fuzz.rseq", src)
		if err != nil {
			checkError(t, err, src)
			if p != nil {
				t.Fatal("a program and an error")
			}
			return
		}
		text := p.String()
		again, err := ir.Parse("fuzz.rseq", []byte(text))
		if err != nil {
			// The canonical form of a text at the limit can be beyond it.
			if len(text) > ir.MaxSource {
				return
			}
			t.Fatalf("printed program does not parse: %v\n%s", err, text)
		}
		if diff := cmp.Diff(p, again, samePrograms); diff != "" {
			t.Fatalf("printed program differs:\n%s\n%s", diff, text)
		}
		if twice := again.String(); twice != text {
			t.Fatalf("not idempotent:\n%s\n---\n%s", text, twice)
		}
		for _, arch := range []abi.Arch{abi.AMD64, abi.S390X} {
			im, err := ir.Link(p, arch)
			if (im == nil) == (err == nil) {
				t.Fatalf("Link returned %v, %v", im, err)
			}
			var link *ir.LinkError
			if err != nil && (!errors.As(err, &link) || strings.Contains(err.Error(), "\n")) {
				t.Fatalf("link error %q", err)
			}
			if im != nil {
				_ = im.String()
			}
		}
	})
}

// checkError holds a syntax error against what every one promises.
func checkError(t *testing.T, err error, src []byte) {
	t.Helper()
	var syn *ir.SyntaxError
	if !errors.As(err, &syn) {
		t.Fatalf("error is a %T", err)
	}
	if msg := err.Error(); strings.ContainsAny(msg, "\n\x00") || len(msg) > 500 {
		t.Fatalf("error %q", msg)
	}
	snippet := strings.Split(syn.Snippet(), "\n")
	if syn.Pos.Line == 0 {
		return
	}
	if lines := bytes.Count(src, []byte("\n")) + 1; syn.Pos.Line > lines || syn.Pos.Col < 1 || syn.Pos.Col > len(syn.Line)+1 {
		t.Fatalf("position %v in %d lines, line %q", syn.Pos, lines, syn.Line)
	}
	if len(snippet) != 2 || !strings.HasSuffix(snippet[1], "^") {
		t.Fatalf("snippet %q", snippet)
	}
}
