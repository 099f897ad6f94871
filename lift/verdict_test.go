package lift_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift"
	"github.com/rseqemu/rseqemu/lift/elf"
	"github.com/rseqemu/rseqemu/props"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files in testdata")
	long   = flag.Bool("long", false, "check the compiled operations within their whole budgets")
)

// open opens a binary of testdata.
func open(t testing.TB, name string) *elf.Object {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.Open(name, strings.NewReader(string(b)), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// program reads a program of testdata/harness.
func program(t testing.TB, name string) *ir.Program {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata/harness", name))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ir.Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// binaries returns the files of testdata that hold the operations of a source.
func binaries(t testing.TB, source string) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/" + source + ".*.*-*.*")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return names
}

// harnesses are the programs of testdata/harness, by the source of what they call.
var harnesses = map[string][]string{"percpu": {"buffer", "counter", "deref", "list"}, "slab": {"slab"}}

// notLifted are the binaries that can't be, and why: a shared object asks the
// dynamic linker where its thread-local data is, by a call through a table.
var notLifted = map[string]string{"slab.arm64.gcc-O2pic.so": "blr x4 goes where no one can tell from the code"}

// TestCompilersAgree: what an operation is compiled by and for makes no difference
// to whether it holds: on all kernels but one, which forgets to abort sections on
// arm64.
func TestCompilersAgree(t *testing.T) {
	for source, names := range harnesses {
		for _, file := range binaries(t, source) {
			if strings.Contains(file, "-O0") && !*long {
				continue // hundreds of thousands of states
			}
			o := open(t, file)
			kernels := emu.DefaultKernelsOn(o.Arch)
			if !*long {
				kernels = kernels[2:] // the same searches on the first two
			}
			for _, name := range names {
				p, err := lift.Complete(program(t, name+".rseq"), o)
				if why := notLifted[file]; why != "" {
					if err == nil || !strings.Contains(err.Error(), why) {
						t.Errorf("%s in %s: %v, want %s", name, file, err, why)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s in %s: %v", name, file, err)
					continue
				}
				for _, k := range kernels {
					want := "holds"
					if k.NoUserIRQ {
						want = "broken"
					}
					if got := verdict(t, p, k, file); got != want {
						t.Errorf("%s in %s on %s: %s, want %s", name, file, k, got, want)
					}
				}
			}
		}
	}
}

// verdict searches a program's runs with one preemption; with -long, those of its
// budget, but for code that wasn't optimised.
func verdict(t *testing.T, p *ir.Program, k emu.Kernel, file string) string {
	t.Helper()
	properties, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	budget := emu.Budget{emu.Preemptions: 1}
	if *long && !strings.Contains(file, "-O0") {
		budget = emu.DefaultBudget
	}
	if k.NoUserIRQ {
		budget = emu.DefaultBudget // what is broken is found soon
	}
	sweep := explore.Sweep{Program: p, Options: explore.Options{Properties: properties, Kernels: []emu.Kernel{k}, Config: emu.Config{CPUs: 2, Budget: &budget}}}
	var r *explore.Result
	if err := sweep.Run(context.Background(), func(_ emu.Kernel, f *explore.Finding) { r = f.Result }); err != nil {
		t.Fatalf("%s: %v\n%v", file, err, p)
	}
	switch {
	case r.Failure != nil:
		return "broken"
	case r.Complete:
		return "holds"
	}
	return r.Why
}

// TestLiftedText is what a person gets to see: the program with the code that it
// calls, instruction for instruction.
func TestLiftedText(t *testing.T) {
	for _, file := range []string{"percpu.amd64.gcc-O2.o", "percpu.arm64.clang-O2.pie", "percpu.riscv64.gcc-O3.exe"} {
		p, err := lift.Complete(program(t, "list.rseq"), open(t, file))
		if err != nil {
			t.Fatal(err)
		}
		text := p.String()
		golden := filepath.Join("testdata/golden", "list."+file+".rseq")
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
		again, err := ir.Parse(golden, []byte(text))
		if err != nil || again.String() != text {
			t.Errorf("%s is read as another program: %v", golden, err)
		}
	}
}

// TestWhatCantBeLifted: each error says where, and what to do.
func TestWhatCantBeLifted(t *testing.T) {
	for _, tt := range []struct{ file, program, want string }{
		{"percpu.amd64.gcc-O2.o", "thread: list_pusch 0", `p.rseq:1:9: "list_pusch" is neither a function of the program nor of percpu.amd64.gcc-O2.o (with critical sections: counter_add, list_push, list_pop, buffer_push, deref_add)`},
		{"percpu.amd64.gcc-O2.o", "func f()\n    ret\nthread: f", `p.rseq: no thread calls a function of percpu.amd64.gcc-O2.o (with critical sections: counter_add, list_push, list_pop, buffer_push, deref_add)`},
		{"percpu.amd64.gcc-O2.o", "arch arm64\nthread: list_push 0", `p.rseq:1:1: arch arm64, but percpu.amd64.gcc-O2.o is amd64 code`},
		{"wrong.amd64.gcc-O2.exe", "thread: not_lifted 0", `wrong.amd64.gcc-O2.exe:.text+0xc88 (/testdata/wrong.c:106): unsupported instruction at 0x401c88: f3 0f 58`},
		{"wrong.amd64.gcc-O2.exe", "thread: system_call 0", `wrong.amd64.gcc-O2.exe:.text+0x778 (/testdata/wrong.c:98): syscall: a system call isn't lifted on amd64`},
		{"wrong.amd64.gcc-O2.exe", "thread: indirect_jump 0", `jmp *%rbp goes where no one can tell from the code`},
		{"wrong.amd64.gcc-O2.exe", "thread: abort_in_data 0", `there is no code here, but it is reached`},
		{"wrong.amd64.gcc-O2.exe", "thread: abort_inside 0", `the four bytes before the abort handler, the signature, are part of code that runs`},
	} {
		p, err := ir.Parse("p.rseq", []byte(tt.program+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = lift.Complete(p, open(t, tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q in %s:\n got %v\nwant %s", tt.program, tt.file, err, tt.want)
		}
		var link *ir.LinkError
		var code *lift.CodeError
		if !errors.As(err, &link) && !errors.As(err, &code) {
			t.Errorf("%q in %s: %T is no error with a place", tt.program, tt.file, err)
		}
	}
}

func ExampleComplete() {
	p, _ := ir.Parse("add.rseq", []byte("percpu c: u64[8]\nthread: counter_add c, 1\nfinal sum(c) == 1\n"))
	f, err := os.Open("testdata/percpu.arm64.gcc-O2.o")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	info, _ := f.Stat()
	o, err := elf.Open("percpu.o", f, info.Size())
	if err != nil {
		fmt.Println(err)
		return
	}
	whole, err := lift.Complete(p, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, it := range whole.Funcs[0].Body[12:17] {
		if it.Kind == ir.Code {
			fmt.Println(it.Instr, "#", it.Notes.Trail)
		}
	}
	// Output:
	// st.8 [tp + rseq_cs], r9 # 1002c: str x9, [x3, #8]  percpu.c:11
	// ld.4 r9, [tp + cpu_id] # 10030: ldr w9, [x3, #4]  percpu.c:11
	// sub.4 r9, r9, r2 # 10034: sub w9, w9, w2  percpu.c:11
	// bne.4 r9, 0, L10018 # 10038: cbnz w9, 0x10018  percpu.c:11
}
