package explore_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// shapes are the threads of litmus tests: two accesses each, with a link between
// them, or one. A load goes to r0 if it is the first, else to r1.
var shapes = map[string]struct {
	threads []string
	outcome string
}{
	"MP":   {[]string{"W x 1, W y 1", "R y, R x"}, "1:r0=1 1:r1=0"},
	"SB":   {[]string{"W x 1, R y", "W y 1, R x"}, "0:r1=0 1:r1=0"},
	"LB":   {[]string{"R x, W y 1", "R y, W x 1"}, "0:r0=1 1:r0=1"},
	"S":    {[]string{"W x 2, W y 1", "R y, W x 1"}, "1:r0=1 x=2"},
	"R":    {[]string{"W x 1, W y 1", "W y 2, R x"}, "1:r1=0 y=2"},
	"2+2W": {[]string{"W x 2, W y 1", "W y 2, W x 1"}, "x=2 y=2"},
	"WRC":  {[]string{"W x 1", "R x, W y 1", "R y, R x"}, "1:r0=1 2:r0=1 2:r1=0"},
	"IRIW": {[]string{"W x 1", "W y 1", "R x, R y", "R y, R x"}, "2:r0=1 2:r1=0 3:r0=1 3:r1=0"},
	"ISA2": {[]string{"W x 1, W y 1", "R y, W z 1", "R z, R x"}, "1:r0=1 2:r0=1 2:r1=0"},
}

// litmusProgram writes a shape with its links as a program.
func litmusProgram(threads, links []string) string {
	var b strings.Builder
	b.WriteString("data x: u64\ndata y: u64\ndata z: u64\n")
	for i, t := range threads {
		fmt.Fprintf(&b, "\nfunc f%d()\n", i)
		first, second, two := strings.Cut(t, ", ")
		link := ""
		if two {
			link, links = links[0], links[1:]
		}
		order := func(w string, kind, suffix string) string {
			if strings.HasPrefix(w, kind) {
				return suffix
			}
			return ""
		}
		one, other := "", ""
		switch link {
		case "poap":
			one = order(first, "R", ".acq")
		case "popl":
			other = order(second, "W", ".rel")
		case "pola":
			one, other = order(first, "W", ".rel"), order(second, "R", ".acq")
		}
		litmusAccess(&b, first, one, "r0", "", "")
		base, value := "", ""
		switch link {
		case "dmb.sy":
			b.WriteString("    fence\n")
		case "dmb.st":
			b.WriteString("    fence.w\n")
		case "dmb.ld":
			b.WriteString("    fence.r\n")
		case "addr":
			b.WriteString("    xor r2, r0, r0\n")
			base = "r2 + "
		case "data":
			b.WriteString("    xor r2, r0, r0\n    add r2, r2, 1\n")
			value = "r2"
		case "ctrl":
			b.WriteString("    bne r0, 0, next\nnext:\n")
		}
		if two {
			litmusAccess(&b, second, other, "r1", base, value)
		}
		b.WriteString("    ret\n")
	}
	b.WriteString("\n")
	for i := range threads {
		fmt.Fprintf(&b, "thread: f%d\n", i)
	}
	fmt.Fprintf(&b, "cpus %d\n", len(threads))
	return b.String()
}

func litmusAccess(b *strings.Builder, access, order, reg, base, value string) {
	w := strings.Fields(access)
	if w[0] == "R" {
		fmt.Fprintf(b, "    ld.8%s %s, [%s%s]\n", order, reg, base, w[1])
		return
	}
	if value == "" {
		value = w[2]
	}
	fmt.Fprintf(b, "    st.8%s [%s%s], %s\n", order, base, w[1], value)
}

// outcomes is a property that collects what threads return and what memory is at
// the end.
type outcomes struct {
	r    *[emu.MaxTasks][2]uint64
	seen map[string]bool
}

func (o outcomes) factory(*emu.Machine) (explore.Property, error) {
	return outcomes{new([emu.MaxTasks][2]uint64), o.seen}, nil
}

func (o outcomes) Observe(e emu.Event) {
	if e.Kind == emu.EvReturn {
		o.r[e.Task] = [2]uint64{e.A, e.B}
	}
}

func (o outcomes) After(*emu.Machine, emu.Choice) *explore.Violation { return nil }

