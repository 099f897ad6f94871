package models

import (
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props"
)

// TestWhatIsAskedIsTheSame: the programs that are searched with reductions hold where
// the models do, are broken where a kernel aborts nothing, and are reduced by all
// there is.
func TestWhatIsAskedIsTheSame(t *testing.T) {
	for name, text := range map[string]string{"list": AskedList(2, 3), "counter": AskedCounter(2, 3)} {
		p, err := ir.Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		fs, err := props.Of(p)
		if err != nil {
			t.Fatal(err)
		}
		for kernel, holds := range map[string]bool{"5.10": true, "6.18": true, "7.3": true, "6.19/arm64": false} {
			k, err := emu.ParseKernel(kernel)
			if err != nil {
				t.Fatal(err)
			}
			m, err := emu.New(p, emu.Config{Kernel: k, Idle: true})
			if err != nil {
				t.Fatal(err)
			}
			r, err := explore.Exhaustive(t.Context(), m, fs, explore.Limits{}, nil)
			if err != nil || r.Complete != holds || holds != (r.Failure == nil) || holds && r.Reduced != emu.AllReductions {
				t.Errorf("%s on %s: complete %t, %v, reduced by %s; %v", name, kernel, r.Complete, r.Failure, r.Reduced, err)
			}
		}
	}
}

// TestReducedSearchesAreTheSameForAnyWorkers, and have no more states than they had.
func TestReducedSearchesAreTheSameForAnyWorkers(t *testing.T) {
	for _, tt := range []struct {
		name, text          string
		states, transitions int
	}{
		{"counter x3", AskedCounter(3, 3), 12_297, 27_718},
		{"list x3", AskedList(3, 3), 218_469, 530_467},
	} {
		p, err := ir.Parse(tt.name, []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		fs, err := props.Of(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, workers := range []int{1, 3} {
			k, err := emu.ParseKernel("5.10")
			if err != nil {
				t.Fatal(err)
			}
			m, err := emu.New(p, emu.Config{Kernel: k, Idle: true})
			if err != nil {
				t.Fatal(err)
			}
			r, err := explore.Exhaustive(t.Context(), m, fs, explore.Limits{Workers: workers}, nil)
			if err != nil || !r.Complete || r.States != tt.states || r.Transitions != tt.transitions {
				t.Errorf("%s, %d workers: %d states, %d transitions, complete %t, %v; want %d and %d", tt.name, workers, r.States, r.Transitions,
					r.Complete, err, tt.states, tt.transitions)
			}
		}
	}
}
