package conform

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// operation is a program of package percpu and how one thread runs through it:
// every operation at least once, on the way on which it does something.
type operation struct {
	program, script, see string
}

// The programs that are indexed by cpu_id, and one by mm_cid: the other forms
// are the same operations. What takes the number of a CPU is called with nothing
// there yet, or not at all, since a case's CPUs have other numbers on each machine.
var operations = []operation{
	{"buffer", "push 1; pop", "offset[0] offset[1]"},
	{"buffer_release", "push 1; pop", "offset[0] offset[1]"},
	{"cached_slab", "open; drain 0; push 1; push 2; pop", "current[0] current[1] drained"},
	{"compare_two", "set 1; cas 0, 1, 0", "first[0] first[1] second[0] second[1]"},
	{"counter", "add 1; add 2", "count[0] count[1]"},
	{"counter_mm_cid", "add 1; add 2", ""},
	{"deref_add", "add 1; add 2", "first[0] first[1]"},
	{"list", "push node; pop", "head[0] head[1]"},
	{"lock", "add 1; add 2", "lock[0] lock[1] value[0] value[1]"},
	{"memcpy_buffer", "push 0x1111; pop", "offset[0] offset[1]"},
	{"nested", "add; add", "count[0] count[1] signals"},
	{"slab", "open; drain 0; push2 1, 2; pop2; push 4; pop", "current[0] current[1] drained"},
	{"trystore", "read 0; write 1", "seq[0] seq[1] copy[0] copy[1]"},
}

// What is done at every boundary: an exception and a switch, with a migration,
// with a signal, an interrupt that changes nothing, and a switch in a system call.
var everywhere = []struct{ name, action string }{
	{"preempt", "preempt"}, {"migrate", "migrate"}, {"signal", "signal SIGUSR1"}, {"irq", "irq"}, {"schedule", "schedule"},
}

// perCPUCases are the programs of package percpu, interrupted at every boundary
// that their operations come by, registered as libc does it today and as it did:
// PERCPU.list-push-migrate@push.start+1, and PERCPU.list-push-migrate-v1@….
func perCPUCases() []Case {
	sources := map[string]string{}
	for _, p := range percpu.Programs() {
		sources[p.Name] = p.Source
	}
	var all []Case
	for _, o := range operations {
		text, err := o.text(sources[o.program])
		var cases []Case
		if err == nil {
			cases, err = Parse("percpu:"+o.program, []byte(text))
		}
		var passed map[string]bool
		if err == nil {
			passed, err = undisturbed(cases[0].Program)
		}
		if err != nil {
			panic("conform: BUG: " + err.Error())
		}
		for _, c := range cases {
			if _, point, _ := strings.Cut(c.Name, "@"); passed[point] {
				all = append(all, c)
			}
		}
	}
	return all
}

// undisturbed returns the points that a thread comes by when nothing happens to
// it. Those of abort handlers, and of ways that its calls don't take, aren't
// among them.
func undisturbed(p *ir.Program) (map[string]bool, error) {
	m, err := emu.New(p, emu.Config{Kernel: emu.Linux("6.18", abi.AMD64), CPUs: CPUs})
	if err != nil {
		return nil, err
	}
	passed := map[string]bool{}
	for range maxSteps {
		if m.Done() {
			return passed, nil
		}
		if pt, ok := PointAt(m.Image(), m.Next(0)); ok {
			passed[pt.String()] = true
		}
		if err := m.Try(emu.StepOn(0)); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no end after %d steps", maxSteps)
}

// text is the file of cases of a program.
func (o operation) text(source string) (string, error) {
	last, err := lastInstructions(source)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- program --\n%s\n", withoutThreads(source))
	if !strings.Contains(source, "handler SIGUSR1") {
		b.WriteString("func on_signal()\n    ret\nhandler SIGUSR1: on_signal\n")
	}
	seen := map[string]bool{}
	for call := range strings.SplitSeq(o.script, "; ") {
		name, _, _ := strings.Cut(call, " ")
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, version := range []struct{ suffix, line string }{{"", ""}, {"-v1", "register legacy\n"}} {
			for _, e := range everywhere {
				fmt.Fprintf(&b, "-- PERCPU.%s-%s-%s%s --\n%sthread: %s\neach %s+1..%s+%d: %s\nsee rseq_cs cpu_id_start cpu_id %s\n",
					o.program, name, e.name, version.suffix, version.line, o.script, name, name, last[name], e.action, o.see)
			}
		}
	}
	return b.String(), nil
}

// withoutThreads drops what a program says of its threads and of what must hold.
func withoutThreads(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "thread:", "thread", "cpus", "nodes", "budget", "kernels", "spec", "final", "always":
			line = "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// lastInstructions returns how many instructions behind its entry the last one of
// each function is.
func lastInstructions(source string) (map[string]int, error) {
	p, err := ir.Parse("", []byte(source))
	if err != nil {
		return nil, err
	}
	last := map[string]int{}
	for i := range p.Funcs {
		n := -1
		for _, it := range p.Funcs[i].Body {
			if it.Kind == ir.Code {
				n++
			}
		}
		last[p.Funcs[i].Name] = n
	}
	return last, nil
}
