package conform_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/internal/hunk"
)

var mutate = flag.Bool("mutate", false, "hold the suite against every mutation of the emulator")

// mutation is a small mistake in the kernel's rules, as somebody could make it:
//
//	file: notify_new.go
//	What is wrong.
//
//	@@ newSwitch
//	-an old line
//	+a new line
//
// The file is one of package emu, and the rest is as package hunk reads it.
type mutation struct {
	name, file, what string
	source           []byte // the whole file, with the mistake
}

// mutations reads testdata/mutations and makes the changes.
func mutations(t *testing.T) []mutation {
	t.Helper()
	files, err := filepath.Glob("testdata/mutations/*.diff")
	if err != nil {
		t.Fatal(err)
	}
	var all []mutation
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parseMutation(string(text))
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		m.name = strings.TrimSuffix(filepath.Base(f), ".diff")
		all = append(all, m)
	}
	return all
}

func parseMutation(text string) (mutation, error) {
	head, hunks, err := hunk.Cut(text)
	if err != nil {
		return mutation{}, err
	}
	first, what, _ := strings.Cut(head, "\n")
	file, ok := strings.CutPrefix(first, "file: ")
	if !ok || strings.TrimSpace(what) == "" {
		return mutation{}, errors.New("it doesn't begin with file: and what is wrong")
	}
	m := mutation{file: filepath.Join("..", "emu", file), what: strings.Join(strings.Fields(what), " ")}
	source, err := os.ReadFile(m.file)
	if err != nil {
		return mutation{}, err
	}
	changed, err := hunk.Apply(string(source), hunks)
	if err != nil {
		return mutation{}, fmt.Errorf("it doesn't fit %s any more: %w", m.file, err)
	}
	m.source = []byte(changed)
	return m, nil
}

// TestMutationsFitTheEmulator, as it is now, and are Go.
func TestMutationsFitTheEmulator(t *testing.T) {
	all := mutations(t)
	for _, m := range all {
		if got, err := format.Source(m.source); err != nil || string(got) != string(m.source) {
			t.Errorf("%s makes of %s what gofmt doesn't like: %v", m.name, m.file, err)
		}
	}
	if len(all) < 100 {
		t.Errorf("there are only %d", len(all))
	}
}

// TestTheSuiteKillsEveryMutation: a mistake in a rule, however small, shows in a
// case, on a kernel that was recorded. One that survives needs a new case, which
// every real kernel must have answered, too. The production code knows nothing of
// this: the file with the mistake is laid over the real one when the suite is
// built.
func TestTheSuiteKillsEveryMutation(t *testing.T) {
	if !*mutate || testing.Short() {
		t.Skip("takes minutes: go test ./conform -run Mutation -mutate -v")
	}
	// Group PERCPU, thousands of cases in no file, isn't needed.
	cases, err := filepath.Glob("cases/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	program, right := filepath.Join(tmp, "suite"), filepath.Join(tmp, "outcomes")
	if out, err := build(t, program, nil); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{right}, {"-as", right}} {
		if out, err := exec.CommandContext(t.Context(), program, append(args, cases...)...).CombinedOutput(); err != nil {
			t.Fatalf("the right emulator: %v\n%s", err, out)
		}
	}
	for _, m := range mutations(t) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			mutant := filepath.Join(t.TempDir(), "mutant")
			if out, err := build(t, mutant, &m); err != nil {
				t.Fatalf("it can't be built: %v\n%s", err, out)
			}
			out, err := exec.CommandContext(t.Context(), mutant, append([]string{"-as", right}, cases...)...).CombinedOutput()
			var exit *exec.ExitError
			switch {
			case err == nil:
				t.Errorf("survives: %s", m.what)
			case errors.As(err, &exit) && exit.ExitCode() == 1:
				t.Logf("%s\nkilled by %s", m.what, out)
			default:
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// build makes the program that runs the suite, on the emulator with the mistake.
func build(t *testing.T, program string, m *mutation) ([]byte, error) {
	args := []string{"build", "-o", program, "-ldflags=-w", "-gcflags=github.com/rseqemu/rseqemu/...=-l -dwarf=false"}
	if m != nil {
		dir := t.TempDir()
		file, changed, overlay := m.file, filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
		file, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
		if err != nil {
			return nil, err
		}
		if err := errors.Join(os.WriteFile(changed, m.source, 0o644), os.WriteFile(overlay, text, 0o644)); err != nil {
			return nil, err
		}
		args = append(args, "-overlay", overlay)
	}
	return exec.CommandContext(t.Context(), "go", append(args, "./internal/suite")...).CombinedOutput()
}
