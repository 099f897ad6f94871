package lint_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/lift/lint"
)

// program returns an executable of about size bytes of code with so many
// functions that have a critical section each. Between them are others.
func program(size, sections int) []byte {
	// counter_add of percpu.c without its loop: the section begins at 15 and
	// ends at 26, and aborts to 31.
	code := []byte{
		0x31, 0xc9, 0x90, // xor %ecx,%ecx; nop
		0x48, 0x8d, 0x05, 0, 0, 0, 0, // lea cs(%rip),%rax
		0x64, 0x48, 0x89, 0x41, 0x08, // mov %rax,%fs:8(%rcx)
		0x64, 0x39, 0x51, 0x04, // cmp %edx,%fs:4(%rcx)
		0x75, 0x05, // jne 26
		0x48, 0x01, 0x37, // add %rsi,(%rdi)
		0xeb, 0x00, // jmp 26
		0xc3,                                     // ret
		0x0f, 0xb9, 0x3d, 0x53, 0x30, 0x05, 0x53, // signature
		0xeb, 0xf6, // jmp 26, the return
	}
	const start, post, abort, lea = 15, 24, 34, 3
	const text, cs = 0x400000, 0x10000000
	le := binary.LittleEndian
	each := max(size/sections, len(code))
	var txt, table, ptrs, syms, names bytes.Buffer
	syms.Write(make([]byte, 24))
	names.WriteByte(0)
	symbol := func(name string, at, size uint64) {
		var b [24]byte
		le.PutUint32(b[:], uint32(names.Len()))
		b[4] = 1<<4 | 2 // global function
		le.PutUint16(b[6:], 1)
		le.PutUint64(b[8:], at)
		le.PutUint64(b[16:], size)
		syms.Write(b[:])
		names.WriteString(name + "\x00")
	}
	for i := range sections {
		at := uint64(text + txt.Len())
		descriptor := uint64(cs + 32*i)
		le.PutUint32(code[lea+3:], uint32(descriptor-(at+lea+7)))
		txt.Write(code)
		symbol(fmt.Sprintf("f%d", i), at, uint64(len(code)))
		var d [32]byte
		le.PutUint64(d[8:], at+start)
		le.PutUint64(d[16:], post-start)
		le.PutUint64(d[24:], at+abort)
		table.Write(d[:])
		var p [8]byte
		le.PutUint64(p[:], descriptor)
		ptrs.Write(p[:])
		for n := len(code); n < each; n += 64 {
			size := min(64, each-n)
			symbol(fmt.Sprintf("g%d_%d", i, n), uint64(text+txt.Len()), uint64(size))
			txt.Write(bytes.Repeat([]byte{0xc3}, size))
		}
	}

	type section struct {
		name        string
		typ         uint32
		flags, addr uint64
		b           []byte
		link        uint32
		each        uint64
	}
	shstr := "\x00.text\x00__rseq_cs\x00__rseq_cs_ptr_array\x00.symtab\x00.strtab\x00.shstrtab\x00"
	all := []section{
		{},
		{".text", 1, 6, text, txt.Bytes(), 0, 0},
		{"__rseq_cs", 1, 3, cs, table.Bytes(), 0, 0},
		{"__rseq_cs_ptr_array", 1, 3, cs + 32*uint64(sections), ptrs.Bytes(), 0, 0},
		{".symtab", 2, 0, 0, syms.Bytes(), 5, 24},
		{".strtab", 3, 0, 0, names.Bytes(), 0, 0},
		{".shstrtab", 3, 0, 0, []byte(shstr), 0, 0},
	}
	out := make([]byte, 64)
	copy(out, "\x7fELF\x02\x01\x01")
	var headers []byte
	for _, s := range all {
		var h [64]byte
		if s.name != "" {
			le.PutUint32(h[:], uint32(bytes.Index([]byte(shstr), []byte("\x00"+s.name+"\x00"))+1))
		}
		le.PutUint32(h[4:], s.typ)
		le.PutUint64(h[8:], s.flags)
		le.PutUint64(h[16:], s.addr)
		le.PutUint64(h[24:], uint64(len(out)))
		le.PutUint64(h[32:], uint64(len(s.b)))
		le.PutUint32(h[40:], s.link)
		le.PutUint64(h[48:], 1)
		le.PutUint64(h[56:], s.each)
		out = append(out, s.b...)
		headers = append(headers, h[:]...)
	}
	le.PutUint16(out[16:], 2)  // executable
	le.PutUint16(out[18:], 62) // x86-64
	le.PutUint32(out[20:], 1)
	le.PutUint64(out[40:], uint64(len(out)))
	le.PutUint16(out[52:], 64)
	le.PutUint16(out[54:], 56)
	le.PutUint16(out[58:], 64)
	le.PutUint16(out[60:], uint16(len(all)))
	le.PutUint16(out[62:], uint16(len(all)-1))
	return append(out, headers...)
}

// The program of the benchmark is one that lint sees through.
func TestALargeProgramIsFine(t *testing.T) {
	b := program(1<<20, 500)
	o, err := elf.Open("large", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	r := lint.File(o, lint.Options{})
	if len(r.Sections) != 500 || r.Count() != [3]int{} {
		t.Fatalf("%d sections, findings %v: %+v", len(r.Sections), r.Count(), r.Sections[0])
	}
}

// BenchmarkTenMegabytes opens and lints a program with 10 MB of code: one with
// as many sections as a large program has, and one that is nothing else.
func BenchmarkTenMegabytes(b *testing.B) {
	for _, sections := range []int{1000, 100_000} {
		file := program(10_000_000, sections)
		b.Run(fmt.Sprint(sections, "-sections"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o, err := elf.Open("large", bytes.NewReader(file), int64(len(file)))
				if err != nil {
					b.Fatal(err)
				}
				if r := lint.File(o, lint.Options{}); len(r.Sections) != sections {
					b.Fatal(len(r.Sections))
				}
			}
		})
	}
}

// Descriptors take 32 bytes each, and may all be of the same code, each a bit longer
// than the last: that is still looked at within the bounds.
func TestManyDescriptorsOfTheSameCodeAreBounded(t *testing.T) {
	b := program(1<<16, 2)
	o, err := elf.Open("many", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	first := o.CS[0]
	o.CS, o.PtrArray = nil, nil
	for i := range 20_000 {
		d := first
		d.Addr += ir.Addr(32 * i)
		d.CS.PostCommitOffset = uint64(1 + i)
		d.CS.AbortIP += uint64(i % 1000)
		o.CS = append(o.CS, d)
		o.Exits = append(o.Exits, elf.Exit{Start: ir.Addr(d.CS.StartIP), Exit: ir.Addr(d.CS.AbortIP)})
	}
	r := lint.File(o, lint.Options{})
	if len(r.Sections) != len(o.CS) {
		t.Errorf("%d verdicts for %d descriptors", len(r.Sections), len(o.CS))
	}
}
