package stress

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// judge says whether records of rounds break what the program declares. Rounds are
// much alike: what was judged once is remembered. It isn't for concurrent use.
type judge struct {
	p       *ir.Program
	m       *emu.Machine // whose memory is made that behind a round
	l       *layout
	first   []int // by thread: where its calls begin
	props   []explore.Property
	initial [][]byte // what each property remembers at the beginning
	known   map[string]*explore.Violation
}

// maxKnown bounds the records that are remembered, in bytes; behind it all are
// forgotten.
const maxKnown = 64 << 20

func newJudge(p *ir.Program, arch abi.Arch, cpus int, l *layout) (*judge, error) {
	q := *p
	q.NoRaces, q.Blocks = nil, nil // are about what comes next, and here all is over
	m, err := emu.New(&q, emu.Config{Kernel: emu.Linux("6.18", arch), CPUs: cpus})
	if err != nil {
		return nil, err
	}
	factories, err := props.Of(&q)
	if err != nil {
		return nil, err
	}
	j := &judge{p: &q, m: m, l: l, known: map[string]*explore.Violation{}}
	for _, f := range factories {
		prop, err := f(m)
		if err != nil {
			return nil, err
		}
		j.props = append(j.props, prop)
		j.initial = append(j.initial, prop.AppendState(nil))
	}
	n := 0
	for _, t := range p.Threads {
		j.first = append(j.first, n)
		n += len(t.Calls)
	}
	return j, nil
}

// judge returns how a record breaks the program's properties, or nil.
func (j *judge) judge(record []byte) *explore.Violation {
	if v, ok := j.known[string(record)]; ok {
		return v
	}
	if len(j.known)*len(record) > maxKnown {
		clear(j.known)
	}
	v := j.think(record)
	j.known[string(record)] = v
	return v
}

func (j *judge) think(record []byte) *explore.Violation {
	events, ok := j.events(record)
	if !ok {
		return &explore.Violation{Property: "survives", Message: "the program has written over what keeps its calls' results"}
	}
	mem := j.m.Memory(0)
	for i, e := range j.l.elements {
		at := j.m.Image().Symbols[e.name] + ir.Addr(e.plus)
		if !mem.Store(0, at, e.width, j.word(record, 4*j.l.calls+i)) {
			panic(fmt.Sprintf("stress: BUG: %s isn't in memory", e.place()))
		}
	}
	for i, prop := range j.props {
		if _, err := prop.SetState(j.initial[i]); err != nil {
			panic("stress: BUG: " + err.Error())
		}
		for _, e := range events {
			prop.Observe(e)
		}
		v := prop.After(j.m, emu.Choice(0))
		if v == nil {
			v = prop.AtEnd(j.m)
		}
		if v != nil {
			j.confirm(prop, events)
			return v
		}
	}
	return nil
}

// confirm asks the property's judge, if it has one.
func (j *judge) confirm(prop explore.Property, events []emu.Event) {
	s, ok := prop.(explore.Seconded)
	if !ok {
		return
	}
	second, err := s.Judge(j.m)
	if err != nil {
		panic("stress: BUG: a property without its judge: " + err.Error())
	}
	for _, e := range events {
		second.Observe(e)
	}
	if broken, ok := second.Broken(); ok && !broken {
		panic("stress: BUG: a property and its judge disagree about a round:\n" + j.history(events))
	}
}

func (j *judge) word(record []byte, i int) uint64 { return binary.LittleEndian.Uint64(record[8*i:]) }

// events are a round's calls and returns in the order that its clock gave them; not
// ok if that is none.
func (j *judge) events(record []byte) (_ []emu.Event, ok bool) {
	events := make([]emu.Event, 2*j.l.calls)
	place := func(when uint64, e emu.Event) bool {
		if when >= uint64(len(events)) || events[when].CPU != 0 {
			return false
		}
		e.CPU = 1 // taken; nobody looks at it
		events[when] = e
		return true
	}
	for t, first := range j.first {
		for c := range j.p.Threads[t].Calls {
			w := func(i int) uint64 { return j.word(record, 4*(first+c)+i) }
			if w(0) >= w(1) ||
				!place(w(0), emu.Event{Kind: emu.EvInvoke, Task: emu.TaskID(t), A: uint64(c)}) ||
				!place(w(1), emu.Event{Kind: emu.EvReturn, Task: emu.TaskID(t), A: w(2), B: w(3)}) {
				return nil, false
			}
		}
	}
	// A thread's own calls follow one another.
	at := make([]int, len(j.first))
	for _, e := range events {
		if e.Kind == emu.EvInvoke && int(e.A) != at[e.Task] {
			return nil, false
		}
		if e.Kind == emu.EvReturn {
			at[e.Task]++
		}
	}
	return events, true
}

// history tells a round: its calls and returns in order.
func (j *judge) history(events []emu.Event) string {
	im := j.m.Image()
	at := make([]int, len(j.first))
	var b strings.Builder
	for _, e := range events {
		t := int(e.Task)
		call := j.m.CallName(e.Task, at[t])
		if e.Kind == emu.EvInvoke {
			fmt.Fprintf(&b, "t%d begins %s\n", t, call)
			continue
		}
		at[t]++
		fmt.Fprintf(&b, "t%d's %s returns %s, r1 = %s\n", t, call, im.ValueName(e.A), im.ValueName(e.B))
	}
	return b.String()
}

// story tells what a record says: the calls, and what the variables are at the end
// that aren't as they were at the beginning.
func (j *judge) story(record []byte) string {
	events, ok := j.events(record)
	if !ok {
		return ""
	}
	im := j.m.Image()
	var lines []string
	for i, e := range j.l.elements {
		v, was := j.word(record, 4*j.l.calls+i), uint64(im.Symbols[e.init.Sym])+uint64(e.init.Off)
		if v != was&(^uint64(0)>>(64-8*e.width.Bytes())) {
			lines = append(lines, fmt.Sprintf("%s = %s", im.DataName(im.Symbols[e.name]+ir.Addr(e.plus)), im.ValueName(v)))
		}
	}
	slices.SortStableFunc(lines, cmp.Compare[string])
	if len(lines) == 0 {
		return j.history(events) + "at the end all variables are as they were\n"
	}
	return j.history(events) + "at the end " + strings.Join(lines, ", ") + "\n"
}
