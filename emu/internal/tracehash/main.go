// Command tracehash makes a thousand random runs of three programs under several
// kernels, and prints a hash of every state that they go through. It must print
// the same on every platform: the machine has no clock, no map order and no
// byte order but its program's, and this program brings its own random numbers.
package main

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

//go:embed testdata/*.rseq
var files embed.FS

var (
	programs = []string{"list", "counter", "kernel"}
	// kernels are of each generation of the rules and of both byte orders.
	kernels = []string{"5.10", "6.1/arm64", "6.18/s390x", "6.19", "7.3/v1", "7.3/arm64/v2", "7.3/s390x"}
	// budget has some of everything.
	budget = emu.Budget{
		emu.Preemptions: 4, emu.Migrations: 3, emu.Signals: 2, emu.IRQs: 2, emu.Faults: 2, emu.Membarriers: 2, emu.Unplugs: 1,
	}
)

const (
	runs  = 48  // of each program under each kernel: 1,008
	steps = 400 // of a run at the most
)

func main() {
	if err := report(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tracehash:", err)
		os.Exit(1)
	}
}

// report writes a line for each program and kernel.
func report(w io.Writer) error {
	for i, name := range programs {
		src, err := files.ReadFile("testdata/" + name + ".rseq")
		if err != nil {
			return err
		}
		p, err := ir.Parse(name+".rseq", src)
		if err != nil {
			return err
		}
		for j, k := range kernels {
			kernel, err := emu.ParseKernel(k)
			if err != nil {
				return err
			}
			m, err := emu.New(p, emu.Config{Kernel: kernel, Budget: &budget})
			if err != nil {
				return err
			}
			t := newTrace(m, uint64(i)<<8|uint64(j))
			if _, err := fmt.Fprintf(w, "%-7s %-12s %v\n", name, k, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// trace is what is left of the runs of one machine.
type trace struct {
	hash        [sha256.Size]byte // of every choice and the state after it
	transitions int
	ends        int // runs in which nothing can happen any more
	kinds       map[emu.ChoiceKind]bool
}

func (t *trace) String() string {
	return fmt.Sprintf("%x %5d transitions %2d ends", t.hash[:16], t.transitions, t.ends)
}

// newTrace makes the runs, each from the state that the machine is in.
func newTrace(m *emu.Machine, seed uint64) *trace {
	t := &trace{kinds: map[emu.ChoiceKind]bool{}}
	h, start := sha256.New(), m.NewSnapshot()
	var choices []emu.Choice
	var state []byte
	for run := range uint64(runs) {
		m.Restore(start)
		r := random(seed<<32 | run)
		for range steps {
			if choices = m.Choices(choices[:0]); len(choices) == 0 {
				t.ends++
				break
			}
			c := r.choose(choices)
			m.Do(c)
			t.transitions++
			t.kinds[c.Kind()] = true
			state = binary.LittleEndian.AppendUint32(state[:0], uint32(c))
			h.Write(m.AppendState(state))
		}
	}
	h.Sum(t.hash[:0])
	return t
}

// random is splitmix64: a sequence that is fixed here and not by a library.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// choose takes an event now and then, and otherwise what the machine does by
// itself, so that runs get far before their events are used up.
func (r *random) choose(choices []emu.Choice) emu.Choice {
	c := choices[0]
	for range 3 {
		if c = choices[r.next()%uint64(len(choices))]; c.Kind() <= emu.IPI {
			break
		}
	}
	return c
}
