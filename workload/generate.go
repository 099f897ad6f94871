package workload

import (
	"errors"
	"math/bits"

	"github.com/rseqemu/rseqemu/emu"
)

// Run generates the workload's events and gives them in batches, the same for the
// same mix everywhere, until give returns an error, which it returns. A mix that
// [Parse] would refuse is an error as well. Each kind has exactly its part of the exits; which comes when
// is drawn.
//
//  1. threads begin, dealt to the CPUs in turn
//  2. a CPU is drawn, and what is behind its thread's next return to user mode
//  3. a switch takes the thread off, and puts on the one that waits longest on that
//     CPU; or, if it is a migration, on the CPU where most wait
func (m *Mix) Run(give func([]Event) error) error {
	if _, msg := m.wrong(); msg != "" {
		return errors.New("workload: " + msg)
	}
	g := generator{m: m, rng: random(m.Seed), out: newBatch(give), queues: make([]queue, m.CPUs), running: make([]int32, m.CPUs)}
	for t := range int32(m.Threads) {
		cpu := t % int32(m.CPUs)
		g.out.on(Adopt, t, cpu)
		if int(t) < m.CPUs {
			g.running[cpu] = t
			continue
		}
		g.out.enter(Syscall, t, emu.Nothing)
		g.out.add(Out, t)
		g.queues[cpu].push(t)
	}
	exits := newDeck(scale(m.Generate, []uint64{m.Exit - m.Switch - m.Signal - m.Notify - m.Start, m.Switch, m.Signal, m.Notify, m.Start}))
	g.preempt, g.migrate = newShare(m.Preempt, exits.left[1]), newShare(m.Migrate, exits.left[1])
	g.strike, g.interrupt = newShare(m.Strike, exits.left[2]), newShare(m.Interrupt, exits.left[0])
	for exits.sum > 0 && g.out.err == nil {
		g.exit(exits.draw(&g.rng))
	}
	g.out.flush()
	return g.out.err
}

type generator struct {
	m       *Mix
	rng     random
	out     *batch
	running []int32 // by CPU
	queues  []queue // by CPU: threads that ran there last and wait

	preempt, migrate, strike, interrupt deck
}

// exit makes what is behind one return to user mode.
func (g *generator) exit(kind int) {
	cpu := int(g.rng.below(uint64(g.m.CPUs)))
	from := cpu
	if kind == 1 && g.migrate.draw(&g.rng) == 1 {
		cpu, from = g.pull(cpu)
	}
	t := g.running[cpu]
	switch kind {
	case 0:
		g.enter(t, g.interrupt.draw(&g.rng) == 1)
	case 1:
		g.enter(t, g.preempt.draw(&g.rng) == 1)
		g.out.add(Out, t)
		if g.queues[from].len() > 0 { // or the CPU was idle for a while
			g.queues[cpu].push(t)
			t = g.queues[from].pop()
			g.running[cpu] = t
		}
		g.out.on(In, t, int32(cpu))
	case 2:
		g.enter(t, g.strike.draw(&g.rng) == 1)
		g.out.add(Signal, t)
	case 3:
		g.enter(t, false)
		g.out.add(Notify, t)
	case 4:
		g.enter(t, false)
		g.out.add(End, t)
		g.out.on(Start, t, int32(cpu))
		return
	}
	g.out.add(Exit, t)
}

// enter takes a thread into the kernel.
func (g *generator) enter(t int32, interrupted bool) {
	did := emu.Nothing
	if g.rng.hits(g.m.Sections) {
		did = emu.RanOne
	}
	if !interrupted {
		g.out.enter(Syscall, t, did)
		return
	}
	if g.rng.hits(g.m.Inside) {
		did = emu.RunsOne
	}
	g.out.enter(Interrupt, t, did)
}

// pull is a migration: to the CPU, from the one where most threads wait. If they
// all wait on that CPU itself, one of them goes to the next.
func (g *generator) pull(to int) (cpu, from int) {
	from = -1
	for c := range g.queues {
		if n := g.queues[c].len(); c != to && n > 0 && (from < 0 || n > g.queues[from].len()) {
			from = c
		}
	}
	if from < 0 {
		return (to + 1) % g.m.CPUs, to
	}
	return to, from
}

// queue is threads in the order in which they came.
type queue struct {
	threads []int32
	head    int
}

func (q *queue) len() int { return len(q.threads) - q.head }

func (q *queue) push(t int32) {
	if q.head > 64 && q.head > len(q.threads)/2 {
		q.threads = append(q.threads[:0], q.threads[q.head:]...)
		q.head = 0
	}
	q.threads = append(q.threads, t)
}

func (q *queue) pop() int32 {
	t := q.threads[q.head]
	q.head++
	return t
}

// scale divides n among parts, in proportion and without a rest: what is lost by
// rounding down goes to the first part.
func scale(n uint64, parts []uint64) []uint64 {
	sum := uint64(0)
	for _, p := range parts {
		sum += p
	}
	out, rest := make([]uint64, len(parts)), n
	for i, p := range parts {
		hi, lo := bits.Mul64(n, p)
		out[i], _ = bits.Div64(hi, lo, sum)
		rest -= out[i]
	}
	out[0] += rest
	return out
}

// deck is cards of several kinds, drawn without putting them back.
type deck struct {
	left []uint64
	sum  uint64
}

func newDeck(left []uint64) deck {
	d := deck{left: left}
	for _, n := range left {
		d.sum += n
	}
	return d
}

// newShare is a deck of n cards, of which the share is of kind 1.
func newShare(s Share, n uint64) deck {
	yes := n / uint64(All) * uint64(s)
	yes += n % uint64(All) * uint64(s) / uint64(All)
	return newDeck([]uint64{n - yes, yes})
}

func (d *deck) draw(r *random) int {
	n := r.below(d.sum)
	d.sum--
	for i := range d.left {
		if n < d.left[i] {
			d.left[i]--
			return i
		}
		n -= d.left[i]
	}
	panic("workload: BUG: an empty deck")
}

// random is the generator of random numbers SplitMix64, which is what it is
// whatever the version of Go.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number below n. That it favours some by one in 2^64/n doesn't
// matter here.
func (r *random) below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.next(), n)
	return hi
}

func (r *random) hits(s Share) bool { return r.below(uint64(All)) < uint64(s) }
