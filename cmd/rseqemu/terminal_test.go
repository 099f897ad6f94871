package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onTerminal runs a command as if a person watched both streams.
func onTerminal(t *testing.T, in string, args ...string) (out, errOut string, code int) {
	t.Helper()
	t.Setenv("NO_COLOR", "")
	var o, e bytes.Buffer
	a := &app{in: strings.NewReader(in), out: newOutput(&o), err: newOutput(&e)}
	a.out.tty, a.err.tty = true, true
	code = a.run(t.Context(), args)
	return o.String(), e.String(), code
}

// TestTerminalShowsTheLine with a caret under the place, whoever found the error.
func TestTerminalShowsTheLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"parser", "func f()\n    mov   r1, r99\n    ret\n",
			"rseqemu: <stdin>:2:15: unknown register \"r99\" (r0..r31, tp)\n        mov   r1, r99\n                  ^\n"},
		{"linker", "func f()\n    jmp   away\n\nthread: f\n",
			"rseqemu: <stdin>:2:5: \"away\" is not defined\n        jmp   away\n        ^\n"},
		{"specification", "func f()\n    ret\n\nthread: f\nspec queue(f)\n", "    spec queue(f)\n    ^\n"},
		{"no place", "func f()\n    ret\n", "add a line such as \"thread: f\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got, code := onTerminal(t, c.text, "check", "-")
			if !strings.HasSuffix(got, c.want) || code != exitNoAnswer {
				t.Errorf("exit code %d, and\n%s\nnot\n%s", code, got, c.want)
			}
		})
	}
}

// TestTerminalHasColoursAndTimes, and NO_COLOR and --json have none.
func TestTerminalHasColoursAndTimes(t *testing.T) {
	out, _, _ := onTerminal(t, "", "check", small, "--kernels", "6.18")
	if !strings.Contains(out, "\x1b[32;1mholds\x1b[0m") || !strings.Contains(out, " s\x1b[0m\n") {
		t.Errorf("no colour or no time: %q", out)
	}
	if out, _, _ = onTerminal(t, "", "check", small, "--kernels", "6.18", "--json"); strings.Contains(out, "\x1b") {
		t.Errorf("colour in JSON: %q", out)
	}
	var plain bytes.Buffer
	a := &app{out: newOutput(&plain), err: newOutput(&plain)}
	a.out.tty = true
	t.Setenv("NO_COLOR", "1")
	a.run(t.Context(), []string{"check", small, "--kernels", "6.18"})
	if strings.Contains(plain.String(), "\x1b") {
		t.Errorf("colour in spite of NO_COLOR: %q", &plain)
	}
}

// full is a stream that takes so many bytes.
type full struct{ left int }

var errFull = errors.New("no space left on device")

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestFullDiskIsAnError and not a verdict that nobody can read.
func TestFullDiskIsAnError(t *testing.T) {
	for _, args := range [][]string{{"kernels"}, {"check", small, "--kernels", "6.18"}, {"run", small}, {"fmt", small}, {"version"}, {"list", "--json"}} {
		var errOut bytes.Buffer
		if code := run(args, nil, &full{left: 3}, &errOut); code != exitNoAnswer || errOut.String() != "rseqemu: no space left on device\n" {
			t.Errorf("%v: exit code %d, %q", args, code, &errOut)
		}
	}
}

// TestSaveIsAllOrNothing and keeps what is special about a file.
func TestSaveIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.sched")
	write := func(text string) {
		t.Helper()
		if err := save(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != text {
			t.Fatalf("%q, %v", b, err)
		}
	}
	write("one")
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	write("two")
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the permissions are %v, %v", info.Mode(), err)
	}
	link := filepath.Join(dir, "link")
	if os.Symlink(name, link) == nil {
		if err := save(link, []byte("three")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link is gone: %v", err)
		}
		if b, _ := os.ReadFile(name); string(b) != "three" {
			t.Errorf("behind the link is %q", b)
		}
	}
	if err := save(filepath.Join(dir, "no", "such"), nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), filepath.Join(dir, "no", "such")) {
		t.Errorf("the error is %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestErrorsAreOneLine whatever is in them.
func TestErrorsAreOneLine(t *testing.T) {
	var errOut bytes.Buffer
	run([]string{"check", "no\nsuch\x1b[31m"}, nil, new(bytes.Buffer), &errOut)
	if got := errOut.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}
