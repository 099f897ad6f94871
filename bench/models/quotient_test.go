package models_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/bench/models"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// # What the machine's states are states of
//
// A machine has more states than the model has: with two threads 4,687,639 instead
// of 65,994 for the list, and 1,259,877 instead of 33,759 for the counter. The
// quotient map below says of which state of the model each of them is one, and the
// tests hold that it is a map onto the model's states under which the machine does
// exactly what the model does. What it forgets is what the model never had:
//
//   - the area and the kernel's notes: rseq_cs, cpu_id_start and cpu_id, the event
//     mask, whether there is work on the way to user mode. The model tells all of it
//     by pc and on.
//   - the CPU where a thread that has none ran last
//   - registers that are dead: the loaded values of an operation that starts again,
//     and whatever it held when it was aborted
//   - where in a section a thread was when it was preempted. The model sends it to
//     the handler at once, the machine when it gets a CPU again.
//   - the two steps more that the machine takes: after the handler has counted the
//     last try the operation returns, and so it does after it has found the list
//     empty. Both are states of the pc before, and the way into them is a stutter. An
//     interruption there finds what it found there: the handler has nothing left to
//     try, and the return from an empty list is still in the section.
//   - next of a node that was popped, which the model clears
type quotient struct {
	im      *ir.Image
	threads int
	maxr    uint8
	list    bool
	pc      map[ir.Addr]uint8
	again   map[ir.Addr]bool // second steps: the same pc once more
	head    ir.Addr
	node    ir.Addr
}

// newQuotient finds the model's pcs: each function's instructions are numbered in
// order, but for the two second steps.
func newQuotient(im *ir.Image, r *rules) *quotient {
	q := &quotient{im: im, threads: r.threads, maxr: r.maxr, list: r.abort == 6, pc: map[ir.Addr]uint8{}, again: map[ir.Addr]bool{}}
	q.head, q.node = im.Symbols["head"], im.Symbols["node"]
	if !q.list {
		q.head = im.Symbols["count"]
	}
	for _, f := range im.Funcs {
		labels := map[string]ir.Addr{}
		for _, l := range f.Labels {
			labels[l.Name] = l.Addr
		}
		for a := f.Entry; a < f.End; a += ir.InstrSize {
			switch {
			case a >= labels["abort"]:
				q.pc[a], q.again[a] = r.abort, a > labels["abort"]
			case labels["empty"] != 0 && a >= labels["empty"]:
				q.pc[a], q.again[a] = 3, true
			default:
				q.pc[a] = uint8((a - f.Entry) / ir.InstrSize)
			}
		}
	}
	return q
}

// of is the map.
func (q *quotient) of(m *emu.Machine) (s theirs) {
	number := func(a uint64) uint8 { // of a node
		if a == 0 {
			return 0
		}
		return uint8((ir.Addr(a)-q.node)/8) + 1
	}
	for c := range emu.CPUID(2) {
		if t, on := m.Running(c); on {
			s.busy[c] = uint8(t) + 1
		}
		v := uint64(m.Peek(q.head+ir.Addr(c)<<q.im.PerCPUShift, ir.W8))
		if s.cells[c] = uint8(v); q.list {
			s.cells[c] = number(v)
		} else {
			s.nst[0] += uint8(v)
		}
	}
	for i := range q.threads {
		if q.list {
			at := q.node + ir.Addr(8*i)
			s.nst[i] = uint8(m.Peek(at+4, ir.W4))
			if s.nst[i] != 2 {
				s.next[i] = number(uint64(m.Peek(at, ir.W4)))
			}
		}
		s.t[i] = q.thread(m, emu.TaskID(i), number)
	}
	for c, t := range s.busy {
		if t > 0 {
			s.t[t-1].on = uint8(c) + 1
		}
	}
	return s
}

