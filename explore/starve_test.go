package explore_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// retries has a critical section that retries, a function that does without, and
// one that waits.
const retries = `
percpu count: u64
data   word: u64

func add()
    cs add_cs: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, count }
    mov   r4, add_cs
    st.8  [tp + rseq_cs], r4
start:
    ld.4  r4, [tp + cpu_id]
    bne.4 r4, r2, abort
    ld.8  r4, [r3]
    add   r4, r4, 1
    st.8  [r3], r4
commit:
    ret
    sig
abort:
    jmp   retry

func atomic()
    mov   r1, 1
    xadd  r0, [word], r1
    ret

func nothing()
    ret

func wait()
retry:
    ld.acq.8 r0, [word]
    beq   r0, 0, retry
    ret
`

// TestStarve: a section that retries is starved by an event a round, if events
// come that abort it; what has no loop isn't; and what waits for another thread
// is told apart.
func TestStarve(t *testing.T) {
	for _, tt := range []struct {
		rest, kernel string
		want         []string
	}{
		{"thread: atomic; add; add\n", "6.18", []string{
			"t0's atomic() ends, whatever events come", "t0's add() never ends if a preempt comes each time around",
			"t0's add() never ends if a preempt comes each time around"}},
		{"thread: add\nbudget preempt=0 signal=1\nhandler SIGUSR1: nothing\n", "6.18", []string{
			"t0's add() never ends if a signal comes each time around"}},
		{"thread: add\nbudget preempt=0 migrate=0 membarrier=1\n", "7.3/v2", []string{
			"t0's add() never ends if a membarrier comes each time around"}},
		{"thread: add\nbudget preempt=0 migrate=0 irq=1\n", "6.18", []string{"t0's add() ends, whatever events come"}},
		{"thread: add\nbudget preempt=0 migrate=0\n", "6.18", []string{"t0's add() ends, whatever events come"}},
		{"thread: wait; add\nthread: atomic\n", "6.18", []string{
			"t0's wait(): it doesn't end by itself: it waits for another thread?", "t1's atomic() ends, whatever events come"}},
	} {
		p := parse(t, retries+tt.rest)
		cfg := on(t, tt.kernel, "")
		got, err := explore.Starve(p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for i := range got {
			lines = append(lines, got[i].String())
			goesRound(t, p, cfg, &got[i])
		}
		if a, b := strings.Join(lines, "\n"), strings.Join(tt.want, "\n"); a != b {
			t.Errorf("%q on %s:\n%s\nwant\n%s", tt.rest, tt.kernel, a, b)
		}
	}
}

// goesRound follows what is said to starve a call: the round leads back to where
// it began, as often as one likes, has an instruction and those events, and the
// call doesn't return.
func goesRound(t *testing.T, p *ir.Program, cfg emu.Config, s *explore.Starvation) {
	t.Helper()
	if s.Events == 0 {
		if s.Round != nil || s.Start != nil {
			t.Errorf("%s: a round without events", s)
		}
		return
	}
	budget := boot(t, p, cfg).Budget()
	for i := range budget {
		if budget[i] > 0 {
			budget[i] = emu.Unlimited
		}
	}
	cfg.Budget, cfg.Idle = &budget, true
	m := boot(t, p, cfg)
	for _, c := range s.Start {
		m.Do(c)
	}
	aborts, state, steps := 0, m.AppendState(nil), 0
	m.Observe(func(e emu.Event) {
		switch e.Kind {
		case emu.EvReturn:
			t.Errorf("%s: it returns", s)
		case emu.EvAbort:
			aborts++
		}
	})
	for range 3 {
		for _, c := range s.Round {
			if err := m.Try(c); err != nil {
				t.Fatalf("%s: %v\n%s", s, err, explore.FormatChoices(s.Round))
			}
			if c.Kind() == emu.Step {
				steps++
			}
		}
		if !bytes.Equal(m.AppendState(nil), state) {
			t.Fatalf("%s: the round doesn't lead back", s)
		}
	}
	if aborts != 3*s.Aborts || steps == 0 || explore.Events(s.Round) != s.Events {
		t.Errorf("%s: %d aborts, %d steps\n%s", s, aborts, steps, explore.FormatChoices(s.Round))
	}
}

// TestPerCPUOperationsCanBeStarved, each with one event a round: the price of
// going without atomic instructions.
func TestPerCPUOperationsCanBeStarved(t *testing.T) {
	for _, p := range []*ir.Program{example(t, "list.rseq"), example(t, "counter.rseq")} {
		cfg := on(t, "7.3/v2", "")
		got, err := explore.Starve(p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if s := &got[i]; s.Events != 1 || s.Aborts != 1 {
				t.Errorf("%s: %d events, %d aborts (%s)", p.Name, s.Events, s.Aborts, s)
			}
			goesRound(t, p, cfg, &got[i])
		}
	}
}

// TestStarveErrors are those of a machine.
func TestStarveErrors(t *testing.T) {
	if _, err := explore.Starve(parse(t, "func f()\n ret\n"), on(t, "6.18", "")); err == nil {
		t.Error("no thread, and no error")
	}
}

func BenchmarkStarve(b *testing.B) {
	p, cfg := example(b, "list.rseq"), on(b, "6.18", "")
	for b.Loop() {
		if _, err := explore.Starve(p, cfg); err != nil {
			b.Fatal(err)
		}
	}
}
