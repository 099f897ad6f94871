package promela_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/promela"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// counted is what a search saw. Transitions are those of the machine: Spin counts
// the way into the initial state as one more.
type counted struct {
	States, Transitions int
	Broken              string // the assertion or property, empty if all hold
}

// needSpin skips a test where Spin or a C compiler is missing.
func needSpin(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s isn't here (Debian: apt-get install spin gcc libc6-dev): the search isn't held against Spin's", tool)
		}
	}
}

// model exports a program.
func model(t *testing.T, p *ir.Program, cfg emu.Config) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := promela.Write(&b, p, cfg); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// spin has Spin search a model and reads its report.
func spin(t *testing.T, model []byte, defs ...string) counted {
	t.Helper()
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%.2000s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if err := os.WriteFile(filepath.Join(dir, "model.pml"), model, 0o666); err != nil {
		t.Fatal(err)
	}
	run("spin", append(defs, "-o2", "-a", "model.pml")...)
	vector := regexp.MustCompile(`-DVECTORSZ=\d+`).FindString(string(model))
	run("gcc", "-O1", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", vector, "-o", "pan", "pan.c")
	return readSpin(t, run("./pan", "-n", "-m1000000", "-w22"))
}

var (
	spinStates      = regexp.MustCompile(`(\d+) states, stored`)
	spinTransitions = regexp.MustCompile(`(\d+) transitions`)
	spinAssertion   = regexp.MustCompile(`assertion violated (.*?) \(at depth`)
)

// readSpin reads pan's report; a search that wasn't complete is an error.
func readSpin(t *testing.T, out string) (c counted) {
	t.Helper()
	number := func(r *regexp.Regexp) int {
		m := r.FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("no %q in Spin's report:\n%.2000s", r, out)
		}
		n, _ := strconv.Atoi(m[1])
		return n
	}
	c.States, c.Transitions = number(spinStates), number(spinTransitions)-1
	if m := spinAssertion.FindStringSubmatch(out); m != nil {
		c.Broken = m[1]
	}
	if strings.Contains(out, "max search depth too small") || strings.Contains(out, "Search not completed") && c.Broken == "" {
		t.Fatalf("Spin's search is incomplete:\n%.2000s", out)
	}
	return c
}

// search counts what the exhaustive search sees of a program, with those
// properties that a model has: all but linearizability.
func search(t *testing.T, p *ir.Program, cfg emu.Config, fs ...explore.Factory) counted {
	t.Helper()
	m, err := emu.New(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := explore.Exhaustive(context.Background(), m, fs, explore.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := counted{States: r.States, Transitions: r.Transitions}
	if r.Failure != nil {
		c.Broken = r.Failure.Property
	} else if !r.Complete {
		t.Fatal("the search is incomplete: " + r.Why)
	}
	return c
}

func builtin(t *testing.T, name string) *ir.Program {
	t.Helper()
	for _, p := range percpu.Programs() {
		if p.Name == name {
			prog, err := p.Parse()
			if err != nil {
				t.Fatal(err)
			}
			return prog
		}
	}
	t.Fatalf("no program %q", name)
	return nil
}

func config(t *testing.T, kernel, budget string) emu.Config {
	t.Helper()
	k, err := emu.ParseKernel(kernel)
	if err != nil {
		t.Fatal(err)
	}
	b, err := explore.ParseBudget(emu.Budget{}, budget)
	if err != nil {
		t.Fatal(err)
	}
	return emu.Config{Kernel: k, Budget: &b}
}

func TestTry(t *testing.T) {
	needSpin(t)
	for _, name := range strings.Fields(os.Getenv("TRY")) {
		for _, k := range strings.Fields(os.Getenv("TRYK")) {
			p := builtin(t, name)
			cfg := config(t, k, os.Getenv("TRYB"))
			t.Logf("%s %s: ours %+v", name, k, search(t, p, cfg, props.Survive, props.Checks))
			text := model(t, p, cfg)
			os.WriteFile("/tmp/sp/"+name+".pml", text, 0o666)
			t.Logf("%s %s: spin %+v", name, k, spin(t, text))
		}
	}
}
