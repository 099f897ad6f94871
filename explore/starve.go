package explore

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
)

// Starvation says whether, and how, kernel events alone can keep a call from ever ending:
// whether there is a round of transitions of its thread, with at least one
// instruction and one event in it, that leads back to where it began. That is no
// bug. Any retry loop can be starved by a kernel that interrupts it each time.
// What it tells is the price: with n rounds' events the call is thrown back n
// times.
type Starvation struct {
	Thread emu.TaskID
	Call   int    // of the thread's script
	Name   string // as the program writes it
	// Events is the least number of kernel events in a round, of those that were
	// looked at; 0 if there is no round, or if Why says that it can't be told.
	// Aborts are those of sections in it.
	Events, Aborts int
	// Start leads to where the round begins, with no other thread on a CPU, and
	// Round is it.
	Start, Round []emu.Choice
	Why          string
}

// Event is the first kernel event of the round; meaningless without a round.
func (p *Starvation) Event() emu.ChoiceKind {
	for _, c := range p.Round {
		if c.Cost() > 0 {
			return c.Kind()
		}
	}
	return 0
}

// String says it in a line.
func (p *Starvation) String() string {
	name := fmt.Sprintf("t%d's %s", p.Thread, p.Name)
	switch {
	case p.Why != "":
		return name + ": " + p.Why
	case p.Events == 0:
		return name + " ends, whatever events come"
	case p.Events == 1:
		return fmt.Sprintf("%s never ends if a %s comes each time around", name, p.Event())
	}
	return fmt.Sprintf("%s never ends if %d events come each time around", name, p.Events)
}

// maxStarveStates bounds the states of a call that are looked at, nearest first.
const maxStarveStates = 4000

// Starve looks at each call of each thread: alone on the machine, in the state
// that the thread's calls before it leave if nobody disturbs them, and with as
// many as you like of those kernel events that the budget allows any of, but for
// CPUs that are unplugged.
//
//  1. make a machine on which only that thread runs, with those events unlimited
//  2. see that the call ends by itself; if not, it waits for somebody else
//  3. build the graph of its states up to its end
//  4. for each kernel event in it find the cheapest way back, by events
//
// Where a call has too many states it takes the nearest: a round among them is
// one, and only if there is none it can't tell.
func Starve(p *ir.Program, cfg emu.Config) ([]Starvation, error) {
	m, err := emu.New(p, cfg)
	if err != nil {
		return nil, err
	}
	budget := m.Budget()
	for i := range budget {
		if budget[i] > 0 {
			budget[i] = emu.Unlimited
		}
	}
	budget[emu.Unplugs] = 0
	cfg.Budget, cfg.Idle = &budget, true
	var out []Starvation
	for t := range p.Threads {
		if m, err = emu.New(p, cfg); err != nil {
			return nil, err
		}
		l := &loner{m: m, t: emu.TaskID(t)}
		m.Observe(l.observe)
		for call := range p.Threads[t].Calls {
			c := Starvation{Thread: l.t, Call: call, Name: m.CallName(l.t, call)}
			ends := l.look(&c)
			out = append(out, c)
			if !ends {
				break
			}
		}
	}
	return out, nil
}

// loner is a thread that has the machine for itself.
type loner struct {
	m      *emu.Machine
	t      emu.TaskID
	way    []emu.Choice // from the start to the call that is looked at
	buf    []emu.Choice
	over   bool // the call has returned, or the thread is gone
	aborts int
}

func (l *loner) observe(e emu.Event) {
	switch {
	case e.Kind == emu.EvKill:
		l.over = true
	case e.Task != l.t:
	case e.Kind == emu.EvReturn || e.Kind == emu.EvExit:
		l.over = true
	case e.Kind == emu.EvAbort:
		l.aborts++
	}
}

// choices lists what can happen to the thread, those that are no events first.
func (l *loner) choices() []emu.Choice {
	all := l.m.Choices(l.buf[:0])
	l.buf = all
	mine := all[:0]
	for _, c := range all {
		switch c.Kind() {
		case emu.Run, emu.Wake, emu.Signal:
			if c.Task() == l.t {
				mine = append(mine, c)
			}
		case emu.Offline, emu.Online:
		default:
			if t, ok := l.m.Running(c.CPU()); !ok || t == l.t {
				mine = append(mine, c)
			}
		}
	}
	return mine
}

