package props_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// fixtures are programs that hold, and what is broken when lines become others.
var fixtures = []struct {
	file              string
	edits             []string // line, what it becomes, …
	property, message string   // what the message says, among others
}{
	// A reader that has the old block in its hands.
	{file: "testdata/replace.rseq"},
	{"testdata/replace.rseq", []string{"MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ\n", "MEMBARRIER_CMD_QUERY\n"},
		"blocks 16 retire(replace)", "next t0 loads from first at read.start+12, which is in the free block first"},
	// One that isn't in a section when it uses the block.
	{"testdata/replace.rseq", []string{"    ld.8  r4, [r4]\n    st.8  [r3], r4\ncommit:", "    nop\ncommit:\n    ld.8 r4, [r4]"},
		"blocks 16 retire(replace)", "next t0 loads from first at read.commit, which is in the free block first"},
	// A plain load of what somebody exchanges.
	{"testdata/replace.rseq", []string{"ld.8.acq r4, [current]", "ld.8 r4, [current]"},
		"norace current, first, second", "at the same time t0 loads from current at read.start+8 and t1 loads from and stores to current at replace+16"},

	// The sum is taken while a section is under way.
	{file: "testdata/drain.rseq"},
	{"testdata/drain.rseq", []string{"MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ\n", "MEMBARRIER_CMD_QUERY\n"},
		"norace count", "at the same time t0 stores to count on c0 at add.start+24 and t1 loads from count on c0 at take+28"},
	// A section on another CPU's cell.
	{file: "../examples/counter.rseq", edits: []string{"spec counter(add)", "norace count", "final ", "#"}},
	{"../examples/counter.rseq", []string{"spec counter(add)", "norace count", "final ", "#", "    bne.4 r5, r2, abort\n", ""},
		"norace count", "at add.start+12"},

	// A block is used after it was put back, put back twice, and used by another
	// thread than the one that puts it back.
	{file: "testdata/pool.rseq"},
	{"testdata/pool.rseq", []string{"use block; put block", "put block; use block"},
		"blocks 16 alloc(take) free(put)", "next t0 stores to block+8 at use, which is in the free block block"},
	{"testdata/pool.rseq", []string{"use block; put block", "put block; put block"},
		"blocks 16 alloc(take) free(put)", "t0 frees block, which is free"},
	{"testdata/pool.rseq", []string{"thread: take", "thread: use block"},
		"blocks 16 alloc(take) free(put)", "next t1 stores to block+8 at use, which is in the free block block"},
	// It may be used after a put that says that it hasn't taken it.
	{file: "testdata/pool.rseq", edits: []string{"use block; put block", "put block; use block", "retry:\n    ld.8.acq r1, [head]\n    st.8", "    mov r0, 1\n    ret\nretry:\n    ld.acq.8 r1, [head]\n    st.8"}},

	// A reader that goes back in time; and one that does so for linearizability
	// alone.
	{file: "testdata/cached.rseq"},
	{"testdata/cached.rseq", []string{"    mov   r0, r2\n", "    sub   r0, r3, r2\n"},
		"sequential(register)", "no order of the calls explains their results: t0 write(5) → 0, r1 = 0; t1 read() →"},
	{"testdata/cached.rseq", []string{") sequential", ")"},
		"linearizable(register)", "t1's read returned 0 with r1 = 0, which no order of the calls explains; before it the register was slot 0 [5], slot 1 [0]"},
}

func fixture(t *testing.T, file string, edits []string) *ir.Program {
	t.Helper()
	src, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(edits); i += 2 {
		if n := strings.Count(string(src), edits[i]); n != 1 {
			t.Fatalf("%s has %q %d times", file, edits[i], n)
		}
	}
	return parse(t, strings.NewReplacer(edits...).Replace(string(src)))
}

