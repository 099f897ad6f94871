package promela_test

import (
	"bytes"
	"context"
	"flag"
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

// A model takes seconds to compile, so that most are for -all.
var all = flag.Bool("all", false, "have Spin count all programs, not just some")

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
	run("gcc", "-O1", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-DMEMLIM=2000", vector, "-o", "pan", "pan.c")
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
	r, err := explore.Exhaustive(context.Background(), m, fs, explore.Limits{States: 300_000, Without: emu.AllReductions}, nil)
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

// texts are the programs of package percpu and the wrong versions of them.
func texts() map[string]string {
	all := map[string]string{}
	for _, p := range percpu.Programs() {
		all[p.Name] = p.Source
	}
	for _, b := range percpu.Bugs() {
		all[b.Name] = b.Source
	}
	return all
}

func builtin(t *testing.T, name string) *ir.Program {
	t.Helper()
	text, ok := texts()[name]
	if !ok {
		t.Fatalf("no program %q", name)
	}
	return parse(t, name, text)
}

func parse(t *testing.T, name, text string) *ir.Program {
	t.Helper()
	p, err := ir.Parse(name+".rseq", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
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

// source reads a program: "percpu:NAME", the name of a file in testdata, or one
// that the tests make.
func source(t *testing.T, name string) *ir.Program {
	t.Helper()
	if b, ok := strings.CutPrefix(name, "percpu:"); ok {
		return builtin(t, b)
	}
	if name == "arithmetic" {
		return parse(t, name, arithmetic(39))
	}
	text, err := os.ReadFile(filepath.Join("testdata", name+".rseq"))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, name, string(text))
}

// TestSpinCountsTheSameStates: what the search counts of a program, Spin counts
// of its model. Where a check is broken both say so; without checks they count
// all there is.
func TestSpinCountsTheSameStates(t *testing.T) {
	needSpin(t)
	for _, c := range []struct {
		program, kernels, budget string
		idle, always             bool
		broken                   string // without it the program holds
	}{
		{program: "percpu:list", kernels: "6.18", budget: "preempt=1,migrate=1", always: true},
		{program: "percpu:list", kernels: "7.3/v2", budget: "preempt=1,migrate=1"},
		{program: "percpu:list", kernels: "5.10", budget: "preempt=2,migrate=255", idle: true},
		{program: "percpu:counter_mm_cid", kernels: "6.12 6.19", budget: "preempt=2,migrate=255"},
		{program: "percpu:trystore", kernels: "6.1 6.19/arm64 7.3/v1", budget: "preempt=1,migrate=1", idle: true},
		{program: "percpu:memcpy_buffer", kernels: "6.18", budget: "preempt=1"},
		{program: "percpu:lock", kernels: "7.3/arm64", budget: "preempt=2"},
		{program: "percpu:buffer_release", kernels: "6.18", budget: "preempt=1,migrate=1"},
		{program: "percpu:compare_two_mm_cid", kernels: "7.3/v2", budget: "preempt=1,migrate=1"},
		{program: "percpu:list-no-index-check", kernels: "6.18", budget: "preempt=1,migrate=1", broken: "final_1"},
		{program: "arithmetic", kernels: "6.18", budget: "none"},
		{program: "atomics", kernels: "6.18", budget: "preempt=1,migrate=1", always: true},
		{program: "bundles", kernels: "7.3/v2", budget: "preempt=1,migrate=1"},
		{program: "control", kernels: "6.18", budget: "preempt=1"},
		{program: "faults", kernels: "7.3/v2", budget: "preempt=1", broken: "killed==0"},
		{program: "nodes", kernels: "6.3 7.3/v2", budget: "preempt=2,migrate=1"},
		{program: "overwrite", kernels: "7.3/v2", budget: "preempt=2", broken: "killed==0"},
		{program: "overwrite", kernels: "7.3/v1", budget: "preempt=2"},
		{program: "flags", kernels: "5.10 6.1 6.18 6.19", budget: "preempt=2", broken: "killed==0"},
	} {
		for _, kernel := range strings.Fields(c.kernels) {
			t.Run(c.program+"/"+strings.ReplaceAll(kernel, "/", "-"), func(t *testing.T) {
				if !*all && !c.always {
					t.Skip("only with -all")
				}
				t.Parallel()
				p := source(t, c.program)
				cfg := config(t, kernel, c.budget)
				cfg.Idle = c.idle
				text := model(t, p, cfg)
				if c.broken == "" {
					want := search(t, p, cfg, props.Survive, props.Checks)
					if want.Broken != "" {
						t.Fatalf("the search breaks %s", want.Broken)
					}
					if got := spin(t, text); got != want {
						t.Errorf("Spin: %+v; search: %+v", got, want)
					}
					return
				}
				if got := search(t, p, cfg, props.Survive, props.Checks); got.Broken == "" {
					t.Errorf("search: %+v, nothing broken", got)
				}
				if got := spin(t, text); !strings.Contains(got.Broken, c.broken) {
					t.Errorf("Spin: %+v, not %s broken", got, c.broken)
				}
				var counting []explore.Factory // calls are counted with and without checks
				if len(p.Checks) > 0 {
					p.Checks = p.Checks[:1]
					p.Checks[0].Cond = ir.Expr{Op: ir.ExprGe, Args: []ir.Expr{{Op: ir.ExprCalls, Sym: p.Funcs[0].Name}, {Op: ir.ExprNum}}}
					counting = append(counting, props.Checks)
				}
				if got, want := spin(t, text, "-DNOCHECKS"), search(t, p, cfg, counting...); got != want {
					t.Errorf("without checks: Spin: %+v; search: %+v", got, want)
				}
			})
		}
	}
}