func (q *quotient) thread(m *emu.Machine, id emu.TaskID, number func(uint64) uint8) (t thread) {
	calls, ended := m.Finished(id)
	if ended {
		return thread{op: 2}
	}
	ip, regs := m.Next(id), m.Regs(id)
	t.op, t.pc = uint8(calls), q.pc[ip]
	between := regs.IP == ir.ReturnIP
	abort := uint8(5)
	tries, loaded := regs.R[ir.R0], regs.R[ir.R3]
	if q.list {
		abort, tries = 6, regs.R[ir.R1]
	}
	if !between {
		t.rt = min(q.maxr, q.maxr+1-uint8(tries))
	}
	running := false
	for c := range emu.CPUID(2) {
		on, ok := m.Running(c)
		running = running || ok && on == id
	}
	if t.pc >= 2 && t.pc < abort && !running {
		t.pc = abort
	}
	if t.pc == 0 || t.pc == abort {
		return t
	}
	t.cpu = uint8(regs.R[ir.R2] >> q.im.PerCPUShift)
	switch {
	case t.pc < 4:
	case q.list && t.op == 1:
		t.r1 = number(regs.R[ir.R0])
		if t.pc == 5 {
			t.r2 = number(loaded)
		}
	case q.list:
		t.r1 = number(loaded)
	default:
		t.r1 = uint8(loaded)
	}
	return t
}

// labelOf is a choice in the words of the model.
func labelOf(m *emu.Machine, c emu.Choice) label {
	if c.Kind() == emu.Run {
		return label{int(c.Task()), uint8(c.CPU())}
	}
	t, _ := m.Running(c.CPU())
	what := stepped
	if c.Kind() == emu.Preempt {
		what = preempted
	}
	return label{int(t), what}
}

