package lift

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/elf"
)

// words is a file of a few instructions that no compiler writes, from 0x10000 on.
func words(arch abi.Arch, code []uint32, cs ...abi.RSeqCS) *elf.Object {
	text := elf.Section{Name: ".text", Addr: 0x10000, Exec: true}
	for _, w := range code {
		text.Bytes = binary.LittleEndian.AppendUint32(text.Bytes, w)
	}
	text.Size = uint64(len(text.Bytes))
	o := &elf.Object{Name: "words", Arch: arch, Sections: []elf.Section{text}}
	for _, c := range cs {
		o.CS = append(o.CS, elf.Descriptor{CS: c})
	}
	return o
}

// TestAReturnLeavesASectionAlone: what the function returns in a handler, 0 perhaps,
// isn't taken for the section's end.
func TestAReturnLeavesASectionAlone(t *testing.T) {
	o := words(abi.ARM64, []uint32{
		0xd503201f, // nop
		0xf9000001, // str x1, [x0]
		0xd65f03c0, // ret
		abi.ARM64.Signature(),
		0xd65f03c0, // ret, the handler
	}, abi.RSeqCS{StartIP: 0x10000, PostCommitOffset: 8, AbortIP: 0x10010})
	p, exits, err := Alone(o, 0, nil, ir.NewProgram("p").Thread(ir.Do(AloneFunc)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Exit{{Addr: 0x10008, Result: Committed}, {Addr: 0x10010, Result: 1}}, exits); diff != "" {
		t.Errorf("exits (-want +got):\n%s", diff)
	}
	if text := p.String(); !strings.Contains(text, "    sig\nexit1:\n") {
		t.Errorf("the handler has lost its signature:\n%s", text)
	}
	// One that is nothing but a return has no end.
	o.CS[0].CS = abi.RSeqCS{StartIP: 0x10008, PostCommitOffset: 8, AbortIP: 0x10010}
	if _, _, err := Alone(o, 0, nil, ir.NewProgram("p")); err == nil || !strings.Contains(err.Error(), "control never reaches the section's end") {
		t.Error(err)
	}
}

// TestRISCVThatIsntFollowed: gp is only known by a symbol, and t0 is where a helper
// of the compiler returns to.
func TestRISCVThatIsntFollowed(t *testing.T) {
	for _, tt := range []struct {
		name string
		code []uint32
		want string
	}{
		{"a load", []uint32{0x0001b503}, "it uses gp, and the file has no symbol __global_pointer$"},           // ld a0,0(gp)
		{"a store of it", []uint32{0x00353023}, "it uses gp, and the file has no symbol"},                      // sd gp,0(a0)
		{"a shadow call stack", []uint32{0x00818193}, "it uses gp, and the file has no symbol"},                // addi gp,gp,8
		{"call t0,f", []uint32{0x00000297, 0x000282e7}, "jalr t0,t0 goes where no one can tell from the code"}, // auipc t0; jalr t0,t0
	} {
		a, err := archOf(abi.RISCV64)
		if err != nil {
			t.Fatal(err)
		}
		_, err = newCollector(words(abi.RISCV64, append(tt.code, 0x00008067)), a, 0x10000).collect("f")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// TestCodeOfAllFunctionsIsBounded: calls to each place of a long slide make a function
// of each, with all that follows.
func TestCodeOfAllFunctionsIsBounded(t *testing.T) {
	const n = 1000
	var code []uint32
	for range n {
		code = append(code, 0x94000000+n+1) // bl, each one instruction further
	}
	code = append(code, 0xd65f03c0) // ret
	for range n {
		code = append(code, 0xd503201f) // nop
	}
	b, err := newBuilder(ir.NewProgram("p"), words(abi.ARM64, append(code, 0xd65f03c0)))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.unit("f", 0x10000, true); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("more than %d instructions", MaxInstrs)
	if err := b.callees(b.units[0]); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestAFunctionTwiceHasItsSectionTwice: x86-64's functions are lifted once for threads
// and once for code that calls them, and each has a descriptor of its own.
func TestAFunctionTwiceHasItsSectionTwice(t *testing.T) {
	o := words(abi.ARM64, []uint32{
		0xd503201f, // nop
		0xd65f03c0, // ret
		abi.ARM64.Signature(),
		0xd65f03c0, // ret, the handler
		0x97fffffc, // bl 0x10000
		0xd65f03c0, // ret
	}, abi.RSeqCS{StartIP: 0x10000, PostCommitOffset: 4, AbortIP: 0x1000c})
	b, err := newBuilder(ir.NewProgram("p"), o)
	if err != nil {
		t.Fatal(err)
	}
	b.used["F10000"] = true
	if err := b.unit("F10000", 0x10000, true); err != nil {
		t.Fatal(err)
	}
	if err := b.unit("g", 0x10010, true); err != nil {
		t.Fatal(err)
	}
	if err := b.callees(b.units[1]); err != nil {
		t.Fatal(err)
	}
	if a, c := b.sectionName(b.units[0].codeUnit, 0), b.sectionName(b.units[2].codeUnit, 0); a != "F10000_cs" || c != "F10000_called_cs" {
		t.Errorf("%s and %s", a, c)
	}
}

// TestASectionThatEndsInAJump: control needn't run into the section's end, and the end
// is right behind the section all the same.
func TestASectionThatEndsInAJump(t *testing.T) {
	o := words(abi.ARM64, []uint32{
		0xb4000060, // cbz x0, 0x1000c
		0xf9000001, // str x1, [x0]
		0x14000002, // b 0x10010, the end
		0x17fffffe, // b 0x10004
		0xd65f03c0, // ret
		abi.ARM64.Signature(),
		0x17fffffa, // b 0x10000, the handler
	}, abi.RSeqCS{StartIP: 0x10000, PostCommitOffset: 16, AbortIP: 0x10018})
	p, _, err := Alone(o, 0, nil, ir.NewProgram("p").Thread(ir.Do(AloneFunc)))
	if err != nil {
		t.Fatal(err)
	}
	text := p.String()
	if end, handler := strings.Index(text, "committed:"), strings.Index(text, "abort:"); end < 0 || end > handler {
		t.Errorf("the end is behind the handler:\n%s", text)
	}
}

// TestASectionThatIsNotInOnePiece: where code lies that nobody reaches, a program has
// none, and a section must not be longer for it. One that the function's entry cuts is
// none of a function.
func TestASectionThatIsNotInOnePiece(t *testing.T) {
	code := []uint32{
		0xd503201f, // nop
		0x14000005, // b 0x10018
		0, 0, 0,    // the end is here
		0,
		0xd503201f, // nop
		0xd65f03c0, // ret
		abi.ARM64.Signature(),
		0x17fffff7, // b 0x10000, the handler
	}
	o := words(abi.ARM64, code, abi.RSeqCS{StartIP: 0x10000, PostCommitOffset: 12, AbortIP: 0x10024})
	lifted := func(entry ir.Addr) (*ir.Program, error) {
		b, err := newBuilder(ir.NewProgram("p"), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.unit("f", entry, true); err != nil {
			t.Fatal(err)
		}
		return b.out, b.function(b.units[0])
	}
	p, err := lifted(0x10000)
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, o.Arch)
	if err != nil {
		t.Fatal(err)
	}
	if got := im.Sections[0].CS.PostCommitOffset; got != 8 {
		t.Errorf("the section has %d bytes, want its two instructions'", got)
	}
	if _, err := lifted(0x10004); err == nil || !strings.Contains(err.Error(), "begins before the function that it is part of") {
		t.Error(err)
	}
}

// TestAPointerAcrossWords: a program's data has elements, and an address is one.
func TestAPointerAcrossWords(t *testing.T) {
	o := words(abi.ARM64, []uint32{0xd65f03c0})
	o.Sections = append(o.Sections, elf.Section{Name: ".data", Addr: 0x20000, Size: 16, Bytes: []byte{0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}})
	o.Pointers = []ir.Addr{0x20004}
	b, err := newBuilder(ir.NewProgram("p"), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.want(span{from: 0x20000, to: 0x20010}); err != nil {
		t.Fatal(err)
	}
	if err := b.spanData(); err == nil || err.Error() != "words:.data+0x4: a pointer lies across words" {
		t.Error(err)
	}
}

// TestADescriptorThatDataMeans is its name, wherever the code is; without the section
// its address would be a number that the kernel takes for one.
func TestADescriptorThatDataMeans(t *testing.T) {
	o := words(abi.ARM64, []uint32{0xd503201f, 0xd65f03c0, abi.ARM64.Signature(), 0xd65f03c0}, abi.RSeqCS{StartIP: 0x10000, PostCommitOffset: 4, AbortIP: 0x1000c})
	o.CS[0].Addr = 0x20008
	o.Sections = append(o.Sections, elf.Section{Name: ".data", Addr: 0x20000, Size: 40, Bytes: binary.LittleEndian.AppendUint64(nil, 0x20008)})
	o.Pointers = []ir.Addr{0x20000}
	b, err := newBuilder(ir.NewProgram("p"), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.want(span{from: 0x20000, to: 0x20008}); err != nil {
		t.Fatal(err)
	}
	if err := b.spanData(); err == nil || !strings.Contains(err.Error(), "the descriptor of a critical section that begins elsewhere") {
		t.Error(err)
	}
	if err := b.unit("f", 0x10000, true); err != nil {
		t.Fatal(err)
	}
	if err := b.spanData(); err != nil {
		t.Fatal(err)
	}
	if got := b.out.Data[0].Init; len(got) != 1 || got[0] != ir.Sym("f_cs") {
		t.Errorf("%v, want f_cs", got)
	}
}

// TestTwoOfOneName: each file of a program may have a variable of the same name.
func TestTwoOfOneName(t *testing.T) {
	o, err := elf.OpenFile("testdata/percpu.arm64.gcc-O1.pie")
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBuilder(ir.NewProgram("p"), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range o.Symbols {
		if s := &o.Symbols[i]; s.Name == "_DYNAMIC" || s.Name == "_GLOBAL_OFFSET_TABLE_" {
			s.Name = "cache"
			if err := b.want(span{from: s.Addr, to: s.Addr + 8}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.spanData(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range b.out.Data {
		names = append(names, d.Name)
	}
	if diff := cmp.Diff([]string{"cache", "cache_2"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
