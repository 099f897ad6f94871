package stress

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// record is one of these words.
func record(words ...uint64) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

func judgeOf(t testing.TB, p *ir.Program) *judge {
	t.Helper()
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	l, err := layoutOf(p, 2, im.PerCPUShift)
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJudge(p, abi.AMD64, 2, l)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestJudge holds records against what the counter declares: two adds of thread 0, one
// of thread 1, and the counts of two CPUs.
func TestJudge(t *testing.T) {
	j := judgeOf(t, builtIn(t, "counter"))
	for _, tt := range []struct {
		name   string
		record []byte
		want   string
	}{
		{"one after the other", record(0, 1, 0, 0, 2, 3, 1, 0, 4, 5, 3, 0, 7, 0), ""},
		{"on two CPUs", record(0, 1, 0, 0, 2, 3, 1, 0, 4, 5, 0, 1, 3, 4), ""},
		{"at once, the second first", record(0, 2, 4, 0, 3, 5, 5, 0, 1, 4, 0, 0, 7, 0), ""},
		{"in an order that time forbids", record(0, 1, 4, 0, 2, 3, 5, 0, 4, 5, 0, 0, 7, 0), "linearizable(counter)"},
		{"lost", record(0, 2, 0, 0, 3, 5, 1, 0, 1, 4, 0, 0, 3, 0), "final sum(count) == 7"},
		{"ended before it began", record(1, 0, 0, 0, 2, 3, 1, 0, 4, 5, 3, 0, 7, 0), "survives"},
		{"two at one time", record(0, 1, 0, 0, 1, 3, 1, 0, 4, 5, 3, 0, 7, 0), "survives"},
		{"after the end of time", record(0, 1, 0, 0, 2, 3, 1, 0, 4, 99, 3, 0, 7, 0), "survives"},
		{"a thread's calls in the wrong order", record(2, 3, 0, 0, 0, 1, 1, 0, 4, 5, 3, 0, 7, 0), "survives"},
	} {
		for range 2 { // what was judged once is remembered
			if got := property(j.judge(tt.record)); got != tt.want {
				t.Errorf("%s: %q is broken, want %q", tt.name, got, tt.want)
			}
		}
	}
}

// TestJudgeAsksAlwaysOfTheEnd: lock's value and twin differ when all is over.
func TestJudgeAsksAlwaysOfTheEnd(t *testing.T) {
	j := judgeOf(t, builtIn(t, "lock"))
	var names []string
	for _, e := range j.l.elements {
		names = append(names, e.place())
	}
	want := []string{"lock + 0", "lock + 64", "value + 0", "value + 64", "twin + 0", "twin + 64"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatal(diff)
	}
	calls := []uint64{0, 1, 0, 0, 2, 3, 1, 0, 4, 5, 3, 0}
	if v := j.judge(record(append(slices.Clone(calls), 0, 0, 7, 0, 7, 0)...)); v != nil {
		t.Errorf("what is right breaks %v", v)
	}
	v := j.judge(record(append(slices.Clone(calls), 0, 0, 7, 0, 3, 0)...))
	if property(v) != "always lock[0] == 1 || value[0] == twin[0]" {
		t.Errorf("%v is broken", v)
	}
}

// TestStoryTellsTheRound and what is left of it.
func TestStoryTellsTheRound(t *testing.T) {
	j := judgeOf(t, builtIn(t, "list"))
	node := uint64(j.m.Image().Symbols["node"])
	got := j.story(record(0, 2, 0, 1, 3, 4, node+8, 0, 1, 5, 0, 0, 6, 7, 0, 1, node, 0, 0, 0, 0))
	const want = `t0 begins push(node)
t1 begins push(node + 8)
t0's push(node) returns 0, r1 = 1
t0 begins pop()
t0's pop() returns node+8, r1 = 0
t1's push(node + 8) returns 0, r1 = 0
t1 begins pop()
t1's pop() returns 0, r1 = 1
at the end head on c0 = node
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRaceAndBlocksAreNotAsked of a round that is over.
func TestRaceAndBlocksAreNotAsked(t *testing.T) {
	j := judgeOf(t, parse(t, "p", "data x: u64\nfunc op()\n    st.8 [x], 1\n    mov r0, 0\n    ret\nthread: op\nthread: op\nnorace x\nblocks 8 retire(op)\n"))
	if v := j.judge(record(0, 2, 0, 0, 1, 3, 0, 0, 1)); v != nil {
		t.Errorf("%v is broken", v)
	}
}
