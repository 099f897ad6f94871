package stress

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/native"
	"github.com/rseqemu/rseqemu/props/percpu"
)

func parse(t testing.TB, name, text string) *ir.Program {
	t.Helper()
	p, err := ir.Parse(name+".rseq", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// builtIn is a program of props/percpu, right or wrong.
func builtIn(t testing.TB, name string) *ir.Program {
	t.Helper()
	for _, p := range percpu.Programs() {
		if p.Name == name {
			return parse(t, name, p.Source)
		}
	}
	for _, b := range percpu.Bugs() {
		if b.Name == name {
			return parse(t, name, b.Source)
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// roundsOf are a program's rounds on two CPUs, and their records.
func roundsOf(t testing.TB, p *ir.Program, arch abi.Arch, seed uint64) (*ir.Program, *layout) {
	t.Helper()
	im, err := ir.Link(p, arch)
	if err != nil {
		t.Fatal(err)
	}
	l, err := layoutOf(p, 2, im.PerCPUShift)
	if err != nil {
		t.Fatal(err)
	}
	q, err := rounds(p, arch, abi.RSeqOrigSize, l, crowd{delay: turns{3, 5}, patience: 2}, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		t.Fatal(err)
	}
	return q, l
}

// TestRoundsOfEveryProgramAreEncoded for both instruction sets, with the program's data
// where the program itself has it.
func TestRoundsOfEveryProgramAreEncoded(t *testing.T) {
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64} {
		for _, own := range percpu.Programs() {
			p := builtIn(t, own.Name)
			q, _ := roundsOf(t, p, arch, 1)
			laid, err := native.Lay(q, arch)
			if err != nil {
				t.Errorf("%s on %v: %v", p.Name, arch, err)
				continue
			}
			im, err := ir.Link(laid, arch)
			if err != nil {
				t.Fatal(err)
			}
			alone, err := ir.Link(p, arch)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range p.Data {
				if im.Symbols[d.Name] != alone.Symbols[d.Name] {
					t.Errorf("%s on %v: %s is at %#x, and was at %#x", p.Name, arch, d.Name, im.Symbols[d.Name], alone.Symbols[d.Name])
				}
			}
			if im.PerCPUShift != alone.PerCPUShift {
				t.Errorf("%s on %v: the CPUs' data are %d apart, and were %d", p.Name, arch, 1<<im.PerCPUShift, 1<<alone.PerCPUShift)
			}
		}
	}
}

// emulated runs the rounds of a program in the emulator, with whatever the generator
// draws for events, and returns the first violation among so many rounds. Preemptions
// are as rare as it says: a program that starts again at each must come to its end.
func emulated(t testing.TB, name string, want, rare int) *explore.Violation {
	p := builtIn(t, name)
	q, l := roundsOf(t, p, abi.AMD64, 1)
	j, err := newJudge(p, abi.AMD64, 2, l)
	if err != nil {
		t.Fatal(err)
	}
	var budget emu.Budget
	for _, event := range []string{"preempt", "migrate"} {
		if err := budget.Set(event, emu.Unlimited); err != nil {
			t.Fatal(err)
		}
	}
	m, err := emu.New(q, emu.Config{Kernel: emu.Linux("6.18", abi.AMD64), CPUs: 2, Budget: &budget})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 0))
	at := func(symbol string) ir.Addr { return m.Image().Symbols[symbol] }
	size := 8 * l.words()
	record := make([]byte, size)
	var buf []emu.Choice
	for done := 0; done < want; {
		buf = m.Choices(buf[:0])
		if len(buf) == 0 {
			t.Fatalf("%s: the rounds end: %s", name, m.Blocked())
		}
		c := buf[rng.IntN(len(buf))]
		if c.Kind() == emu.Preempt && rng.IntN(rare) > 0 {
			continue
		}
		m.Do(c)
		if e, killed := m.Killed(); killed {
			t.Fatalf("%s: killed by %v", name, e)
		}
		if gen := int(m.Peek(at("stress_gen"), 8)); gen > done {
			if n := max(1, batch/size); !m.Memory(0).ReadBytes(at("stress_batch")+ir.Addr(done%n*size), record) {
				t.Fatal("the records can't be read")
			}
			done = gen
			if v := j.judge(record); v != nil {
				return v
			}
		}
	}
	return nil
}

// TestRoundsInTheEmulator, where chance is a generator's: rounds of right programs break
// nothing, and those of wrong ones do.
func TestRoundsInTheEmulator(t *testing.T) {
	for _, tt := range []struct {
		name, property string
		rare           int
	}{
		{"counter", "", 8}, {"list", "", 8}, {"memcpy_buffer", "", 50}, {"cached_slab", "", 50}, {"nested", "", 8}, {"trystore_mm_cid", "", 8},
		{"counter-load-outside", "final sum(count) == 7", 8},
		{"list-wrong-descriptor", "final list(head, NEXT) == calls(push) - got(pop)", 8},
		{"deref_add-no-store", "linearizable(tally)", 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := emulated(t, tt.name, 300, tt.rare)
			if got := property(v); got != tt.property {
				t.Errorf("%q is broken, want %q: %v", got, tt.property, v)
			}
		})
	}
}

func property(v *explore.Violation) string {
	if v == nil {
		return ""
	}
	return v.Property
}

// TestTooMuchForARound is refused, with what there is too much of.
func TestTooMuchForARound(t *testing.T) {
	const op = "func op()\n    ret\n"
	many := strings.Repeat("    nop\n", maxPoints)
	all := strings.Builder{}
	for _, r := range "0123456789" {
		all.WriteString("    mov r" + string(r) + ", 1\n")
	}
	for _, tt := range []struct{ text, want string }{
		{"percpu x: u8[300]\n" + op + "thread: op\n", "p has more than 512 elements of data, which are looked at and set back after each round"},
		{op, "p makes no calls"},
		{op + "thread: " + strings.Repeat("op; ", maxCalls) + "op\n", "p makes 257 calls, and a round has at most 256"},
		{"func op()\n" + many + "    ret\nthread: op\n", "p has 1025 instructions to put delays in front of, and may have 1023"},
		{"func op()\n" + all.String() + "    ret\nthread: op\n", "p uses each of r0 to r9, and the delays need one"},
		{"data stress_gen: u64\n" + op + "thread: op\n", `p.stress.rseq:18:1: "stress_gen" is defined twice`},
	} {
		p := parse(t, "p", tt.text)
		l, err := layoutOf(p, 2, 6)
		if err == nil {
			var q *ir.Program
			if q, err = rounds(p, abi.AMD64, 32, l, crowd{}, rand.New(rand.NewPCG(1, 0))); err == nil {
				_, err = native.Lay(q, abi.AMD64)
			}
		}
		if err == nil || err.Error() != tt.want {
			t.Errorf("the error is %v, want %s", err, tt.want)
		}
	}
}

// FuzzRounds: of whatever can be laid out there are rounds that can, or an error, and the
// program's data stay where they are.
func FuzzRounds(f *testing.F) {
	for _, p := range percpu.Programs() {
		f.Add(p.Source)
	}
	f.Add("data x: u8[4] = 1, 2\ntls y: u16 @ -6\nfunc op()\n    trap brk\nthread on 1: op\nregister none\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ir.Parse("f.rseq", []byte(text))
		if err != nil || len(p.Threads) > native.MaxFreeThreads {
			return
		}
		if p, err = native.Lay(p, abi.AMD64); err != nil {
			return
		}
		im, err := ir.Link(p, abi.AMD64)
		if err != nil {
			t.Fatal(err)
		}
		l, err := layoutOf(p, 2, im.PerCPUShift)
		if err != nil {
			return
		}
		q, err := rounds(p, abi.AMD64, abi.RSeqOrigSize, l, crowd{delay: long}, rand.New(rand.NewPCG(1, 0)))
		if err != nil {
			return
		}
		if q, err = native.Lay(q, abi.AMD64); err != nil {
			return
		}
		of, err := ir.Link(q, abi.AMD64)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l.elements {
			if of.Symbols[e.name] != im.Symbols[e.name] {
				t.Errorf("%s is elsewhere", e.name)
			}
		}
	})
}
