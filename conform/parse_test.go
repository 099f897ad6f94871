package conform_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/conform"
)

// good is the beginning of a file whose next line is the seventh of the case.
const good = `-- program --
data seen: u64[2]
func op()
    nop
inside:
    nop
    ret
-- CS.case --
thread: op
`

// TestErrorsOfCaseFilesSayWhere.
func TestErrorsOfCaseFilesSayWhere(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"", "f.txtar:1: no case"},
		{"-- CS.case --\nsee rseq_cs\n", "f.txtar:2: case CS.case comes before any -- program --"},
		{"-- program --\nfunc op()\n    nop\n    rett\n-- CS.a --\n", `f.txtar:4:5: unknown`},
		{"-- program --\nfunc op()\n    jmp away\n-- CS.a --\nthread: op\n", `f.txtar:3:5: "away" is not defined`},
		{"-- program --\nfunc op()\n    ret\n-- CS.a --\n", "f.txtar:5: case CS.a has no thread"},
		{"-- program --\nfunc op()\n    ret\n-- case --\n", `f.txtar:5: "case" is no case's name`},
		{good + "-- CS.case --\n", "f.txtar:11: there are two cases CS.case"},
		{good + "thread: pop\n", `f.txtar:10:9: there is no function "pop"`},
		{good + "watch rseq_cs\n", `f.txtar:10: unknown line "watch"`},
		{good + "see rseq\n", `f.txtar:10: unknown observation "rseq"`},
		{good + "see seen[2]\n", "f.txtar:10: seen[2]: seen has 2 elements"},
		{good + "see seen[x]\n", `f.txtar:10: "seen[x]" is no element`},
		{good + "see cpu(seen\n", `f.txtar:10: "cpu(seen" lacks its )`},
		{good + "see configuration\n", "f.txtar:10: configuration can be looked at in a stop only"},
		{good + "\n# doc\nat op.outside: preempt\n", `f.txtar:12: point op.outside: function op has no label "outside"`},
		{good + "at pop.inside: preempt\n", `f.txtar:10: point pop.inside: there is no function "pop"`},
		{good + "at op.inside+2: preempt\n", "f.txtar:10: point op.inside+2: no instruction of op is there"},
		{good + "at op.inside+x: preempt\n", `f.txtar:10: "x" is no number of instructions`},
		{good + "at op: preempt\n", "f.txtar:10: point op: the first instruction of a call"},
		{good + "at op.inside\n", "f.txtar:10: want a point, a colon and actions"},
		{good + "at op.inside:\n", "f.txtar:10: an action is missing"},
		{good + "at op.inside: freeze\n", `f.txtar:10: unknown action "freeze"`},
		{good + "at op.inside: signal SIGFOO\n", `f.txtar:10: unknown signal "SIGFOO"`},
		{good + "at op.inside: signal\n", "f.txtar:10: signal: want signal SIGNAL"},
		{good + "at op.inside: write rseq_cs nowhere\n", `f.txtar:10: "nowhere": want a number or a name`},
		{good + "at op.inside: write rseq_cs 1x\n", `f.txtar:10: "1x": want a number or a name`},
		{good + "at op.inside: write configuration 1\n", "f.txtar:10: configuration can't be written"},
		{good + "at op.inside: irq, migrate\n", "f.txtar:10: nothing can be done in an irq"},
		{good + "at op.inside: resched, preempt\n", "f.txtar:10: nothing can be done in a resched or expire"},
		{good + "needs luck\n", `f.txtar:10: unknown need "luck" (slices, stats)`},
		{good + "see stat.tea\n", `f.txtar:10: the kernel counts no "tea"`},
		{good + "at op.inside: write stat.cs 1\n", "f.txtar:10: stat.cs can't be written"},
		{good + "at op.inside: migrate, schedule\n", "f.txtar:10: schedule comes first"},
		{good + "at op.inside: look AT_RSEQ_ALIGN, write AT_RSEQ_ALIGN 1\n", "f.txtar:10: AT_RSEQ_ALIGN can't be written"},
		{good + "at op.inside: irq\nat op.inside: irq\n", "f.txtar:12: point op.inside: an irq comes once at a point"},
		{good + "untouched far\n", `f.txtar:10: untouched: "far" is neither data nor a descriptor`},
		{good + "at op.inside: look seen[1]\nuntouched seen\n", "f.txtar:12: a look or write at seen[1] would touch what is untouched"},
		{good + "untouched seen\neach op+1..op.inside: write seen[0] 1\n", "f.txtar:12: a look or write at seen[0] would touch"},
		{good + "thread on 0: op\n", "f.txtar:9: thread 1 is on c1"},
		{good + "thread:\n", "f.txtar:9: thread 1 makes no call"},
		{good + "thread: op\nthread: op\n", "f.txtar:9: a case has at most 2 threads"},
		{good + "thread: op\nat op.inside: preempt\n", "f.txtar:11: point op.inside: only the first thread can be stopped, and thread 1 calls op too"},
		{good + "thread: op\nat op.inside: migrate\n", "f.txtar:11: the thread can't migrate: c1 is another thread's"},
		{good + "thread: op\neach op+1..op.inside: preempt\n", "f.txtar:11: point op.inside: only the first thread can be stopped"},
		{good + "each op.inside: preempt\n", "f.txtar:10: want two points"},
		{good + "each op.inside+1..op.inside: preempt\n", "f.txtar:10: there is nothing from"},
		{good + "each op.inside..op.inside+1: preempt\nat op.inside: preempt\n", "f.txtar:11: each stands alone"},
	} {
		cases, err := conform.Parse("f.txtar", []byte(tt.src))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q:\n%d cases, error %v, want %s", tt.src, len(cases), err, tt.want)
		}
	}
}

// TestEachIsACaseForEveryBoundary.
func TestEachIsACaseForEveryBoundary(t *testing.T) {
	cases, err := conform.Parse("f.txtar", []byte(good+"each op+1..op.inside+1: migrate, signal SIGUSR1\nsee rseq_cs\n"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range cases {
		names = append(names, c.Name)
	}
	if got, want := strings.Join(names, " "), "CS.case@op.inside CS.case@op.inside+1"; got != want {
		t.Errorf("cases are %s, want %s", got, want)
	}
}

// FuzzParse: whatever the text, there are cases or an error with its place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good + "at op.inside: preempt, write rseq_cs -1\nsee rseq_cs cpu(seen[1])\n"))
	f.Add([]byte(good + "each op+1..op.inside: schedule, migrate\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		cases, err := conform.Parse("f.txtar", src)
		if (err == nil) != (len(cases) > 0) || err != nil && !strings.HasPrefix(err.Error(), "f.txtar:") {
			t.Errorf("%d cases, error %v", len(cases), err)
		}
	})
}

// BenchmarkParse reads a file of cases, most of which have something put in.
func BenchmarkParse(b *testing.B) {
	src := []byte(good + "-- CS.irq --\nthread: op\neach op.inside..op.inside+1: irq\n")
	for i := range 50 {
		src = fmt.Appendf(src, "-- CS.schedule-%d --\nthread: op\nat op.inside: schedule\nsee seen[0]\n", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if cases, err := conform.Parse("f.txtar", src); err != nil || len(cases) != 53 {
			b.Fatal(len(cases), err)
		}
	}
}
