package native

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// emulators are programs that run an architecture's executables on others.
var emulators = map[abi.Arch]string{abi.AMD64: "qemu-x86_64-static", abi.ARM64: "qemu-aarch64-static"}

// runner returns the command that executes a file for the architecture, or skips
// the test.
func runner(t *testing.T, arch abi.Arch) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("executables are Linux's")
	}
	if runtime.GOARCH == arch.String() {
		return nil
	}
	path, err := exec.LookPath(emulators[arch])
	if err != nil {
		t.Skipf("nothing runs %v here: %v", arch, err)
	}
	return []string{path}
}

// processor is an outcome without a kernel that anything is asked of: the program
// runs by itself, and what it has computed is written to standard output. Nothing
// is registered, so that the area is what the program makes of it: it begins on
// CPU 0.
func processor(ctx context.Context, dir string, command []string, p *ir.Program, arch abi.Arch, see []conform.Observation) (conform.Outcome, error) {
	q, err := Lay(p, arch)
	if err != nil {
		return conform.Outcome{}, err
	}
	q.Setup.Register = ir.RegisterNone
	im, err := ir.Link(q, arch)
	if err != nil {
		return conform.Outcome{}, err
	}
	proc, err := build(im, 0, []int{0, 1}, 1, true)
	if err != nil {
		return conform.Outcome{}, err
	}
	parts := []segment{
		{at: extraBase, data: make([]byte, resultsAt-extraBase+8*maxResults)},
		{at: ir.DataBase, data: make([]byte, len(im.Data))},
		{at: ir.PerCPUBase, data: repeat(im.PerCPU, 1<<im.PerCPUShift, conform.CPUs)},
		{at: ir.ThreadBase, data: make([]byte, len(im.Thread))},
	}
	f := image{file: proc.file}
	f.patch(im.TP(0)+abi.OffCPUID, make([]byte, 4))
	f.patch(proc.done, ending(isas[arch], proc.done, parts))

	file := filepath.Join(dir, "program")
	if err := os.WriteFile(file, f.file, 0o755); err != nil {
		return conform.Outcome{}, err
	}
	defer os.Remove(file)
	command = append(slices.Clone(command), file)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	if err != nil {
		return conform.Outcome{}, err
	}
	for _, part := range parts {
		out = out[copy(part.data, out):]
	}
	v := conform.View{Image: im, HostCPU: func(c int) int { return c }, Load: func(a ir.Addr, w ir.Width) (uint64, bool) {
		for _, part := range parts {
			if off := uint64(a - part.at); off+uint64(w) <= uint64(len(part.data)) {
				var b [8]byte
				copy(b[:w], part.data[off:])
				return binary.LittleEndian.Uint64(b[:]), true
			}
		}
		return 0, false
	}}
	var o conform.Outcome
	n, _ := v.Load(countAt, 8)
	for i := range n {
		r, _ := v.Load(resultsAt+ir.Addr(8*i), 8)
		o.Calls = append(o.Calls, v.CallResult(0, len(o.Calls), r))
	}
	o.Seen, err = v.Observe(see)
	return o, err
}

// ending is code that writes some memory to standard output and exits.
func ending(s *isa, at ir.Addr, parts []segment) []byte {
	a := s.coder(at)
	for _, part := range parts {
		a.setArg(0, 1)
		a.setArg(1, uint64(part.at))
		a.setArg(2, uint64(len(part.data)))
		switch a := a.(type) { // package abi has no need of write
		case *x64:
			a.set(rax, 1)
			a.bytes(0x0f, 0x05)
		case *a64:
			a.set(sysNumber, 64)
			a.word(a64Syscall)
		}
	}
	a.setArg(0, 0)
	a.enter(abi.SysExit)
	b, err := a.code()
	if err != nil {
		panic(err)
	}
	return b
}

// image is a file whose segments can be changed.
type image struct{ file []byte }

// patch writes to memory before there is any. The end of a segment can be
// behind its old one, where there is room up to the next page.
func (e image) patch(at ir.Addr, b []byte) {
	f, err := elf.NewFile(bytes.NewReader(e.file))
	if err != nil {
		panic(err)
	}
	for i, p := range f.Progs {
		if off := uint64(at) - p.Vaddr; p.Type == elf.PT_LOAD && uint64(at) >= p.Vaddr && off < p.Filesz {
			copy(e.file[p.Off+off:], b)
			const header, program, filesz, memsz = 64, 56, 32, 40
			for _, field := range []int{filesz, memsz} {
				binary.LittleEndian.PutUint64(e.file[header+program*i+field:], max(p.Filesz, off+uint64(len(b))))
			}
			return
		}
	}
	panic(fmt.Sprintf("nothing is at %#x", uint64(at)))
}

// isRefused reports whether an error is that there is no encoding.
func isRefused(err error) bool {
	var refused *ir.LinkError
	return errors.As(err, &refused)
}