func (o outcomes) AtEnd(m *emu.Machine) *explore.Violation {
	var s []string
	for i := range m.Tasks() {
		s = append(s, fmt.Sprintf("%d:r0=%d", i, o.r[i][0]), fmt.Sprintf("%d:r1=%d", i, o.r[i][1]))
	}
	for _, d := range []string{"x", "y", "z"} {
		if a, ok := m.Image().Symbols[d]; ok {
			s = append(s, fmt.Sprintf("%s=%d", d, m.Peek(a, 8)))
		}
	}
	o.seen[strings.Join(s, " ")] = true
	return nil
}

func (o outcomes) AppendState(b []byte) []byte {
	for _, r := range o.r[:8] {
		b = binary.LittleEndian.AppendUint64(b, r[0])
		b = binary.LittleEndian.AppendUint64(b, r[1])
	}
	return b
}

func (o outcomes) SetState(b []byte) ([]byte, error) {
	for i := range o.r[:8] {
		o.r[i] = [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
		b = b[16:]
	}
	return b, nil
}

// observable reports whether some run has all parts of an outcome.
func observable(t *testing.T, program, outcome string, memory emu.MemoryModel) bool {
	t.Helper()
	p := parse(t, program)
	cfg := on(t, "6.18", "none")
	cfg.Memory = memory
	o := outcomes{seen: map[string]bool{}}
	r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), []explore.Factory{o.factory}, explore.Limits{Workers: 1}, nil)
	if err != nil || !r.Complete {
		t.Fatalf("%v, %+v\n%s", err, r, program)
	}
	for seen := range o.seen {
		all := true
		for _, part := range strings.Fields(outcome) {
			all = all && slices.Contains(strings.Fields(seen), part)
		}
		if all {
			return true
		}
	}
	return false
}

// TestLitmus holds the memory models against what is known of the architectures.
func TestLitmus(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "litmus.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		w := strings.Fields(sc.Text())
		if len(w) == 0 || w[0] == "#" {
			continue
		}
		if len(w) != 7 {
			t.Fatalf("%q", sc.Text())
		}
		n++
		for name, shape := range shapes {
			if links, ok := strings.CutPrefix(w[0], name+"+"); ok {
				litmus(t, w[0], litmusProgram(shape.threads, strings.Split(links, "+")), shape.outcome, w[1:])
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d tests", n)
	}
}

// litmus compares with expectations: sc forbidden tso allowed arm allowed.
func litmus(t *testing.T, name, program, outcome string, want []string) {
	t.Helper()
	for i := 0; i < len(want); i += 2 {
		model, err := emu.ParseMemoryModel(want[i])
		if err != nil {
			t.Fatal(err)
		}
		got := "forbidden"
		if observable(t, program, outcome, model) {
			got = "allowed"
		}
		if got != want[i+1] {
			t.Errorf("%s: %s is %s under %s, and should be %s\n%s", name, outcome, got, model, want[i+1], program)
		}
	}
}

// TestLitmusOverwrittenFlag: message passing whose reader overwrites the flag that
// it read before it reads the message. While both accesses to the flag are pending
// its CPU can read nothing behind the writer's store any more, but the load must
// still get that store's view.
func TestLitmusOverwrittenFlag(t *testing.T) {
	for _, c := range []struct {
		name                      string
		fence, release, base, arm string
		width                     int
	}{
		{"MP+po+addr", "", "", "r2 + ", "allowed", 8},
		{"MP+popl+addr", "", ".rel", "r2 + ", "forbidden", 8},
		{"MP+popl+addr, half the flag", "", ".rel", "r2 + ", "forbidden", 4},
		{"MP+popl+po", "", ".rel", "", "allowed", 8},
		{"MP+dmb.st+addr", "fence.w", "", "r2 + ", "forbidden", 8},
	} {
		program := fmt.Sprintf(`data x: u64
data y: u64

func writer()
    st.8 [x], 1
    %s
    st.%d%s [y], 3
    ret

func reader()
    ld.8 r0, [y]
    st.%d [y], 1
    xor r2, r0, r0
    ld.8 r1, [%sx]
    ret

thread: writer
thread: reader
cpus 2
`, c.fence, c.width, c.release, c.width, c.base)
		litmus(t, c.name, program, "1:r0=3 1:r1=0", []string{"sc", "forbidden", "tso", "forbidden", "arm", c.arm})
	}
}
