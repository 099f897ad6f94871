package lift_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
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
	p, exits, err := lift.Alone(o, 0, nil, ir.NewProgram("p").Thread(ir.Do(lift.AloneFunc)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]lift.Exit{{Addr: 0x10008, Result: lift.Committed}, {Addr: 0x10010, Result: 1}}, exits); diff != "" {
		t.Errorf("exits (-want +got):\n%s", diff)
	}
	if text := p.String(); !strings.Contains(text, "    sig\nexit1:\n") {
		t.Errorf("the handler has lost its signature:\n%s", text)
	}
	// One that is nothing but a return has no end.
	o.CS[0].CS = abi.RSeqCS{StartIP: 0x10008, PostCommitOffset: 8, AbortIP: 0x10010}
	if _, _, err := lift.Alone(o, 0, nil, ir.NewProgram("p")); err == nil || !strings.Contains(err.Error(), "control never reaches the section's end") {
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
		_, err := lift.Collect(words(abi.RISCV64, append(tt.code, 0x00008067)), "f", 0x10000)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}
