package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

var update = flag.Bool("update", false, "write testdata/trace.golden")

// here is the report of this platform.
var here = sync.OnceValues(func() ([]byte, error) {
	var b bytes.Buffer
	err := report(&b)
	return b.Bytes(), err
})

// TestTraceIsTheGoldenOne fails when the rules or the canonical bytes change.
// If they should, run it with -update.
func TestTraceIsTheGoldenOne(t *testing.T) {
	const golden = "testdata/trace.golden"
	got, err := here()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(lines(want), lines(got)); d != "" {
		t.Errorf("the states of the runs have changed (-want +got); is it meant to be? then -update:\n%s", d)
	}
}

func lines(b []byte) []string {
	var all []string
	for line := range bytes.Lines(b) {
		all = append(all, string(line))
	}
	return all
}

// TestPlatformsAgree builds the command for other processors, one of them
// big-endian, and runs it there.
func TestPlatformsAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command for other processors")
	}
	want, err := here()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ arch, emulator string }{
		{"arm64", "qemu-aarch64-static"},
		{"s390x", "qemu-s390x-static"},
	} {
		t.Run(c.arch, func(t *testing.T) {
			emulator, err := exec.LookPath(c.emulator)
			if err != nil {
				t.Skipf("%s isn't on PATH; it is in Debian's package qemu-user-static", c.emulator)
			}
			command := filepath.Join(t.TempDir(), "tracehash")
			build := exec.Command("go", "build", "-o", command, ".")
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+c.arch)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", build, err, out)
			}
			got, err := exec.Command(emulator, command).Output()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(lines(want), lines(got)); d != "" {
				t.Errorf("linux/%s differs (-here +there):\n%s", c.arch, d)
			}
		})
	}
}

// TestRunsMeetEverything: a hash says little if nothing happens.
func TestRunsMeetEverything(t *testing.T) {
	for _, name := range programs {
		src, err := files.ReadFile("testdata/" + name + ".rseq")
		if err != nil {
			t.Fatal(err)
		}
		p, err := ir.Parse(name, src)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kernels {
			kernel, err := emu.ParseKernel(k)
			if err != nil {
				t.Fatal(err)
			}
			m, err := emu.New(p, emu.Config{Kernel: kernel, Budget: &budget})
			if err != nil {
				t.Fatal(err)
			}
			events := map[emu.EventKind]int{}
			m.Observe(func(e emu.Event) { events[e.Kind]++ })
			trace := newTrace(m, 0)
			for kind := emu.Step; kind <= emu.Online; kind++ {
				// Only one of the programs has a handler, and interrupts others.
				if !trace.kinds[kind] && (name == "kernel" || kind != emu.Signal && kind != emu.IPI) {
					t.Errorf("%s under %s: no %v in %d transitions", name, k, kind, trace.transitions)
				}
			}
			if events[emu.EvAbort] == 0 || trace.ends != runs {
				t.Errorf("%s under %s: %d aborts, %d of %d runs end", name, k, events[emu.EvAbort], trace.ends, runs)
			}
		}
	}
}