// TestWhatStraightCodeHasNotDoesTheSame: calls, the stack, jumps to addresses,
// system calls, exclusive accesses.
func TestWhatStraightCodeHasNotDoesTheSame(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		only       abi.Arch // refused on others, if it isn't the first one
	}{
		{"call", "mov r6, r30\ncall leaf\ncall leaf\nst.8 [seen], r30\nmov r30, r6\nret", 0},
		{"stack", "sub r31, r31, 32\nst.8 [r31 + 8], r30\nst.4 [r31], 7\nmov r2, r31\nld.8 r0, [r2]\ncall leaf\nld.8 r30, [r31 + 8]\nadd r31, r31, 32\nret", 0},
		{"jmpr", "mov r1, there\nst.8 [seen], r1\njmpr r1\nmov r0, 1\nret\nthere:\nmov r0, 2\nret", 0},
		{"address of code", "add r1, r0, there\nla r2, [r0 + there]\nst.8 [seen], r1\nst.8 [seen + 8], r2\nbeq r1, there, there\nmov r0, 9\nthere:\nret", 0},
		{"system calls", "mov r8, 77\nmov r1, 78\nmov r7, 79\nsyscall sched_yield\nsyscall nanosleep\nst.8 [seen], r8\nst.8 [seen + 8], r1\nst.8 [seen + 16], r7\nret", 0},
		{"fences", "fence\nst.8 [seen], 1\nfence.w\nfence.r\nld.8 r0, [seen]\nret", 0},
		{"loop", "mov r1, 10\nround:\nadd r0, r0, r1\nsubs r1, r1, 1\nb.ne round\nret", 0},
		{"exclusive", "la r1, [seen + 8]\nmov r2, 5\nretry:\nll.8.acq r3, [r1]\nadd r3, r3, r2\nsc.8.rel r4, [r1], r3\nbne r4, 0, retry\n" +
			"again:\nll.2 r3, [seen + 8]\nsc.2 r3, [seen + 8], r3\nbne r3, 0, again\nsc.4 r5, [seen + 16], r2\nmov r0, r5\nret", abi.ARM64},
		{"far data", "mov r1, -1\nst.8 [far + 0x8000], r1\nst.1 [far + 0x8003], 0\nld.8 r0, [far + 0x8000]\nmov r2, 3\nst.8 [r2 + far + 0x9000], r2\n{ ld.8 t0, [far + 0x8000]; add t0, t0, r2; st.8 [far + 0x8000], t0 }\nret", 0},
	} {
		text := "stack 256\ndata seen: u64[8]\ndata far: u64[6000]\nfunc leaf()\nadd r0, r0, 1\nret\nfunc op()\n" + tt.body + "\nthread: op\n"
		var see []conform.Observation
		for i := range 8 {
			see = append(see, conform.Observation{Name: "seen", Index: i})
		}
		for _, i := range []int{0x1000, 0x1200} {
			see = append(see, conform.Observation{Name: "far", Index: i})
		}
		for _, arch := range architectures {
			t.Run(tt.name+"/"+arch.String(), func(t *testing.T) {
				p, err := ir.Parse("p.rseq", []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				laid, err := Lay(p, arch)
				if tt.only != 0 && tt.only != arch {
					if !isRefused(err) {
						t.Errorf("it isn't refused: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				want, err := processor(t.Context(), t.TempDir(), runner(t, arch), p, arch, see)
				if err != nil {
					t.Fatal(err)
				}
				got, err := conform.Emulator(emu.Linux("6.18", arch)).Run(t.Context(), &conform.Case{Name: "one", Program: laid, See: see})
				if err != nil {
					t.Fatal(err)
				}
				if diff := got.Diff(want); diff != "" {
					t.Errorf("the emulator doesn't do what the processor does:\n%s", diff)
				}
			})
		}
	}
}

// TestProgramsComputeTheSame: what the first thread of each program does is the
// same on the processor and in the emulator, as long as nobody interrupts it.
func TestProgramsComputeTheSame(t *testing.T) {
	for _, arch := range architectures {
		t.Run(arch.String(), func(t *testing.T) {
			command, dir := runner(t, arch), t.TempDir()
			e := conform.Emulator(emu.Linux("6.18", arch))
			ran := 0
			for _, prog := range percpu.Programs() {
				p, err := prog.Parse()
				if err != nil {
					t.Fatal(err)
				}
				p.Threads, p.Checks, p.Specs, p.Setup.CPUs, p.Setup.Nodes = p.Threads[:1], nil, nil, 0, 0
				laid, err := Lay(p, arch)
				if isRefused(err) {
					t.Logf("%s: %v", prog.Name, err)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				var see []conform.Observation
				for _, d := range p.Data {
					if d.Kind == ir.Global {
						for i := range min(d.Count, 16) {
							see = append(see, conform.Observation{Name: d.Name, Index: i})
						}
					} else if d.Kind == ir.PerCPU {
						see = append(see, conform.Observation{Name: d.Name})
					}
				}
				got, err := e.Run(t.Context(), &conform.Case{Name: prog.Name, Program: laid, See: see})
				if err != nil {
					t.Errorf("%s: %v", prog.Name, err)
					continue
				}
				if got.End != "" {
					continue // it needs the other threads
				}
				want, err := processor(t.Context(), dir, command, p, arch, see)
				if err != nil {
					t.Errorf("%s: %v", prog.Name, err)
					continue
				}
				if diff := got.Diff(want); diff != "" {
					t.Errorf("%s: the emulator doesn't do what the processor does:\n%s", prog.Name, diff)
				}
				ran++
			}
			t.Logf("%d programs", ran)
		})
	}
}