// look finds out about the next call and leaves the machine behind it, unless the
// call doesn't end by itself.
func (l *loner) look(c *Starvation) (ends bool) {
	before := l.m.NewSnapshot()
	way := len(l.way)
	l.over = false
	for n := 0; !l.over; n++ {
		choices := l.choices()
		if n == maxStarveStates || len(choices) == 0 || choices[0].Cost() > 0 {
			c.Why = "it doesn't end by itself: it waits for another thread?"
			return false
		}
		l.way = append(l.way, choices[0])
		l.m.Do(choices[0])
	}
	behind, start := l.m.NewSnapshot(), l.way[:way]
	l.m.Restore(before)
	g, all := l.graph()
	if g.cheapest(c, start); c.Events == 0 && !all {
		c.Why = fmt.Sprintf("it has more than %d states", maxStarveStates)
	}
	l.m.Restore(behind)
	l.over = false
	return true
}

// graph is that of a call's states, or of the nearest of them. Those behind its
// end are left out.
type graph struct {
	nodes    []spot
	places   []place // two for each node
	searches int
}

type spot struct {
	from  int // the node it was found from
	by    emu.Choice
	edges []edge
}

type edge struct {
	c      emu.Choice
	to     int
	aborts int
}

func (l *loner) graph() (g *graph, all bool) {
	g = &graph{}
	seen := map[string]int{}
	var states [][]byte
	add := func(from int, by emu.Choice) int {
		b := l.m.AppendState(nil)
		n, ok := seen[string(b)]
		if !ok {
			n = len(states)
			seen[string(b)] = n
			states, g.nodes = append(states, b), append(g.nodes, spot{from: from, by: by})
		}
		return n
	}
	add(0, 0)
	for n := 0; n < len(states); n++ {
		l.set(states[n])
		for _, c := range append([]emu.Choice(nil), l.choices()...) {
			l.set(states[n])
			l.over, l.aborts = false, 0
			if l.m.Do(c); l.over {
				continue
			}
			aborts := l.aborts
			g.nodes[n].edges = append(g.nodes[n].edges, edge{c, add(n, c), aborts})
		}
		if len(states) > maxStarveStates {
			return g, false
		}
	}
	return g, true
}

func (l *loner) set(state []byte) {
	if _, err := l.m.SetState(state); err != nil {
		panic("explore: BUG: a state that was written can't be read: " + err.Error())
	}
}

// cheapest finds the round with the fewest events, and among these one with the
// fewest transitions.
func (g *graph) cheapest(c *Starvation, start []emu.Choice) {
	best, bestSteps := 0, 0
	for n := range g.nodes {
		for _, e := range g.nodes[n].edges {
			if e.c.Cost() == 0 {
				continue
			}
			limit := best - 1
			if best == 0 {
				limit = len(g.nodes)
			}
			round, events, aborts := g.back(e, n, limit)
			if round == nil || best != 0 && (events > best || events == best && len(round) >= bestSteps) {
				continue
			}
			best, bestSteps = events, len(round)
			c.Events, c.Aborts, c.Round = events, aborts, round
			c.Start = append(append([]emu.Choice(nil), start...), g.to(n)...)
		}
	}
}

// to is the way to a node from the first one.
func (g *graph) to(n int) (way []emu.Choice) {
	for ; n != 0; n = g.nodes[n].from {
		way = append([]emu.Choice{g.nodes[n].by}, way...)
	}
	return way
}

// place is a node before the first instruction of a round, or from then on; and
// how it was reached: from which place, -1 at the start.
type place struct {
	from int
	by   edge
	seen int // in which search
}

// reached is a place that was come to, and isn't entered yet.
type reached struct {
	place, from int
	by          edge
}

// back finds the cheapest way from behind an event back to the node where it
// came, with an instruction in between and at most limit more events.
func (g *graph) back(first edge, goal, limit int) (round []emu.Choice, events, aborts int) {
	if g.places == nil {
		g.places = make([]place, 2*len(g.nodes))
	}
	g.searches++
	for next := []reached{{2 * first.to, -1, first}}; len(next) > 0 && events <= limit; events++ {
		layer := next
		next = nil
		for i := 0; i < len(layer); i++ {
			at := layer[i].place
			if g.places[at].seen == g.searches {
				continue
			}
			if g.places[at] = (place{layer[i].from, layer[i].by, g.searches}); at == 2*goal+1 {
				for ; at >= 0; at = g.places[at].from {
					round = append([]emu.Choice{g.places[at].by.c}, round...)
					aborts += g.places[at].by.aborts
				}
				return round, events + 1, aborts
			}
			for _, e := range g.nodes[at/2].edges {
				r := reached{2*e.to + at%2, at, e}
				if e.c.Kind() == emu.Step {
					r.place = 2*e.to + 1
				}
				if e.c.Cost() > 0 {
					next = append(next, r)
				} else {
					layer = append(layer, r)
				}
			}
		}
	}
	return nil, 0, 0
}
