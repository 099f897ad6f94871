package fuzz

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/vet"
	"github.com/rseqemu/rseqemu/props"
)

// maxSteps keeps a fuzzed run short.
const maxSteps = 2000

// everything is every program of the repository; right ones and wrong ones.
var everything = []string{"../examples/*.rseq", "../props/percpu/programs/*.rseq", "../props/debates/programs/*.rseq"}

// sources returns the programs that the patterns name: they are the seeds.
func sources(tb testing.TB, patterns ...string) []string {
	var out []string
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			tb.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, string(src))
		}
	}
	if len(out) == 0 {
		tb.Fatal("no program found")
	}
	return out
}

// kernels are what the fuzzer's number selects among: every release on one of
// each entry class and byte order.
func kernels() []emu.Kernel {
	var out []emu.Kernel
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64, abi.S390X, abi.ARM} {
		for _, r := range emu.Releases() {
			k := emu.Linux(r, arch)
			out = append(out, k)
			k.Legacy, k.Debug = true, true
			out = append(out, k)
		}
	}
	return out
}

var allEvents = emu.Budget{2, 2, 2, 2, 2, 2, 2}

// FuzzProgram takes a text as far as it goes: parse, link, warn, run. Nothing
// panics, and an error is one line that says where.
func FuzzProgram(f *testing.F) {
	for _, src := range sources(f, everything...) {
		f.Add(src, uint8(0), []byte{1, 2, 3})
	}
	ks := kernels()
	f.Fuzz(func(t *testing.T, src string, kernel uint8, choices []byte) {
		p, err := ir.Parse("f.rseq", []byte(src))
		if err != nil {
			oneLine(t, err)
			return
		}
		properties, err := props.Of(p)
		if err != nil {
			oneLine(t, err)
			return
		}
		m, err := emu.New(p, emu.Config{Kernel: ks[int(kernel)%len(ks)], Budget: &allEvents, Memory: memory(choices)})
		if err != nil {
			oneLine(t, err)
			return
		}
		vet.Program(m.Image())
		out, err := explore.Run(m, properties, explore.Bytes(choices), maxSteps, nil)
		if err != nil {
			oneLine(t, err)
			return
		}
		if out.Violation != nil && strings.Contains(out.Violation.Property, "\n") {
			t.Errorf("the violation's name has more than one line: %q", out.Violation.Property)
		}
	})
}

// memory is the memory model that the first choice's upper bits ask for, so that
// the corpora keep their meaning: mostly SC.
func memory(choices []byte) emu.MemoryModel {
	if len(choices) == 0 {
		return emu.SC
	}
	return [4]emu.MemoryModel{emu.SC, emu.SC, emu.TSO, emu.ARM}[choices[0]>>6]
}

func oneLine(t *testing.T, err error) {
	if msg := err.Error(); msg == "" || strings.Contains(msg, "\n") {
		t.Errorf("the error isn't one line: %q", msg)
	}
}

// FuzzSchedule follows an arbitrary schedule on a real program: it is refused
// with a place or followed, and what can't happen is named together with what
// could.
func FuzzSchedule(f *testing.F) {
	programs := sources(f, everything...)
	f.Add(uint8(0), "rseqemu schedule 1\nkernel 6.19\nbudget preempt=1\n\nc0 step x3\nc0 preempt\nc0 run t0\n")
	f.Add(uint8(1), "rseqemu schedule 1\nprogram list 1234\nkernel 7.3/v1\ncpus 3\nidle\n\nc2 run t1\n")
	f.Add(uint8(2), "rseqemu schedule 1\nkernel 6.18\nmemory arm\n\nc0 delay\nc0 flush 2\nc1 stale\n")
	f.Fuzz(func(t *testing.T, program uint8, text string) {
		s, err := explore.ParseSchedule("f.sched", []byte(text))
		if err != nil {
			oneLine(t, err)
			return
		}
		again, err := explore.ParseSchedule("f.sched", []byte(s.String()))
		if err != nil || again.String() != s.String() {
			t.Fatalf("%v: printed and parsed it is another schedule:\n%s\n%s", err, s, again)
		}
		p, err := ir.Parse("f.rseq", []byte(programs[int(program)%len(programs)]))
		if err != nil {
			t.Fatal(err)
		}
		m, err := emu.New(p, s.Config())
		if err != nil {
			oneLine(t, err)
			return
		}
		if len(s.Choices) > maxSteps {
			s.Choices = s.Choices[:maxSteps]
		}
		if _, err := s.Follow(m, nil, nil); err != nil && !errors.Is(err, emu.ErrNotEnabled) {
			t.Errorf("following the schedule: %v", err)
		}
	})
}

// FuzzMachine drives a right program by the fuzzer's bytes under any kernel. On
// the way every state survives being written and read, on another machine; and
// on a kernel that the program claims, in order (SC), nothing that it declares breaks.
func FuzzMachine(f *testing.F) {
	programs := sources(f, "../props/percpu/programs/*.rseq")
	for i := range programs {
		f.Add(uint8(i), uint8(3*i), []byte{0, 3, 0, 2, 1, 5, 1, 1, 0, 2})
		f.Add(uint8(i), uint8(3*i), []byte{0xc0, 3, 0, 2, 1, 5, 1, 1, 0, 2, 1, 2, 3, 1, 0, 2})
	}
	ks := kernels()
	f.Fuzz(func(t *testing.T, program, kernel uint8, choices []byte) {
		p, err := ir.Parse("f.rseq", []byte(programs[int(program)%len(programs)]))
		if err != nil {
			t.Fatal(err)
		}
		cfg := emu.Config{Kernel: ks[int(kernel)%len(ks)], Budget: &allEvents, Memory: memory(choices)}
		m, err := emu.New(p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		other, err := emu.New(p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var properties []explore.Factory
		if cfg.Memory == emu.SC && claims(t, p, cfg.Kernel) {
			if properties, err = props.Of(p); err != nil {
				t.Fatal(err)
			}
		}
		bytesChooser := explore.Bytes(choices)
		var state, back []byte
		ch := explore.ChooserFunc(func(m *emu.Machine, cs []emu.Choice) int {
			state = m.AppendState(state[:0])
			if rest, err := other.SetState(state); err != nil || len(rest) != 0 {
				t.Fatalf("a state can't be read back: %v, %d bytes left", err, len(rest))
			}
			if back = other.AppendState(back[:0]); !bytes.Equal(state, back) {
				t.Fatalf("a state reads back as another\n%x\n%x", state, back)
			}
			return bytesChooser.Choose(m, cs)
		})
		out, err := explore.Run(m, properties, ch, maxSteps, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out.Violation != nil {
			t.Errorf("%s on %s: %v\n%s", p.Name, cfg.Kernel, out.Violation, explore.FormatChoices(out.Schedule))
		}
	})
}

// claims reports whether the program says that it is right on the kernel, and
// the kernel is one that aborts sections.
func claims(t *testing.T, p *ir.Program, k emu.Kernel) bool {
	var patterns []emu.Pattern
	for _, text := range p.Setup.Kernels {
		pattern, err := emu.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		patterns = append(patterns, pattern)
	}
	return emu.Claims(patterns, k) && !k.NoUserIRQ && !k.Debug
}
