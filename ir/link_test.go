package ir_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// link parses and links a program that is right.
func link(t testing.TB, arch abi.Arch, lines ...string) *ir.Image {
	t.Helper()
	p, err := ir.Parse("x.rseq", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, arch)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// Every element of data is where its symbol says, in the byte order of the
// architecture.
func TestDataIsPlaced(t *testing.T) {
	for _, arch := range abi.Arches() {
		im := link(t, arch,
			"data a: u8 = 1", "data b: u64[2] = -2, a", "data c: u16 = 0xfffe",
			"rodata d: u32 = RSEQ_SIG", "percpu e: u8[65] = 1, 2", "percpu f: u32 = percpu_shift",
			"tls g: u8 = 7", "tls h: u32 @ -12 = 8", "tls i: u64 = 9",
		)
		order := arch.ByteOrder()
		at := func(mem []byte, base ir.Addr, name string) []byte { return mem[im.Symbols[name]-base:] }
		tls := func(name string) []byte { return im.Thread[int64(im.ThreadBefore)+int64(im.Symbols[name]):] }
		b := at(im.Data, ir.DataBase, "b")
		for _, c := range []struct {
			name      string
			got, want uint64
		}{
			{"a", uint64(at(im.Data, ir.DataBase, "a")[0]), 1},
			{"b[0]", order.Uint64(b), ^uint64(1)},
			{"b[1]", order.Uint64(b[8:]), uint64(ir.DataBase)},
			{"c", uint64(order.Uint16(at(im.Data, ir.DataBase, "c"))), 0xfffe},
			{"d", uint64(order.Uint32(at(im.Rodata, ir.RodataBase, "d"))), uint64(arch.Signature())},
			{"e", uint64(binary.BigEndian.Uint16(at(im.PerCPU, ir.PerCPUBase, "e"))), 0x102},
			{"f", uint64(order.Uint32(at(im.PerCPU, ir.PerCPUBase, "f"))), 7},
			{"g", uint64(tls("g")[0]), 7},
			{"h", uint64(order.Uint32(tls("h"))), 8},
			{"i", order.Uint64(tls("i")), 9},
			{"percpu_shift", uint64(im.PerCPUShift), 7},
			{"alignment of tp", uint64(im.TP(3)) % ir.RSeqSpace, 0},
			{"distance of two tps", uint64(im.TP(1) - im.TP(0)), im.ThreadStride},
		} {
			if c.got != c.want {
				t.Errorf("%v: %s is %#x, want %#x", arch, c.name, c.got, c.want)
			}
		}
		if g := int64(im.Symbols["g"]); g < ir.RSeqSpace {
			t.Errorf("%v: g is at %d, in struct rseq", arch, g)
		}
	}
}

// A descriptor's bytes are those of its symbol, and its fields what the labels
// say, whatever the labels are.
func TestSectionsAreEncoded(t *testing.T) {
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64, abi.S390X, abi.ARM64BE} {
		im := link(t, arch,
			"func first()", "cs a: start_ip=s post_commit_ip=e abort_ip=x", "nop", "s:", "nop !3", "nop", "e:", "ret", "sig", "x:", "jmp s",
			"func second()", "cs b: start_ip=e post_commit_ip=s abort_ip=x+1 flags=2", "s:", "nop", "e:", "ret", "sig 1", "x:", "jmp s",
		)
		first, _ := im.Func("first")
		second, _ := im.Func("second")
		want := []abi.RSeqCS{
			{StartIP: uint64(first.Entry) + 4, PostCommitOffset: 7, AbortIP: uint64(first.Entry) + 19},
			{StartIP: uint64(second.Entry) + 4, PostCommitOffset: 1<<64 - 4, AbortIP: uint64(second.Entry) + 13, Flags: 2},
		}
		for i, s := range im.Sections {
			if diff := cmp.Diff(want[i], s.CS); diff != "" {
				t.Errorf("%v %s: %s", arch, s.Name, diff)
			}
			if s.Addr%abi.RSeqCSAlign != 0 || s.Addr != im.Symbols[s.Name] {
				t.Errorf("%v %s is at %#x", arch, s.Name, s.Addr)
			}
			got, err := abi.DecodeRSeqCS(im.Rodata[s.Addr-ir.RodataBase:], arch.ByteOrder())
			if err != nil || got != s.CS {
				t.Errorf("%v %s reads as %+v, %v", arch, s.Name, got, err)
			}
		}
		sig := func(abort uint64) uint32 { return arch.ByteOrder().Uint32(im.Code[abort-4-uint64(ir.CodeBase):]) }
		if got := sig(want[0].AbortIP); got != arch.Signature() {
			t.Errorf("%v: the signature is %#x", arch, got)
		}
		if got := sig(want[1].AbortIP - 1); got != 1 {
			t.Errorf("%v: the signature of one's own is %#x", arch, got)
		}
	}
}