// machine boots a model's program.
func machine(t testing.TB, r *rules, kernel string) *emu.Machine {
	t.Helper()
	text := models.Counter(r.threads, int(r.maxr)+1)
	if r.abort == 6 {
		text = models.List(r.threads, int(r.maxr)+1)
	}
	p, err := ir.Parse("model.rseq", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := emu.New(p, emu.Config{Kernel: emu.Linux(kernel, abi.AMD64), CPUs: 2, Idle: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// counts are what a comparison saw: the model's states that the machine's are
// states of, the machine's own, and its transitions, of which some are stutters.
type counts struct{ images, states, transitions, stutters int }

// compare explores the machine and holds every transition against the model: it
// is the model's of that label, or a stutter, which only the way into a second step
// is. Exactly means that the machine's states are told apart as its own search
// does; otherwise one of each image is looked at, and the quotient is the canonical
// form.
func compare(t *testing.T, r *rules, m *emu.Machine, exactly bool) (map[theirs]bool, counts) {
	t.Helper()
	q := newQuotient(m.Image(), r)
	images, seen := map[theirs]bool{}, map[[sha256.Size]byte]bool{}
	var n counts
	var waiting [][]byte
	visit := func(s theirs) {
		isNew := !images[s]
		images[s] = true
		state := m.AppendState(nil)
		if exactly {
			h := sha256.Sum256(state)
			isNew = !seen[h]
			seen[h] = true
		}
		if isNew {
			waiting = append(waiting, state)
		}
	}
	visit(q.of(m))
	snap := m.NewSnapshot()
	var choices []emu.Choice
	var model [3 * 4]struct {
		can bool
		to  theirs
	}
	for len(waiting) > 0 {
		state := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if _, err := m.SetState(state); err != nil {
			t.Fatal(err)
		}
		n.states++
		s, can := q.of(m), 0
		clear(model[:])
		r.successors(s, func(l label, to theirs) {
			model[l.thread*4+int(l.what)].can, model[l.thread*4+int(l.what)].to = true, to
			can++
		})
		m.Save(snap)
		choices = m.Choices(choices[:0])
		if len(choices) != can {
			t.Fatalf("%+v: the machine has the choices %v, the model %d", s, choices, can)
		}
		for _, c := range choices {
			m.Restore(snap)
			l := labelOf(m, c)
			m.Do(c)
			n.transitions++
			to := q.of(m)
			if to == s && l.what == stepped && q.again[m.Next(emu.TaskID(l.thread))] {
				n.stutters++
				if exactly {
					visit(to)
					continue
				}
				m.Do(c) // the step itself
				to = q.of(m)
			}
			if want := &model[l.thread*4+int(l.what)]; !want.can || to != want.to {
				t.Fatalf("%v of the machine leads from\n%+v to\n%+v; the model's %+v leads to\n%+v", c, s, to, l, want.to)
			}
			visit(to)
		}
	}
	n.images = len(images)
	return images, n
}

// TestModelsCount: the models in Go have the states and transitions on which all
// tools agree.
func TestModelsCount(t *testing.T) {
	for _, c := range []struct {
		name                string
		r                   *rules
		states, transitions int
		long                bool
	}{
		{"list x2", list(2, 2), 65_994, 227_580, false},
		{"counter x2", counter(2, 2), 33_759, 116_160, false},
		{"counter x3", counter(3, 2), 2_737_180, 10_925_280, true},
	} {
		if c.long && testing.Short() {
			continue
		}
		states, transitions := c.r.reach()
		if len(states) != c.states || transitions != c.transitions {
			t.Errorf("%s: %d states, %d transitions; want %d, %d", c.name, len(states), transitions, c.states, c.transitions)
		}
	}
}

// TestMachineIsTheModel: with the quotient for its canonical form the machine has
// the model's states and transitions, each of them and no other.
func TestMachineIsTheModel(t *testing.T) {
	for _, c := range []struct {
		name   string
		r      *rules
		kernel string
		long   bool
	}{
		{"list x2", list(2, 2), "5.10", false},
		{"list x2", list(2, 2), "6.18", false},
		{"list x2", list(2, 2), "7.3", false},
		{"counter x2", counter(2, 2), "5.10", false},
		{"counter x3", counter(3, 2), "5.10", true},
	} {
		t.Run(fmt.Sprintf("%s/%s", c.name, c.kernel), func(t *testing.T) {
			if c.long && testing.Short() {
				t.Skip("with -short two threads only")
			}
			want, transitions := c.r.reach()
			got, n := compare(t, c.r, machine(t, c.r, c.kernel), false)
			if !maps.Equal(got, want) || n.transitions != transitions {
				t.Errorf("the machine comes to %d of the model's states by %d transitions; the model has %d and %d", len(got), n.transitions, len(want), transitions)
			}
			t.Logf("%d states, %d transitions, of which %d are two steps of the machine", n.images, n.transitions, n.stutters)
		})
	}
}

// TestEveryStateIsTheModels: each state of the machine, told apart as its search
// does, is one of the model's, and each transition the model's or a stutter.
func TestEveryStateIsTheModels(t *testing.T) {
	for _, c := range []struct {
		name                string
		r                   *rules
		long                bool
		states, transitions int // what rseqemu check counts
	}{
		{"list x2 without retries", list(2, 0), false, 0, 0},
		{"list x2", list(2, 2), true, 4_687_639, 15_866_828},
		{"counter x2", counter(2, 2), true, 1_259_877, 4_253_280},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.long && testing.Short() {
				t.Skip("with -short without retries only")
			}
			want, _ := c.r.reach()
			got, n := compare(t, c.r, machine(t, c.r, "5.10"), true)
			if !maps.Equal(got, want) {
				t.Errorf("the machine's states are states of %d of the model's, which has %d", len(got), len(want))
			}
			if c.states != 0 && (n.states != c.states || n.transitions != c.transitions) {
				t.Errorf("%d states, %d transitions; want %d, %d", n.states, n.transitions, c.states, c.transitions)
			}
			t.Logf("%d states of the machine are states of %d of the model; %d transitions, %d of them stutters", n.states, n.images, n.transitions, n.stutters)
		})
	}
}
