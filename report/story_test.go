package report_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/report"
)

// lost is a counter without a critical section: an update can be lost.
const lost = `percpu count: u64

func add()
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, count }
    ld.8  r4, [r3]
    add   r4, r4, 1
    st.8  [r3], r4
    ret

cpus 1
thread: add
thread: add; add
final sum(count) == calls(add)
`

// tell follows the choices, one a line, and tells them.
func tell(t *testing.T, src, kernel, choices string) *report.Story {
	t.Helper()
	p, err := ir.Parse("p.rseq", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	fs, err := props.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := explore.ParseSchedule("s", []byte("rseqemu schedule 1\nkernel "+kernel+"\nbudget preempt=9 migrate=9 signal=9\n"+choices))
	if err != nil {
		t.Fatal(err)
	}
	m, err := emu.New(p, s.Config())
	if err != nil {
		t.Fatal(err)
	}
	story, err := report.Tell(m, s, fs)
	if err != nil {
		t.Fatal(err)
	}
	return story
}

func text(t *testing.T, s *report.Story, st report.Style) string {
	t.Helper()
	var b strings.Builder
	if err := s.Text(&b, st); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const lostSchedule = "c0 step x4\nc0 preempt\nc0 run t1\nc0 step x12\nc0 run t0\nc0 step x2\n"

// TestStoryTellsWhatHappened reads the facts off a lost update.
func TestStoryTellsWhatHappened(t *testing.T) {
	s := tell(t, lost, "6.18", lostSchedule)
	if s.Broken != "final sum(count) == calls(add)" || !s.Done || s.Kernel != "6.18" || s.CPUs != 1 {
		t.Errorf("%q, done %v, on %s with %d CPUs", s.Broken, s.Done, s.Kernel, s.CPUs)
	}
	load := s.Steps[2]
	if load.N != 3 || load.Where != "add+8" || load.Line != 6 || load.Instr != "ld.8 r4, [r3]" || load.Thread != 0 || load.CPU != 0 ||
		!slices.Equal(load.Registers, []report.Change{{Place: "r4", Value: "0"}}) || load.Memory != nil {
		t.Errorf("the load is %+v", load)
	}
	if first := s.Steps[0]; first.Begins != "add()" || !slices.Equal(first.Running, []int{0}) {
		t.Errorf("the first step is %+v", first)
	}
	if preempt := s.Steps[4]; preempt.Instr != "" || len(preempt.Notes) != 1 || !slices.Equal(preempt.Running, []int{-1}) {
		t.Errorf("the preemption is %+v", preempt)
	}
	store := s.Steps[len(s.Steps)-2]
	if !slices.Equal(store.Memory, []report.Change{{Place: "count on c0", Value: "1"}}) {
		t.Errorf("the store that loses updates is %+v", store)
	}
	want := []report.Call{{0, "add()", 1, 21, "0, r1 = 0"}, {1, "add()", 7, 12, "0, r1 = 0"}, {1, "add()", 13, 18, "0, r1 = 0"}}
	if !slices.Equal(s.Calls, want) {
		t.Errorf("the calls are %+v", s.Calls)
	}
}

// TestStoryTellsAStoreThatChangesNothing, since that is what a lost update looks
// like.
func TestStoryTellsAStoreThatChangesNothing(t *testing.T) {
	s := tell(t, strings.Replace(lost, "add; add", "add", 1), "6.18", "c0 step x4\nc0 preempt\nc0 run t1\nc0 step x6\nc0 run t0\nc0 step x2\n")
	store := s.Steps[len(s.Steps)-2]
	if !slices.Equal(store.Memory, []report.Change{{Place: "count on c0", Value: "1", Same: true}}) {
		t.Errorf("the store is %+v", store)
	}
	if got := text(t, s, report.Style{}); !strings.Contains(got, "count on c0 = 1, as before") {
		t.Errorf("the text is\n%s", got)
	}
}

// TestBriefStoryFoldsUndisturbedCalls and tells everything else.
func TestBriefStoryFoldsUndisturbedCalls(t *testing.T) {
	s := tell(t, lost, "6.18", lostSchedule)
	full, brief := text(t, s, report.Style{}), text(t, s, report.Style{Brief: true})
	if got := strings.Count(brief, "6 steps undisturbed: count on c0 = "); got != 2 {
		t.Errorf("%d calls are folded:\n%s", got, brief)
	}
	if strings.Contains(full, "undisturbed") {
		t.Errorf("the full story is folded:\n%s", full)
	}
	// The call that was disturbed is told in both.
	for _, line := range strings.Split(full, "\n") {
		if n := strings.Fields(line); len(n) > 1 && n[1] == "t0" && !strings.Contains(brief, line) {
			t.Errorf("the brief story lacks %q", line)
		}
	}
	if strings.Contains(brief+full, "\x1b") {
		t.Error("colour that nobody asked for")
	}
}

// TestLongBriefStoryLeavesOutItsMiddle but a full one doesn't.
func TestLongBriefStoryLeavesOutItsMiddle(t *testing.T) {
	const spin = "data x: u64\n\nfunc f()\nspin:\n    ld.8  r1, [x]\n    beq   r1, 0, spin\n    ret\n\ncpus 1\nthread: f\n"
	s := tell(t, spin, "6.18", "c0 step x3000\n")
	brief := text(t, s, report.Style{Brief: true})
	if n := strings.Count(brief, "\n"); n > 500 || !strings.Contains(brief, "… 2,600 transitions left out …") {
		t.Errorf("%d lines", n)
	}
	if n := strings.Count(text(t, s, report.Style{}), "\n"); n < 3000 {
		t.Errorf("%d lines of 3000", n)
	}
}

// TestStoryOfParts tells the parts of an instruction that another CPU can see
// the middle of.
func TestStoryOfParts(t *testing.T) {
	s := tell(t, "data x: u64 = 4\n\nfunc f()\n    { ld.8 t0, [x]; add t0, t0, 1; st.8 [x], t0 }\n    ret\n\nthread: f\n", "6.18", "c0 step x3\n")
	if got := s.Steps[0]; got.Instr != "{ ld.8 t0, [x]; add t0, t0, 1; … }" || got.Registers[0] != (report.Change{Place: "temporary t0", Value: "5"}) {
		t.Errorf("the first part is %+v", got)
	}
	if got := s.Steps[1]; got.Instr != "{ …; st.8 [x], t0 }" || !slices.Equal(got.Memory, []report.Change{{Place: "x", Value: "5"}}) || got.Registers != nil {
		t.Errorf("the second part is %+v", got)
	}
}

// TestStoryOfKernelEvents says what the kernel did, by name.
func TestStoryOfKernelEvents(t *testing.T) {
	const src = `func f()
    cs f_cs: start_ip=start post_commit_ip=commit abort_ip=abort
    mov   r4, f_cs
    st.8  [tp + rseq_cs], r4
start:
    nop
commit:
    syscall getpid
    ret
    sig
abort:
    jmp   commit

func on_usr1()
    ret

handler SIGUSR1: on_usr1
thread: f
`
	for _, c := range []struct {
		choices string
		want    []string
	}{
		{"c0 step x2\nc0 preempt\nc0 run t0\nc0 step x2\n", []string{
			`t0 leaves c0 before "nop" at f.start, inside f_cs`,
			"the kernel aborts f_cs: t0 goes from f.start to f.abort",
			"goes to f.commit", "getpid returns 1000"}},
		{"c0 step x1\nc0 preempt\nc0 run t0\nc0 step x2\nc0 preempt\n", []string{
			`t0 leaves c0 before "syscall getpid" at f.commit`}},
		{"c0 step x2\nt0 signal 10\nc0 step\n", []string{
			"t0 signal 10", "SIGUSR1 is delivered: handler on_usr1; the frame saves f.abort"}},
	} {
		got := text(t, tell(t, src, "6.18", c.choices), report.Style{})
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%q isn't told:\n%s", want, got)
			}
		}
	}
}

// TestStoryNamesAreStable holds the field names of the JSON form: programs rely
// on them.
func TestStoryNamesAreStable(t *testing.T) {
	b, err := json.Marshal(tell(t, lost, "6.18", lostSchedule))
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	steps := map[string]bool{}
	for _, s := range v["steps"].([]any) {
		for name := range s.(map[string]any) {
			steps[name] = true
		}
	}
	for what, got := range map[string][]string{
		"broken calls cpus done kernel message program steps":                                slices.Sorted(maps.Keys(v)),
		"begins choice cpu instr line memory n notes registers returns running thread where": slices.Sorted(maps.Keys(steps)),
		"first last name returns thread":                                                     slices.Sorted(maps.Keys(v["calls"].([]any)[0].(map[string]any))),
	} {
		if strings.Join(got, " ") != what {
			t.Errorf("the names are %v, not %s", got, what)
		}
	}
}
