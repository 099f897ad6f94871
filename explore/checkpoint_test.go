package explore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"pgregory.net/rapid"
)

// sweepOf is a sweep over an example under two kernels.
func sweepOf(t fataler, name string, lim explore.Limits) *explore.Sweep {
	p := example(t, name)
	return &explore.Sweep{Program: p, Options: explore.Options{Properties: propsOf(t, p), Config: on(t, "6.18", "preempt=1 migrate=1"),
		Kernels: []emu.Kernel{on(t, "6.18", "").Kernel, on(t, "7.3/v2", "").Kernel}, Limits: lim}}
}

// found runs a sweep and returns all that it found out, as JSON.
func found(t fataler, ctx context.Context, s *explore.Sweep) string {
	t.Helper()
	var all []*explore.Result
	if err := s.Run(ctx, func(_ emu.Kernel, f *explore.Finding) { all = append(all, f.Result) }); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var errStopped = errors.New("stopped")

// TestAResumedSearchIsTheSearch: however often a sweep is stopped, wherever, and with
// how many workers it goes on, it finds out to the byte what one that isn't stopped
// does: of programs that hold, that break, and whose reductions do.
func TestAResumedSearchIsTheSearch(t *testing.T) {
	for _, tt := range []struct {
		name string
		lim  explore.Limits
	}{
		{"list.rseq", explore.Limits{}},
		{"list.rseq", explore.Limits{Without: emu.AllReductions}},
		{"list.rseq", explore.Limits{Without: emu.AllReductions, Exact: true}},
		{"list.rseq", explore.Limits{Without: emu.AllReductions, Bits: 1 << 16}},
		{"list-no-cpu-check.rseq", explore.Limits{Failures: 3, Without: emu.Symmetry}},
		{"list-no-cpu-check.rseq", explore.Limits{Without: emu.AllReductions}},
	} {
		undisturbed := sweepOf(t, tt.name, tt.lim)
		undisturbed.Workers = 1
		want := found(t, t.Context(), undisturbed)
		rnd := rand.New(rand.NewPCG(1, 2))
		file, stops := filepath.Join(t.TempDir(), "x.ckpt"), 0
		for {
			ctx, cancel := context.WithCancelCause(t.Context())
			lim := tt.lim
			s := sweepOf(t, tt.name, lim)
			s.Workers = 1 + rnd.IntN(3)
			if lim.Bits > 0 || stops == 0 {
				s.Workers = 1 // with more, what bits miss isn't always the same; and one is told of all progress
			}
			s.Checkpoint = &explore.Checkpoint{File: file, Every: 50 * time.Millisecond}
			left := 1 + rnd.IntN(5)
			s.Progress = func(emu.Kernel, *explore.Result) {
				if left--; left == 0 {
					cancel(errStopped)
				}
			}
			got := found(t, ctx, s)
			cancel(nil)
			if !strings.Contains(got, errStopped.Error()) {
				if got != want {
					t.Errorf("%s %+v: after %d stops\n%.300s\nnot\n%.300s", tt.name, tt.lim, stops, got, want)
				}
				if err := s.Checkpoint.Remove(); err != nil {
					t.Error(err)
				}
				if left, _ := os.ReadDir(filepath.Dir(file)); len(left) > 0 {
					t.Errorf("left are %v", left)
				}
				break
			}
			if stops++; stops > 1000 {
				t.Fatalf("%s: it gets nowhere", tt.name)
			}
		}
		if stops < 1 && tt.lim.Without == emu.AllReductions && tt.name == "list.rseq" {
			t.Errorf("%s: stopped %d times: hardly a test", tt.name, stops)
		}
	}
}

// stopped leaves the checkpoint of a sweep that was stopped, and returns it.
func stopped(t fataler, file string) []byte {
	t.Helper()
	s := sweepOf(t, "list.rseq", explore.Limits{Workers: 1, Without: emu.Symmetry | emu.OneCPU | emu.LocalSteps})
	s.Checkpoint = &explore.Checkpoint{File: file, Every: time.Hour, Version: "v1"}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s.Progress = func(emu.Kernel, *explore.Result) { cancel(errStopped) }
	if got := found(t, ctx, s); !strings.Contains(got, errStopped.Error()) {
		t.Fatal("it wasn't stopped")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goOn resumes it.
func goOn(t fataler, file string) (notes string, got string, err error) {
	s := sweepOf(t, "list.rseq", explore.Limits{Without: emu.Symmetry | emu.OneCPU | emu.LocalSteps})
	s.Checkpoint = &explore.Checkpoint{File: file, Every: time.Hour, Version: "v1", Note: func(n string) { notes += n }}
	var all []*explore.Result
	err = s.Run(context.Background(), func(_ emu.Kernel, f *explore.Finding) { all = append(all, f.Result) })
	b, _ := json.Marshal(all)
	return notes, string(b), err
}

// TestADamagedCheckpointIsNoticed, whichever bit it is and wherever it is cut: it is
// an error, or the one before it is taken, with a note; and the answer is right.
func TestADamagedCheckpointIsNoticed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.ckpt")
	whole := stopped(t, file)
	_, want, err := goOn(t, file)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(whole)
		at := rapid.OneOf(rapid.IntRange(0, len(b)-1), rapid.IntRange(0, 40), rapid.IntRange(len(b)-20, len(b)-1)).Draw(t, "at")
		if rapid.Bool().Draw(t, "cut") {
			b = b[:at]
		} else {
			b[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		os.WriteFile(file, b, 0o666)
		os.Remove(file + ".1")
		if _, _, err := goOn(t, file); err == nil || !strings.Contains(err.Error(), "x.ckpt: ") {
			t.Fatalf("alone: error %v", err)
		}
	})
	os.WriteFile(file, whole[:len(whole)/2], 0o666)
	os.WriteFile(file+".1", whole, 0o666)
	notes, got, err := goOn(t, file)
	if err != nil || got != want || !strings.HasSuffix(notes, "the checkpoint is damaged or cut short; going on from "+file+".1") {
		t.Errorf("with one before it: %v, note %q, the same answer: %t", err, notes, got == want)
	}
	// Killed between the two renames.
	os.Remove(file)
	if notes, got, err := goOn(t, file); err != nil || got != want || notes != "" {
		t.Errorf("with nothing but one before it: %v, note %q, the same answer: %t", err, notes, got == want)
	}
}

// TestACheckpointOfSomethingElseIsRefused, and the difference is named.
func TestACheckpointOfSomethingElseIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.ckpt")
	whole := stopped(t, file)
	for _, tt := range []struct {
		want   string
		change func(s *explore.Sweep)
	}{
		{"its program is ", func(s *explore.Sweep) { s.Program = example(t, "list-no-cpu-check.rseq") }},
		{`its version is "v1", not "v2"`, func(s *explore.Sweep) { s.Checkpoint.Version = "v2" }},
		{`its kernels is "6.18,7.3/v2", not "6.18"`, func(s *explore.Sweep) { s.Options.Kernels = s.Options.Kernels[:1] }},
		{`its cpus is "2", not "3"`, func(s *explore.Sweep) { s.Options.Config.CPUs = 3 }},
		{`its memory is "sc", not "tso"`, func(s *explore.Sweep) { s.Options.Config.Memory = emu.TSO }},
		{`its budget is "preempt=1 migrate=1", not "preempt=2 migrate=2"`, func(s *explore.Sweep) { s.Options.Config.Budget = nil }},
		{"its properties is ", func(s *explore.Sweep) { s.Options.Properties = nil }},
		{"its reductions is ", func(s *explore.Sweep) { s.Options.Limits.Without = 0 }},
		{`its steps is "100000", not "500"`, func(s *explore.Sweep) { s.Options.Limits.Steps = 500 }},
		{"its shard is", func(s *explore.Sweep) { s.Shard = explore.Shard{Of: 2} }},
		{"random runs have no checkpoint", func(s *explore.Sweep) { s.Random = 10 }},
		{"states already, and at most 100 are allowed", func(s *explore.Sweep) { s.Options.Limits.States = 100 }},
	} {
		s := sweepOf(t, "list.rseq", explore.Limits{Without: emu.Symmetry | emu.OneCPU | emu.LocalSteps})
		s.Checkpoint = &explore.Checkpoint{File: file, Version: "v1"}
		tt.change(s)
		err := s.Run(t.Context(), func(emu.Kernel, *explore.Finding) { t.Errorf("%s: something was yielded", tt.want) })
		want := tt.want
		if want == "its shard is" {
			want = `it has no shard, which is "0/2" here`
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, not %q", err, want)
		}
		if b, _ := os.ReadFile(file); !bytes.Equal(b, whole) {
			t.Errorf("%s: the file was changed", tt.want)
		}
	}
}

// TestASearchThatWasTooLargeGoesOn with more states, where it ended.
func TestASearchThatWasTooLargeGoesOn(t *testing.T) {
	want := found(t, t.Context(), sweepOf(t, "list.rseq", explore.Limits{}))
	file := filepath.Join(t.TempDir(), "x.ckpt")
	for _, states := range []int{50, 150, 900, 100_000} {
		s := sweepOf(t, "list.rseq", explore.Limits{States: states})
		s.Checkpoint = &explore.Checkpoint{File: file, Every: time.Hour}
		told := 0
		s.Checkpoint.Note = func(string) { told++ }
		got := found(t, t.Context(), s)
		if short := strings.Contains(got, "more than"); short != (states < 900) || !short && got != want || told > 0 {
			t.Errorf("with %d states: %.300s\nnot %.300s", states, got, want)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}