// TestFixtures hold or break as the table says, under every default kernel.
func TestFixtures(t *testing.T) {
	for _, tt := range fixtures {
		p := fixture(t, tt.file, tt.edits)
		properties, err := props.Of(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range emu.DefaultKernels() {
			m, err := emu.New(p, emu.Config{Kernel: k})
			if err != nil {
				t.Fatal(err)
			}
			r, err := explore.Exhaustive(t.Context(), m, properties, explore.Limits{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got explore.Violation
			if r.Failure != nil {
				got = r.Failure.Violation
			}
			if got.Property != tt.property || !strings.Contains(got.Message, tt.message) || r.Failure == nil && (!r.Complete || r.Ends == 0) {
				t.Errorf("%s with %q on %s: %d states, %s\n got %s\nwant %s: %s", tt.file, tt.edits, k, r.States, r.Why, &got, tt.property, tt.message)
			}
		}
	}
}

// TestARaceAtTheStart is seen although nothing has happened before it.
func TestARaceAtTheStart(t *testing.T) {
	p := parse(t, "data a: u64\nfunc f()\n st.8 [a], 1\n ret\nthread: f\nthread: f\nnorace a\n")
	m := boot(t, p, "6.18", "none")
	r := property(t, props.NoRace(p.NoRaces[0]), m)
	m.Do(emu.StepOn(0))
	if v := r.After(m, emu.StepOn(0)); v == nil || v.Message != "at the same time t0 stores to a at f and t1 stores to a at f" {
		t.Error(v)
	}
}

// TestNoRaceNeedsTheSameMemory: after a fork the addresses are the same, and the
// memory isn't.
func TestNoRaceNeedsTheSameMemory(t *testing.T) {
	for call, want := range map[string]bool{"syscall fork": false, "mov r0, CLONE_VM\n syscall clone": true} {
		p := parse(t, "data a: u64\nfunc f()\n "+call+"\n st.8 [a], 1\n ret\nthread: f\ncpus 2\nnorace a\n")
		r, err := explore.Exhaustive(t.Context(), boot(t, p, "6.18", "migrate=1"), []explore.Factory{props.NoRace(p.NoRaces[0])}, explore.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if raced := r.Failure != nil; raced != want {
			t.Errorf("%s: race %t, want %t", call, raced, want)
		}
	}
}

// TestBlocksState: the calls under way and the free blocks, in order, and nothing
// that isn't.
func TestBlocksState(t *testing.T) {
	p := parse(t, "data n: u64[4]\nfunc take()\n ret\nfunc put(b)\n ret\nthread: put n + 16; put n; take\nblocks 16 alloc(take) free(put)\n")
	m := boot(t, p, "6.18", "")
	b := property(t, props.Blocks(p.Blocks[0]), m)
	n := m.Image().Symbols["n"]
	state := func(call int16, free ...uint64) string {
		s := binary.LittleEndian.AppendUint16(nil, uint16(call))
		s = append(s, byte(len(free)))
		for _, a := range free {
			s = binary.AppendUvarint(s, a)
		}
		return string(s)
	}
	one, two := uint64(n), uint64(n)+16
	for _, tt := range []struct {
		e    emu.Event
		want string
	}{
		{emu.Event{Kind: emu.EvInvoke, A: 0}, state(0, two)},
		{emu.Event{Kind: emu.EvReturn, A: 0}, state(-1, two)},
		{emu.Event{Kind: emu.EvInvoke, A: 1}, state(1, one, two)},
		{emu.Event{Kind: emu.EvReturn, A: 1}, state(-1, two)}, // it wasn't taken
		{emu.Event{Kind: emu.EvInvoke, A: 2}, state(2, two)},
		{emu.Event{Kind: emu.EvReturn, A: 0}, state(-1, two)}, // there was none
		{emu.Event{Kind: emu.EvInvoke, A: 2}, state(2, two)},
		{emu.Event{Kind: emu.EvReturn, A: two}, state(-1)},
		{emu.Event{Kind: emu.EvInvoke, Task: 3, A: 0}, state(-1)}, // none of the threads
	} {
		if b.Observe(tt.e); string(b.AppendState(nil)) != tt.want {
			t.Errorf("after %s %d: %x, want %x", tt.e.Kind, tt.e.A, b.AppendState(nil), tt.want)
		}
	}
	for _, bad := range []string{state(-1, two, one), state(-1, two, two), state(7), state(-2), state(-1, one)[:4], state(-1)[:2] + "\x09"} {
		if _, err := b.SetState([]byte(bad)); err == nil {
			t.Errorf("%x is a state", bad)
		}
	}
}

// TestPerCPUStructuresHaveNoRace in any of their data if only threads on their own
// CPU access them. What is meant to be accessed from elsewhere has one, and so has
// what is by mistake.
func TestPerCPUStructuresHaveNoRace(t *testing.T) {
	programs := map[string]func() (*ir.Program, error){}
	for _, p := range percpu.Programs() {
		programs[p.Name] = p.Parse
	}
	for _, b := range percpu.Bugs() {
		programs[b.Name] = b.Parse
	}
	for _, tt := range []struct{ name, race string }{
		{"list", ""}, {"list_mm_cid", ""}, {"counter", ""}, {"counter_mm_cid", ""}, {"buffer", ""}, {"compare_two", ""}, {"nested", ""},
		{"list-no-index-check", "head on c"}, {"counter-no-index-check", "count on c"},
		{"lock", "lock on c"}, {"trystore", "seq on c"}, {"deref_add", "active on c"}, {"slab", "end on c"},
	} {
		p, err := programs[tt.name]()
		if err != nil {
			t.Fatal(err)
		}
		var all ir.NoRace
		for _, d := range p.Data {
			all.Data = append(all.Data, d.Name)
		}
		r, err := explore.Exhaustive(t.Context(), boot(t, p, newest(t, p), ""), []explore.Factory{props.NoRace(all)}, explore.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch f := r.Failure; {
		case tt.race == "" && (f != nil || !r.Complete):
			t.Errorf("%s: %v, %s", tt.name, f, r.Why)
		case tt.race != "" && (f == nil || !strings.Contains(f.Message, tt.race)):
			t.Errorf("%s: %+v, want a race on %s", tt.name, f, tt.race)
		}
	}
}
