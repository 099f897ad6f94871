package explore_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"pgregory.net/rapid"
)

// brute enumerates runs one after the other: no hashes, no frontier, no order of
// cost, no merging. It is what the search must agree with.
type brute struct {
	m     *emu.Machine
	props []explore.Property

	states map[string]bool // seen on any run, machine and properties
	ends   map[string]bool // … where every thread has ended
	broken map[cost]map[string]bool
	// transitions left until it gives up
	left int
}

type cost struct{ events, steps int }

func enumerate(t fataler, m *emu.Machine, factories []explore.Factory, most int) *brute {
	b := &brute{m: m, states: map[string]bool{}, ends: map[string]bool{}, broken: map[cost]map[string]bool{}, left: most}
	for _, f := range factories {
		p, err := f(m)
		if err != nil {
			t.Fatal(err)
		}
		b.props = append(b.props, p)
	}
	m.Observe(func(e emu.Event) {
		for _, p := range b.props {
			p.Observe(e)
		}
	})
	b.walk(cost{})
	return b
}

func (b *brute) walk(at cost) {
	state := b.m.AppendState(nil)
	for _, p := range b.props {
		state = p.AppendState(state)
	}
	b.states[string(state)] = true
	if len(b.m.Progress(nil)) == 0 {
		b.end(at, string(state))
		return
	}
	snap := b.m.NewSnapshot()
	var props [][]byte
	for _, p := range b.props {
		props = append(props, p.AppendState(nil))
	}
	for _, c := range b.m.Choices(nil) {
		if b.left--; b.left < 0 {
			return
		}
		b.m.Restore(snap)
		for i, p := range b.props {
			if rest, err := p.SetState(props[i]); err != nil || len(rest) > 0 {
				panic(fmt.Sprint(err, rest))
			}
		}
		b.m.Do(c)
		next := cost{at.events + int(c.Cost()), at.steps + 1}
		if !b.after(c, next) {
			b.walk(next)
		}
	}
}

func (b *brute) after(c emu.Choice, at cost) (broken bool) {
	for _, p := range b.props {
		if v := p.After(b.m, c); v != nil {
			b.note(at, v)
			return true
		}
	}
	return false
}

func (b *brute) end(at cost, state string) {
	if !b.m.Done() {
		b.note(at, &explore.Violation{Property: explore.Deadlock})
		return
	}
	b.ends[state] = true
	for _, p := range b.props {
		if v := p.AtEnd(b.m); v != nil {
			b.note(at, v)
			return
		}
	}
}

func (b *brute) note(at cost, v *explore.Violation) {
	if b.broken[at] == nil {
		b.broken[at] = map[string]bool{}
	}
	b.broken[at][v.Property] = true
}

// cheapest is the lowest cost of a violation.
func (b *brute) cheapest() cost {
	return slices.MinFunc(slices.Collect(maps.Keys(b.broken)), func(x, y cost) int {
		if x.events != y.events {
			return x.events - y.events
		}
		return x.steps - y.steps
	})
}

// ends is a property that notes the states in which runs end.
type ends struct{ seen map[string]bool }

func (e ends) Observe(emu.Event)                                 {}
func (e ends) After(*emu.Machine, emu.Choice) *explore.Violation { return nil }
func (e ends) AppendState(b []byte) []byte                       { return b }
func (e ends) SetState(b []byte) ([]byte, error)                 { return b, nil }
func (e ends) factory(*emu.Machine) (explore.Property, error)    { return e, nil }
func (e ends) AtEnd(m *emu.Machine) *explore.Violation {
	e.seen[string(m.AppendState(nil))] = true
	return nil
}

// TestSearchIsEnumeration: of a program's runs within a budget the search finds
// what enumerating them finds: the same states and ends if nothing breaks, and a
// violation of the same lowest cost if something does.
func TestSearchIsEnumeration(t *testing.T) {
	const most = 30_000
	var held, broke, tooMany int
	rapid.Check(t, func(t *rapid.T) {
		text := tinyProgram(t)
		p := parse(t, text)
		kernel := rapid.SampledFrom(releases()).Draw(t, "kernel")
		bounds := rapid.SampledFrom([]string{"none", "preempt=1", "preempt=1", "preempt=1 migrate=1", "irq=1", "fault=1", "membarrier=1", "membarrier=1", "unplug=1"}).Draw(t, "budget")
		cfg := on(t, kernel, bounds)
		cfg.Memory = rapid.SampledFrom([]emu.MemoryModel{emu.SC, emu.SC, emu.TSO, emu.ARM}).Draw(t, "memory")

		want := ends{map[string]bool{}}
		b := enumerate(t, boot(t, p, cfg), append(propsOf(t, p), want.factory), most)
		if b.left < 0 {
			tooMany++
			return
		}
		got := ends{map[string]bool{}}
		fs := append(propsOf(t, p), got.factory)
		r, err := explore.Exhaustive(context.Background(), boot(t, p, cfg), fs, explore.Limits{Workers: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if t.Failed() {
				t.Logf("%s %s %s\n%s", kernel, bounds, cfg.Memory, text)
			}
		}()
		if len(b.broken) == 0 {
			held++
			if !r.Complete || r.Failure != nil || r.States != len(b.states) || r.Ends != len(b.ends) || !maps.Equal(got.seen, want.seen) {
				t.Errorf("enumeration: holds, %d states, %d ends; search: %d and %d, complete %t, %v", len(b.states), len(b.ends), r.States, r.Ends, r.Complete, r.Failure)
			}
			return
		}
		broke++
		if r.Failure == nil || r.Complete {
			t.Fatalf("enumeration breaks it at %v; search: complete %t, %v", b.cheapest(), r.Complete, r.Failure)
		}
		at := cost{explore.Events(r.Failure.Schedule), len(r.Failure.Schedule)}
		if at != b.cheapest() || !b.broken[at][r.Failure.Property] {
			t.Errorf("enumeration breaks %v at %v; search: %s at %v", b.broken[b.cheapest()], b.cheapest(), r.Failure.Property, at)
		}
		follow(t, p, cfg, r.Failure, fs)
	})
	// With -short there are too few programs for chance to be fair to each kind.
	if !t.Failed() && !testing.Short() && (held < 5 || broke < 5 || tooMany > held+broke) {
		t.Errorf("%d programs hold, %d break, %d were too large: hardly a test", held, broke, tooMany)
	}
}
