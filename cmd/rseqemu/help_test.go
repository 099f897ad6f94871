package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

// TestHelpHasExamples for every command, and they are commands and flags that
// there are.
func TestHelpHasExamples(t *testing.T) {
	a := &app{out: newOutput(nil), err: newOutput(nil)}
	root := a.root()
	for _, c := range append(root.Commands(), root) {
		if !c.Runnable() || c.Name() == "version" || c.Name() == "completion" || c.Name() == "help" {
			continue
		}
		if c.Example == "" || c.Long == "" {
			t.Errorf("%s: no example or no text", c.Name())
		}
		for line := range strings.Lines(c.Example) {
			for _, part := range strings.FieldsFunc(line, func(r rune) bool { return r == ';' || r == '&' || r == '<' || r == '>' }) {
				words := strings.Fields(strings.Split(part, "   ")[0])
				if strings.HasPrefix(part, "  rseqemu") {
					words = strings.Fields(strings.Split(strings.TrimSpace(part), "   ")[0])
				}
				if len(words) > 0 && words[0] == "rseqemu" {
					tryExample(t, a.root(), words[1:]) // each with flags of its own
				}
			}
		}
	}
}

func tryExample(t *testing.T, root *cobra.Command, words []string) {
	t.Helper()
	c, rest, err := root.Find(words)
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil {
		err = c.ValidateArgs(c.Flags().Args())
	}
	if err != nil {
		t.Errorf("%v: %v", words, err)
	}
}

// TestHelpIsNarrow enough for a terminal of 100 columns.
func TestHelpIsNarrow(t *testing.T) {
	a := &app{out: newOutput(nil), err: newOutput(nil)}
	root := a.root()
	for _, c := range append(root.Commands(), root) {
		if c.Name() == "completion" || c.Name() == "help" {
			continue
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example + "\n" + c.LocalFlags().FlagUsages()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 120 {
				t.Errorf("%s: a line of %d columns: %q", c.Name(), n, line)
			}
		}
	}
}

// TestHelpProgramHolds: the program in rseqemu help programs is one, in canonical
// form, that holds and that vet has nothing to say about.
func TestHelpProgramHolds(t *testing.T) {
	_, text, ok := strings.Cut(helpPrograms, "\n\n")
	text, _, ok2 := strings.Cut(text, "\n\nA line is")
	if !ok || !ok2 {
		t.Fatal("the help has no program")
	}
	text = strings.ReplaceAll("\n"+text, "\n  ", "\n")[1:] + "\n"
	for _, args := range [][]string{{"fmt", "-l", "-"}, {"vet", "-"}, {"check", "-"}} {
		var out, errOut bytes.Buffer
		if code := run(args, strings.NewReader(text), &out, &errOut); code != exitHolds {
			t.Errorf("%v: exit code %d: %s%s\n%s", args, code, &out, &errOut, text)
		}
	}
}

// TestHelpNamesEveryJSONField of the documents that the commands print, whether a run
// fills it or not.
func TestHelpNamesEveryJSONField(t *testing.T) {
	known := map[string]bool{}
	for _, word := range strings.FieldsFunc(helpJSON, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		known[word] = true
	}
	var visit func(command string, typ reflect.Type)
	visit = func(command string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			visit(command, typ.Elem())
		case reflect.Struct:
			for _, f := range reflect.VisibleFields(typ) {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if name != "" && !known[name] {
					t.Errorf("%s: help json has no %q", command, name)
				}
				if name != "" {
					visit(command, f.Type)
				}
			}
		}
	}
	for command, document := range map[string]any{
		"check": checkDocument{}, "executions": executionsDocument{}, "run": runDocument{}, "diff": diffDocument{},
		"kernels": kernelsDocument{}, "kernels diff": kernelsDiffDocument{}, "kernels fetch": fetchDocument{},
		"conform": sideBySideDocument{}, "conform --against": conformHead{}, "conform --list": listedCase{},
		"stress": stressDocument{}, "stats": report.Stats{}, "fmt": fmtDocument{}, "vet": vetDocument{}, "lint": lintDocument{}, "lint --rules": lintRule{},
		"lift": liftDocument{}, "list": listDocument{}, "export": exportDocument{}, "version": versionDocument{}, "bad input": failure{},
	} {
		visit(command, reflect.TypeOf(document))
	}
}

// TestHelpWorkloadIsOne: what rseqemu help workloads shows is a workload, whose shares
// and counts are those that it says.
func TestHelpWorkloadIsOne(t *testing.T) {
	_, text, ok := strings.Cut(helpWorkloads, "\n\n")
	text, _, ok2 := strings.Cut(text, "\n\nsignal, notify")
	if !ok || !ok2 {
		t.Fatal("the help has no workload")
	}
	var out, errOut bytes.Buffer
	text = strings.ReplaceAll("\n"+text, "\n  ", "\n")[1:] + "\n"
	if code := run([]string{"stats", "-", "--kernels", "6.18"}, strings.NewReader(text), &out, &errOut); code != exitHolds {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	if want := "of the exits: switch 10.00% (preempt 10%, migrate 15%), signal 0.00% (interrupt 50%), notify 0.50%, start 0.00%;"; !strings.Contains(out.String(), want) {
		t.Errorf("%s\nwant %s", &out, want)
	}
}
