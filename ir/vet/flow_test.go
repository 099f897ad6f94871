package vet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

func parse(t *testing.T, src string) *ir.Image {
	t.Helper()
	p, err := ir.Parse("", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// What is known of r0 at the end of some code.
func TestValues(t *testing.T) {
	const any, near = "anything", "near tp"
	for _, c := range []struct{ code, want string }{
		{"mov r0, 5", "5"},
		{"mov.1 r0, 0x1ff", "255"},
		{"mov r1, 7; mov r0, r1", "7"},
		{"mov r1, 7; add r0, r1, 1; sub r0, r0, 10", "-2"},
		{"mov r1, 7; sub.4 r0, r1, 8", "4294967295"},
		{"mov r1, -8; sar r0, r1, 1", "-4"},
		{"mov r1, 0x80; sar.1 r0, r1, 1", "192"},
		{"mov r1, -8; shr r0, r1, 60", "15"},
		{"mov r1, 0x1ff; shr.1 r0, r1, 4", "15"},
		{"mov r1, 1; shl r0, r1, 65", "2"},
		{"mov r1, 1; shl.4 r0, r1, 31", "2147483648"},
		{"mov r1, 12; mov r2, 10; and r3, r1, r2; or r3, r3, 1; xor r3, r3, 3; andn r0, r3, 2", "8"},
		{"mov r1, 0x80; sext.1 r0, r1", "-128"},
		{"mov r1, 0x180; zext.1 r0, r1", "128"},
		{"mov r0, 1; ins.1 r0, r0", any},
		{"mov r1, 5; csel.eq r0, r1, r1", "5"},
		{"mov r1, 5; csel.eq r0, r1, r2", any},
		{"csel.eq r0, tp, r2", any},
		{"add r1, tp, 8; csel.eq r0, tp, r1", near},
		{"mov r0, tp", "tp+0"},
		{"mov.4 r0, tp", any},
		{"add r1, tp, 8; sub r0, r1, 12", "tp-4"},
		{"mov r1, 4; add r0, r1, tp", "tp+4"},
		{"add r0, tp, r1", near},
		{"sub r0, tp, r1", near},
		{"sub r0, tp, tp", any},
		{"add r1, tp, r2; add r0, r1, 8", near},
		{"add.4 r0, tp, 8", any},
		{"la r0, [tp + cpu_id]", "tp+4"},
		{"mov r1, 2; la r0, [tp + r1<<3 + 1]", "tp+17"},
		{"la r0, [table]", fmt.Sprint(int64(ir.RodataBase))},
		{"ld.8 r0, [table]", "-1"},
		{"ld.4 r0, [table + 8]", "2"},
		{"ld.2 r0, [table]", "65535"},
		{"ld.1 r0, [table]", "255"},
		{"ld.8 r0, [table + 9]", any},
		{"ld.8 r0, [table - 1]", any},
		{"ld.8 r0, [count]", any},
		{"ld.4 r0, [tp + cpu_id]", "id 4 from 1"},
		{"ld.4 r1, [tp + mm_cid]; zext.4 r0, r1", "id 24 from 1"},
		{"ld.4 r1, [tp + cpu_id]; sext.4 r0, r1", "id 4 from 1"},
		{"ld.4 r1, [tp + cpu_id]; zext.2 r0, r1", any + " from 1"},
		{"ld.8 r0, [tp + cpu_id_start]", any + " from 1"},
		{"ld.4 r0, [tp + 2]", any + " from 1"},
		{"ld.8 r0, [tp - 4]", any + " from 1"},
		{"ld.8 r0, [tp - 8]", any},
		{"ld.8 r0, [tp + rseq_cs]", any},
		{"ld.8 r0, [tp + r1]", any + " from 1"},
		{"ld.4 r1, [tp + cpu_id]; ld.4 r2, [tp + node_id]; add r3, r1, r2; ld.8 r0, [r3]", any + " from 3"},
		{"ld.4 r0, [tp + cpu_id]; call f", any},
		{"ld.4 r0, [tp + cpu_id]; syscall getpid", any},
		{"ld.4 r1, [tp + cpu_id]; syscall getpid; mov r0, r1", "id 4 from 1"},
		{"ld.4 r1, [tp + cpu_id]; xadd r0, [r1], r2", any + " from 1"},
		{"ld.4 r1, [tp + cpu_id]; sc r0, [r1], r2", any},
		{"mov r0, 1; beq r1, 0, end; mov r0, 2; end:", any},
		{"mov r0, 1; beq r1, 0, end; mov r0, 1; end:", "1"},
		{"again:; ld.4 r0, [tp + cpu_id]; bne r0, r1, again", "id 4 from 1"},
		{"mov r0, 0; again:; add r0, r0, 1; bne r0, 4, again", any},
	} {
		lines := strings.ReplaceAll(strings.ReplaceAll(c.code, "end:", "end:\n nop"), "; ", "\n ")
		im := parse(t, "rodata table: u64[2] = -1, 2\ndata count: u64\nfunc g()\n "+lines+"\nlast:\n nop\n ret\nfunc f()\n ret\n")
		p := newPass(im, 1000)
		f, _ := im.Func("g")
		v := p.flow.before[im.Index(f.Labels[len(f.Labels)-1].Addr)].regs[ir.R0]
		var got string
		switch v.kind {
		case anything:
			got = any
		case number:
			got = fmt.Sprint(v.n)
		case thread:
			got = fmt.Sprintf("tp%+d", v.n)
		case nearTP:
			got = near
		case field:
			got = fmt.Sprint("id ", v.n)
		}
		if v.from != 0 {
			got += fmt.Sprintf(" from %d", v.from)
		}
		if got != c.want {
			t.Errorf("%s: r0 is %s, want %s", c.code, got, c.want)
		}
	}
}

// An analysis that gave up knows nothing, and what it says of a good program is
// nothing.
func TestGivingUp(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.rseq")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		im := parse(t, string(src))
		for budget := range 40 {
			for _, f := range newPass(im, budget).run() {
				t.Errorf("%s:%v, after %d steps", file, f, budget)
			}
		}
	}
}

// There are more descriptors than bits for them.
func TestManySections(t *testing.T) {
	program := func(n int, forget, other int) string {
		var b strings.Builder
		for i := range n {
			armed := i
			if i == other {
				armed = n - 1 - i
			}
			arm := fmt.Sprintf(" st.8 [tp + rseq_cs], c%d\n", armed)
			if i == forget {
				arm = ""
			}
			fmt.Fprintf(&b, "func f%d(n)\n cs c%d: start_ip=start post_commit_ip=commit abort_ip=abort\nretry:\n%sstart:\n st.8 [r0], 1\ncommit:\n ret\n sig\nabort:\n jmp retry\n", i, i, arm)
		}
		return b.String()
	}
	for _, c := range []struct {
		forget, other int
		want          string
	}{
		{-1, -1, "[]"},
		{2, -1, "[never-armed c2]"},
		{99, -1, "[never-armed c99]"},
		{-1, 95, "[armed-for-other c95]"}, // with c4
		{-1, 4, "[never-armed c4]"},       // with c95, which has no bit
	} {
		found := []string{}
		for _, f := range Program(parse(t, program(100, c.forget, c.other))) {
			found = append(found, f.Check+" "+f.Section)
		}
		if got := fmt.Sprint(found); got != c.want {
			t.Errorf("without %d, wrong at %d: %s, want %s", c.forget, c.other, got, c.want)
		}
	}
}
