package explore_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// yielded is what a sweep yields for a kernel.
type yielded struct {
	k emu.Kernel
	*explore.Finding
}

func sweep(t *testing.T, s *explore.Sweep) []yielded {
	t.Helper()
	var out []yielded
	if err := s.Run(t.Context(), func(k emu.Kernel, f *explore.Finding) { out = append(out, yielded{k, f}) }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestASweepIsItsSearches: each kernel's finding is what a search of that kernel
// alone finds, in the order of the kernels, with any number of workers.
func TestASweepIsItsSearches(t *testing.T) {
	for _, name := range []string{"list-no-cpu-check.rseq", "overwrite.rseq", "syscall-inside.rseq"} {
		p := example(t, name)
		alone := map[emu.Kernel]*explore.Result{}
		for _, k := range explore.Kernels(abi.AMD64) {
			alone[k] = exhaust(t, p, on(t, k.String(), "preempt=1 migrate=1"), explore.Limits{})
		}
		for _, workers := range []int{0, 1, 3} {
			s := &explore.Sweep{Program: p, Workers: workers, Options: explore.Options{
				Properties: propsOf(t, p), Kernels: explore.Kernels(abi.AMD64), Config: on(t, "6.18", "preempt=1 migrate=1")}}
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
			var order []emu.Kernel
			for _, f := range sweep(t, s) {
				order = append(order, f.k)
				if !sameButForNames(f.Result, alone[f.k]) {
					t.Errorf("%s on %s: %+v, alone %+v", name, f.k, f.Result, alone[f.k])
				}
				if f.Result.Kernel != f.Kernels[0] || !slices.Contains(f.Kernels, f.k) || (f.Schedule == nil) != (f.Result.Failure == nil) {
					t.Errorf("%s on %s: kernels %v, %s; failure %v, schedule %v", name, f.k, f.Kernels, f.Result.Kernel, f.Result.Failure, f.Schedule)
				}
				if f.Schedule != nil {
					follow(t, p, f.Schedule.Config(), f.Result.Failure, s.Options.Properties)
				}
			}
			if !slices.Equal(order, s.Options.Kernels) {
				t.Errorf("%s: yields %v", name, order)
			}
		}
	}
}

// sameButForNames compares results up to kernels' names, also those in messages.
func sameButForNames(a, b *explore.Result) bool {
	x, y := *a, *b
	x.Kernel, x.Failure, y.Kernel, y.Failure = emu.Kernel{}, nil, emu.Kernel{}, nil
	if !reflect.DeepEqual(x, y) || (a.Failure == nil) != (b.Failure == nil) {
		return false
	}
	return a.Failure == nil || a.Failure.Property == b.Failure.Property && slices.Equal(a.Failure.Schedule, b.Failure.Schedule)
}

// TestASweepCanBeRandom, and says how far it is.
func TestASweepCanBeRandom(t *testing.T) {
	p := example(t, "list-no-cpu-check.rseq")
	var told atomic.Int32
	s := &explore.Sweep{Program: p, Random: 2000, Seed: 7, Options: explore.Options{Properties: propsOf(t, p), Kernels: emu.DefaultKernels()},
		Progress: func(emu.Kernel, *explore.Result) { told.Add(1) }}
	for _, f := range sweep(t, s) {
		want := sample(t, "list-no-cpu-check.rseq", f.Kernels[0].String(), 7, 2000)
		if !reflect.DeepEqual(f.Result, want) || f.Schedule == nil || f.Schedule.Config().Kernel != f.k {
			t.Errorf("on %v: %+v, alone %+v", f.Kernels, f.Result, want)
		}
	}
	if told.Load() == 0 {
		t.Error("never told how far it was")
	}
}

// TestASweepThatCannotRunYieldsNothing.
func TestASweepThatCannotRunYieldsNothing(t *testing.T) {
	p := parse(t, "func f()\n ret\nthread: f")
	bad := &explore.Sweep{Program: p, Options: explore.Options{Kernels: emu.DefaultKernels(), Config: emu.Config{CPUs: 65}}}
	want := "65 CPUs are out of range (1..64)"
	if err := bad.Validate(); fmt.Sprint(err) != want {
		t.Errorf("%v", err)
	}
	if err := bad.Run(t.Context(), func(k emu.Kernel, f *explore.Finding) { t.Errorf("yields %v, %+v", k, f) }); fmt.Sprint(err) != want {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	list := example(t, "list.rseq")
	cut := &explore.Sweep{Program: list, Options: explore.Options{Properties: propsOf(t, list), Kernels: emu.DefaultKernels()}}
	n := 0
	err := cut.Run(ctx, func(_ emu.Kernel, f *explore.Finding) {
		if n++; f.Result.Complete || f.Result.Why != "interrupted: context canceled" {
			t.Errorf("cancelled, yet %+v", f.Result)
		}
	})
	if err != nil || n != 6 {
		t.Errorf("%d findings, %v", n, err)
	}
}

// TestParseKernels lists what each form of a list of kernels stands for.
func TestParseKernels(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"6.18", "6.18"},
		{"6.18, 7.3/v1,6.12/arm64", "6.18 7.3/v1 6.12/arm64"},
		{"6.18,6.18", "6.18"},
		{"families", "5.10 6.1 6.18 6.19 7.3/v1 7.3/v2"},
		{"families,!6.19..", "5.10 6.1 6.18"},
		{"families,!7.3/v1", "5.10 6.1 6.18 6.19 7.3/v2"},
		{"6.17..6.19", "6.17 6.18 6.19"},
		{"6.18..6.19/arm64", "6.18/arm64 6.19/arm64"},
		{"7.2../v2", "7.2/v2 7.3/v2"},
		{"7.3..", "7.3/v1 7.3/v2"},
		{"..4.19", "4.18 4.19"},
		{"!6.18", ""},
	} {
		ks, err := explore.ParseKernels(tt.text)
		var names []string
		for _, k := range ks {
			names = append(names, k.String())
		}
		if got := strings.Join(names, " "); err != nil || got != tt.want {
			t.Errorf("%s: %s, %v, want %s", tt.text, got, err, tt.want)
		}
	}
	for _, arch := range []string{"", "/arm64"} {
		ks, err := explore.ParseKernels("all" + arch)
		a := abi.AMD64
		if arch != "" {
			a = abi.ARM64
		}
		if err != nil || !slices.Equal(ks, explore.Kernels(a)) || len(ks) <= len(emu.Releases()) {
			t.Errorf("all%s: %v, %v", arch, ks, err)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"", `unknown kernel "" (`},
		{"6.18,", `unknown kernel "" (`},
		{"9.9", `unknown kernel "9.9" (`},
		{"6.18/tea", `kernel 6.18: unknown word "tea" (an architecture, generic, irq-only, none, v1, v2, debug, slices)`},
		{"6.18../tea", `kernel pattern "6.18../tea": unknown word "tea" (an architecture, v1, v2, slices)`},
		{"6.18,!x", `unknown kernel "x" (`},
	} {
		if ks, err := explore.ParseKernels(tt.text); err == nil || !strings.HasPrefix(err.Error(), tt.want) || ks != nil {
			t.Errorf("%q: %v, %v", tt.text, ks, err)
		}
	}
}
