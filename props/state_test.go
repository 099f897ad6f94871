package props_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// judged is a program that has every property which remembers something.
const judged = `
percpu head: u64
data n1: u64[2]
data n2: u64[2]
func push(n)
    mov r1, 0
    st.8 [head], r0
    mov r0, 0
    ret
func pop()
    ld.8 r0, [head]
    mov r1, 0
    ret
thread: push n1; pop
thread: push n2
thread: pop
always calls(push) >= 0
final got(pop) <= 2
`

// remembering are the properties by name.
var remembering = map[string]explore.Factory{
	"monitor":    props.Linearizable(props.Stack, "push", "pop"),
	"porcupine":  props.Porcupine(props.Stack, "push", "pop"),
	"checks":     props.Checks,
	"sequence":   props.Sequential(props.Stack, "push", "pop"),
	"quiescence": props.Quiescent(props.Stack, "push", "pop"),
	"blocks":     props.Blocks(ir.Blocks{Size: 16, Alloc: []string{"pop"}, Free: []string{"push"}}),
}

// along calls f after every transition of some runs, until the property breaks.
func along(t *testing.T, f explore.Factory, visit func(m *emu.Machine, p explore.Property)) {
	t.Helper()
	for seed := range uint64(20) {
		m := boot(t, parse(t, judged), "6.18", "")
		p := property(t, f, m)
		_, err := explore.Run(m, nil, explore.ChooserFunc(func(m *emu.Machine, choices []emu.Choice) int {
			if p.After(m, 0) != nil {
				return -1
			}
			visit(m, p)
			return explore.Random(seed+uint64(len(p.AppendState(nil)))).Choose(m, choices)
		}), 200, p.Observe)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsWrittenIsRead: a property that has read another's state writes the
// same, and leaves what follows.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, f := range remembering {
		seen := map[string]bool{}
		along(t, f, func(m *emu.Machine, p explore.Property) {
			state := p.AppendState([]byte("before"))
			if string(state[:6]) != "before" {
				t.Fatalf("%s: AppendState doesn't append", name)
			}
			state = state[6:]
			seen[string(state)] = true
			o := property(t, f, boot(t, parse(t, judged), "6.18", ""))
			rest, err := o.SetState(append(slices.Clone(state), 1, 2, 3))
			if err != nil || !bytes.Equal(rest, []byte{1, 2, 3}) {
				t.Fatalf("%s: rest %v, %v", name, rest, err)
			}
			if got := o.AppendState(nil); !bytes.Equal(got, state) {
				t.Fatalf("%s: %x was read from %x", name, got, state)
			}
			// Reading what it knows already is no different.
			if _, err := o.SetState(state); err != nil || !bytes.Equal(o.AppendState(nil), state) {
				t.Fatalf("%s: read twice: %v", name, err)
			}
		})
		if len(seen) < 4 {
			t.Errorf("%s: only %d states", name, len(seen))
		}
	}
}

// TestCorruptStatesAreErrors: whatever the bytes, there is an error or a state
// that writes as it was read, and no panic; a state that was cut short is an
// error.
func TestCorruptStatesAreErrors(t *testing.T) {
	for name, f := range remembering {
		refused := 0
		o := property(t, f, boot(t, parse(t, judged), "6.18", ""))
		try := func(b []byte) bool {
			rest, err := o.SetState(b)
			if err != nil {
				refused++
				if rest != nil {
					t.Errorf("%s: %v, and a rest of %d bytes", name, err, len(rest))
				}
				return false
			}
			if len(rest) > len(b) {
				t.Fatalf("%s: more is left than there was", name)
			}
			return true
		}
		along(t, f, func(_ *emu.Machine, p explore.Property) {
			state := p.AppendState(nil)
			for i := range state {
				if try(state[:i:i]) {
					t.Fatalf("%s: %d of %d bytes are a state", name, i, len(state))
				}
				for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff} {
					b := slices.Clone(state)
					b[i] = v
					try(b)
				}
			}
			// After all that it reads a good one.
			if rest, err := o.SetState(state); err != nil || len(rest) != 0 || !bytes.Equal(o.AppendState(nil), state) {
				t.Fatalf("%s: then a good state: %v", name, err)
			}
		})
		if refused == 0 {
			t.Errorf("%s refuses nothing", name)
		}
	}
}

// TestSomeCorruptStates that a monitor must refuse.
func TestSomeCorruptStates(t *testing.T) {
	m := boot(t, parse(t, judged), "6.18", "")
	mon := property(t, remembering["monitor"], m)
	pending := func(calls ...int16) (b []byte) {
		for _, c := range calls {
			b = binary.LittleEndian.AppendUint16(b, uint16(c))
		}
		return b
	}
	ret := make([]byte, 16)
	good := append(pending(0, -1, 0), 1, 1, 0, 1)
	good = append(good, ret...)
	if rest, err := mon.SetState(good); err != nil || len(rest) != 0 {
		t.Fatalf("a good one: %v", err)
	}
	for name, b := range map[string][]byte{
		"no such call":                       append(pending(2, -1, -1), 1, 0, 0),
		"a call before the first":            append(pending(-2, -1, -1), 1, 0, 0),
		"no configuration":                   append(pending(0, -1, -1), 0),
		"an effect of a call not under way":  append(append(pending(0, -1, -1), 1, 0, 2), ret...),
		"an effect of a thread there is not": append(append(pending(0, -1, -1), 1, 0, 8), ret...),
		"a longer state than there are":      append(pending(0, -1, -1), 1, 200, 1, 0),
		"an endless number":                  append(pending(0, -1, -1), bytes.Repeat([]byte{0xff}, 11)...),
	} {
		if _, err := mon.SetState(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestAMonitorReadBackHasNotFailed: a violation is no part of the state.
func TestAMonitorReadBackHasNotFailed(t *testing.T) {
	for _, name := range []string{"monitor", "porcupine"} {
		m := boot(t, parse(t, judged), "6.18", "")
		p := property(t, remembering[name], m)
		start := p.AppendState(nil)
		p.Observe(emu.Event{Kind: emu.EvInvoke, Task: 0, A: 0})
		p.Observe(emu.Event{Kind: emu.EvReturn, Task: 0, A: 77})
		if p.After(m, 0) == nil {
			t.Fatalf("%s: a push that returns 77 passes", name)
		}
		if _, err := p.SetState(start); err != nil || p.After(m, 0) != nil || p.AtEnd(m) != nil {
			t.Errorf("%s: back at the start: %v, %v", name, err, p.After(m, 0))
		}
	}
}