// Names become numbers, in the copy that is linked only.
func TestOperandsAreResolved(t *testing.T) {
	im := link(t, abi.AMD64,
		"const N = 5", "data d: u64", "func g()", "ret",
		"func f()", "l:", "mov r1, N", "ld.8 r1, [r2 + d + 8]", "mov r1, l + 1", "mov r1, f", "beq r1, -EBUSY, l", "call g", "mov r1, SIGUSR1",
	)
	base := im.Symbols["f"]
	for i, want := range []struct {
		imm, disp int64
		target    ir.Addr
	}{
		{}, {imm: 5}, {disp: int64(ir.DataBase) + 8}, {imm: int64(base) + 1}, {imm: int64(base)}, {imm: -16, target: base}, {target: im.Symbols["g"]}, {imm: 10},
	} {
		o := im.Instrs[i].Ops[0]
		if o.Imm != want.imm || o.Mem.Disp != want.disp || o.TargetIP != want.target || o.Sym != "" || o.Mem.Sym != "" {
			t.Errorf("%v is %+v: imm %#x, disp %#x", im.Source[i], im.Instrs[i], o.Imm, o.Mem.Disp)
		}
	}
	if got := im.Prog.Funcs[1].Body[1].Instr.String(); got != "mov r1, N" {
		t.Errorf("linking changed the program: %s", got)
	}
}

func TestIndex(t *testing.T) {
	im := link(t, abi.AMD64, "func f()", "nop !3", "nop", "sig", "ret")
	var got []int
	for a := ir.CodeBase - 1; a < ir.CodeBase+16; a++ {
		got = append(got, im.Index(a))
	}
	want := []int{-1, 0, -1, -1, 1, -1, -1, -1, -1, -1, -1, -1, 2, -1, -1, -1, -1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if im.Index(0) >= 0 || im.Index(^ir.Addr(0)) >= 0 {
		t.Error("an instruction outside of the code")
	}
}

// A handler brings a stack and the code that its frame returns to.
func TestHandlersNeedMore(t *testing.T) {
	im := link(t, abi.AMD64, "func f()", "ret", "handler SIGUSR1: f")
	if im.Restorer == 0 || im.StackSize == 0 || im.StackTop(1)-im.StackTop(0) != ir.Addr(im.StackSize) {
		t.Errorf("restorer %#x, stack of %d bytes", im.Restorer, im.StackSize)
	}
	if in := im.Instrs[im.Index(im.Restorer)]; in.String() != "syscall rt_sigreturn" {
		t.Errorf("the restorer is %v", in)
	}
	if im := link(t, abi.AMD64, "func f()", "ret"); im.Restorer != 0 || im.StackSize != 0 {
		t.Errorf("without handlers: restorer %#x, stack of %d bytes", im.Restorer, im.StackSize)
	}
}

// Every built-in symbol has a name of its own and can be used.
func TestBuiltins(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range ir.Builtins() {
		if seen[b.Name] {
			t.Errorf("%s is there twice", b.Name)
		}
		seen[b.Name] = true
		im := link(t, abi.RISCV64, "func f()", "mov r1, "+b.Name)
		want := b.Value
		switch b.Name {
		case "RSEQ_SIG":
			want = int64(abi.RISCV64.Signature())
		case "percpu_shift":
			want = 6
		}
		if got := im.Instrs[0].Ops[0].Imm; got != want {
			t.Errorf("%s is %d, want %d", b.Name, got, want)
		}
	}
	for _, name := range []string{"cpu_id_start", "mm_cid", "slice_ctrl", "percpu_shift", "RSEQ_SIG", "RSEQ_FLAG_UNREGISTER", "EBUSY", "-EBUSY", "SIGUSR1", "MEMBARRIER_CMD_FLAG_CPU", "PR_RSEQ_SLICE_EXTENSION", "CLONE_VM"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}
