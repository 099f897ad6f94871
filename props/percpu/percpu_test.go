package percpu_test

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/percpu"
)

var update = flag.Bool("update", false, "rewrite the tables in testdata")

// bound is the number of states within which a search must come to an end: a
// few seconds.
const bound = 1_000_000

// job is a program to be searched under a kernel.
type job struct {
	name string
	prog *ir.Program
	k    emu.Kernel
}

func parse(t testing.TB, name string, parse func() (*ir.Program, error)) *ir.Program {
	t.Helper()
	p, err := parse()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// claimed are a program's jobs under those default kernels that it claims. The
// short test takes one of them.
func claimed(t testing.TB, name string, p *ir.Program) []job {
	t.Helper()
	kernels, err := explore.Claimed(p)
	if err != nil || len(kernels) == 0 {
		t.Fatalf("%s claims %v, %v", name, kernels, err)
	}
	if testing.Short() {
		kernels = kernels[len(kernels)-1:]
	}
	var jobs []job
	for _, k := range kernels {
		jobs = append(jobs, job{name, p, k})
	}
	return jobs
}

func (j job) String() string { return j.name + "/" + strings.ReplaceAll(j.k.String(), "/", "-") }

func (j job) machine(t testing.TB) (*emu.Machine, []explore.Factory) {
	t.Helper()
	properties, err := props.Of(j.prog)
	if err != nil {
		t.Fatal(err)
	}
	m, err := emu.New(j.prog, emu.Config{Kernel: j.k})
	if err != nil {
		t.Fatal(err)
	}
	return m, properties
}

func (j job) search(t testing.TB, more ...explore.Factory) *explore.Result {
	t.Helper()
	m, properties := j.machine(t)
	r, err := explore.Exhaustive(t.Context(), m, append(properties, more...), explore.Limits{States: bound, Workers: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// holds requires that the search covers all runs and finds nothing, not because
// nothing happens: every section is aborted in some of them.
func (j job) holds(t testing.TB) *explore.Result {
	t.Helper()
	var interrupted aborts
	r := j.search(t, interrupted.factory)
	if r.Failure != nil {
		t.Fatalf("%v\n%s", r.Failure, explore.FormatChoices(r.Failure.Schedule))
	}
	if !r.Complete || r.Ends == 0 {
		t.Fatalf("not covered: %d states, %d of them ends: %s", r.States, r.Ends, r.Why)
	}
	if len(interrupted.left) > 0 {
		t.Errorf("no run has an abort of %v", interrupted.left)
	}
	return r
}

// breaks requires that the search finds something and that its schedule breaks
// the same property on a fresh machine.
func (j job) breaks(t testing.TB) *explore.Failure {
	t.Helper()
	r := j.search(t)
	if r.Failure == nil {
		t.Fatalf("nothing found in %d states: complete %v %s", r.States, r.Complete, r.Why)
	}
	m, properties := j.machine(t)
	out, err := explore.Run(m, properties, explore.Replay(r.Failure.Schedule), 0, nil)
	switch {
	case err != nil:
		t.Fatal(err)
	case out.Violation == nil:
		t.Fatalf("the replay breaks nothing; the search said %v", r.Failure)
	case *out.Violation != r.Failure.Violation:
		t.Fatalf("the replay breaks %v; the search said %v", out.Violation, r.Failure)
	}
	return r.Failure
}

// each runs a test in parallel for every job and returns when all are done.
func each(t *testing.T, jobs []job, test func(t *testing.T, j job)) {
	t.Run("search", func(t *testing.T) {
		for _, j := range jobs {
			t.Run(j.String(), func(t *testing.T) {
				t.Parallel()
				test(t, j)
			})
		}
	})
}

// Every program holds under every default kernel that it claims.
func TestPrograms(t *testing.T) {
	var jobs []job
	for _, p := range percpu.Programs() {
		if testing.Short() && !slices.Contains([]string{"counter", "trystore_mm_cid"}, p.Name) {
			continue
		}
		jobs = append(jobs, claimed(t, p.Name, parse(t, p.Name, p.Parse))...)
	}
	var got table
	each(t, jobs, func(t *testing.T, j job) {
		got.set(j.name, j.k.String(), fmt.Sprint(j.holds(t).States))
	})
	got.golden(t, "programs.txt", `How many states a search has that covers every run of a program under a kernel
and finds nothing; - is a kernel that the program doesn't claim.`)
}

// They hold on other architectures, in the other byte order, and under the
// oldest and the newest release that have mm_cid.
func TestArchitectures(t *testing.T) {
	var jobs []job
	for _, p := range percpu.Programs() {
		if !slices.Contains([]string{"counter", "memcpy_buffer_mm_cid", "deref_add"}, p.Name) || testing.Short() && p.Name != "counter" {
			continue
		}
		prog := parse(t, p.Name, p.Parse)
		for _, name := range []string{"6.3", "6.12/arm64", "7.3/arm64/v2", "6.12/s390x", "7.3/s390x/v2"} {
			jobs = append(jobs, job{p.Name, prog, kernel(t, name)})
		}
	}
	each(t, jobs, func(t *testing.T, j job) {
		if !claims(t, j.prog, j.k) {
			t.Error("not claimed")
		}
		j.holds(t)
	})
}

func kernel(t testing.TB, name string) emu.Kernel {
	t.Helper()
	k, err := emu.ParseKernel(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func claims(t testing.TB, p *ir.Program, k emu.Kernel) bool {
	t.Helper()
	var patterns []emu.Pattern
	for _, text := range p.Setup.Kernels {
		pat, err := emu.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		patterns = append(patterns, pat)
	}
	return emu.Claims(patterns, k)
}

// What a program doesn't claim it can't: it breaks on the kernels that
// abort no section, and tcmalloc's trick on those that write cpu_id_start only
// when it changes.
func TestUnclaimed(t *testing.T) {
	var jobs []job
	for _, p := range percpu.Programs() {
		if testing.Short() && p.Name != "cached_slab" {
			continue
		}
		prog := parse(t, p.Name, p.Parse)
		kernels := []string{"6.19/arm64", "7.0.13/arm64/v2"}
		if p.Name == "cached_slab" {
			kernels = []string{"6.19", "7.0.7", "7.3/v2"}
		}
		for _, name := range kernels {
			jobs = append(jobs, job{p.Name, prog, kernel(t, name)})
		}
	}
	var got table
	each(t, jobs, func(t *testing.T, j job) {
		if claims(t, j.prog, j.k) {
			t.Error("claimed")
		}
		got.failure(j, j.breaks(t))
	})
	got.golden(t, "unclaimed.txt", `What breaks on kernels that a program doesn't claim, and in how many kernel
events and transitions.`)
}

// Every bug is found under every default kernel that the program claims, within
// three kernel events.
func TestBugs(t *testing.T) {
	var jobs []job
	for _, b := range percpu.Bugs() {
		if testing.Short() && !slices.Contains([]string{"deref_add", "trystore_mm_cid"}, b.Of) {
			continue
		}
		jobs = append(jobs, claimed(t, b.Name, parse(t, b.Name, b.Parse))...)
	}
	var got table
	each(t, jobs, func(t *testing.T, j job) {
		f := j.breaks(t)
		if n := explore.Events(f.Schedule); n > 3 {
			t.Errorf("%d kernel events for %v", n, f)
		}
		got.failure(j, f)
	})
	got.golden(t, "bugs.txt", `What a search finds in a program with a bug, and in how many kernel events and
transitions; - is a kernel that the program doesn't claim, or on which it finds
something else.`)
}

// Every program has at least three bugs.
func TestBugsOf(t *testing.T) {
	programs := map[string]int{}
	for _, p := range percpu.Programs() {
		programs[p.Name] = 0
		if p.Doc == "" || p.Index != "cpu_id" && p.Index != "mm_cid" {
			t.Errorf("%s: index %q, doc %q", p.Name, p.Index, p.Doc)
		}
	}
	for _, b := range percpu.Bugs() {
		if _, ok := programs[b.Of]; !ok {
			t.Errorf("%s is a bug of %q", b.Name, b.Of)
		}
		if b.What == "" || !strings.HasPrefix(b.Name, b.Of+"-") {
			t.Errorf("%s of %s: %q", b.Name, b.Of, b.What)
		}
		programs[b.Of]++
	}
	for name, n := range programs {
		if n < 3 && !strings.HasPrefix(name, "buffer_release") {
			t.Errorf("%s has %d bugs", name, n)
		}
	}
}

// Every text is canonical, and says in its comment what the package says.
func TestTexts(t *testing.T) {
	check := func(name, source, doc string) {
		text, err := ir.Format(name, []byte(source))
		if err != nil {
			t.Error(err)
		} else if string(text) != source {
			t.Errorf("%s isn't canonical:\n%s", name, text)
		}
		var words []string
		for line := range strings.Lines(source) {
			rest, ok := strings.CutPrefix(line, "#")
			if !ok {
				break
			}
			words = append(words, strings.Fields(rest)...)
		}
		if !slices.Equal(words, strings.Fields(doc)) {
			t.Errorf("%s: doc %q", name, doc)
		}
	}
	for _, p := range percpu.Programs() {
		check(p.Name, p.Source, p.Doc)
	}
	for _, b := range percpu.Bugs() {
		check(b.Name, b.Source, b.What)
	}
	if !slices.IsSortedFunc(percpu.Programs(), func(a, b percpu.Program) int { return cmp.Compare(a.Name, b.Name) }) ||
		!slices.IsSortedFunc(percpu.Bugs(), func(a, b percpu.Bug) int { return cmp.Compare(a.Name, b.Name) }) {
		t.Error("not in order")
	}
}
