package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rseqemu/rseqemu/native"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rseqemu": main})
}

// TestScripts runs the scenarios in testdata/script, one a file. The repository's
// examples lie beside the script's own files.
func TestScripts(t *testing.T) {
	lifted, err := filepath.Abs(filepath.Join("..", "..", "lift", "testdata")) // compiled sections
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "")
			env.Setenv("LIFT", lifted)
			return os.CopyFS(env.WorkDir, examples())
		},
		// [native]: programs run here, on one of the first two CPUs.
		Condition: func(cond string) (bool, error) {
			if cond != "native" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			h, err := native.Here()
			return err == nil && h.CPUs&3 != 0, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"bad":   bad,
			"json":  jsonField,
			"fill":  fill,
		},
	})
}

func examples() fs.FS { return os.DirFS(filepath.Join("..", "..", "examples")) }

// exits N COMMAND… runs a command that ends with code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var e *exec.ExitError
		if !errors.As(err, &e) {
			ts.Fatalf("%v", err)
		}
		code = e.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, not %d", code, want)
	}
	if strings.Contains(ts.ReadFile("stderr"), "goroutine ") {
		ts.Fatalf("it panicked")
	}
}

// bad COMMAND… runs a command whose input is wrong: it ends with 2, prints one
// line on standard error and nothing else, and leaves the files as they are.
func bad(ts *testscript.TestScript, neg bool, args []string) {
	before := tree(ts)
	exits(ts, neg, append([]string{"2"}, args...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("it printed %q", out)
	}
	msg := ts.ReadFile("stderr")
	if !strings.HasPrefix(msg, "rseqemu: ") || strings.Count(msg, "\n") != 1 || !strings.HasSuffix(msg, "\n") {
		ts.Fatalf("not a line of its own: %q", msg)
	}
	if after := tree(ts); after != before {
		ts.Fatalf("files changed:\n%s\nbefore:\n%s", after, before)
	}
}

// tree lists the work directory with what is in the files.
func tree(ts *testscript.TestScript) string {
	var b strings.Builder
	root := os.DirFS(ts.Getenv("WORK"))
	ts.Check(fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		fmt.Fprintf(&b, "%s %x\n", path, sha256.Sum256(text))
		return err
	}))
	return b.String()
}

// json PATH WANT looks into the object that the last command printed, which must
// be the only thing: a.0.b is element 0 of a's field b. WANT may end with * for
// any ending; a list or object is compared by its length.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json path want")
	}
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var v any
	ts.Check(dec.Decode(&v))
	if _, err := dec.Token(); err != io.EOF {
		ts.Fatalf("more than one object")
	}
	for _, word := range strings.Split(args[0], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[word]
		case []any:
			i, err := strconv.Atoi(word)
			if err != nil || i >= len(at) {
				ts.Fatalf("no element %q in a list of %d", word, len(at))
			}
			v = at[i]
		default:
			v = nil
		}
	}
	got := fmt.Sprint(v)
	switch at := v.(type) {
	case []any:
		got = fmt.Sprint("length ", len(at))
	case map[string]any:
		got = fmt.Sprint("length ", len(at))
	}
	begin, open := strings.CutSuffix(args[1], "*")
	if same := got == args[1] || open && strings.HasPrefix(got, begin); same == neg {
		ts.Fatalf("%s is %q", args[0], got)
	}
}

// fill FILE BYTES TEXT writes a file of a size, of one text again and again.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text, err := strconv.Unquote(`"` + args[2] + `"`)
	ts.Check(err)
	b := bytes.Repeat([]byte(text), n/len(text)+1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b[:n], 0o666))
}
