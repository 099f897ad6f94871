package ir_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// source is the program that is measured: two operations of about a dozen
// instructions.
func source(b *testing.B) []byte {
	src, err := os.ReadFile("testdata/list.rseq")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	return src
}

func BenchmarkParse(b *testing.B) {
	src := source(b)
	for b.Loop() {
		if _, err := ir.Parse("list.rseq", src); err != nil {
			b.Fatal(err)
		}
	}
}

// A text as large as one may be.
func BenchmarkParseLarge(b *testing.B) {
	line := []byte("    ld.4  r2, [tp + r3<<2 + cpu_id_start]  # a comment\n")
	src := append([]byte("func f()\n"), bytes.Repeat(line, ir.MaxLines)...)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ir.Parse("large.rseq", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	src := source(b)
	for b.Loop() {
		if _, err := ir.Format("list.rseq", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLink(b *testing.B) {
	p, err := ir.Parse("list.rseq", source(b))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ir.Link(p, abi.AMD64); err != nil {
			b.Fatal(err)
		}
	}
}
