package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rseqemu/rseqemu/conform"
)

// docFiles are the documents that people wrote.
func docFiles(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	return files
}

// TestDocsExamplesPrintThat: in the documents a fence whose first line names a
// file, as in ```rseq naive.rseq, is that file, and a console fence is a session:
// what follows a line "$ rseqemu …" is what that prints, to the byte, but that … is
// any text in a line and a line of it any number of lines. The repository's examples lie beside the files.
func TestDocsExamplesPrintThat(t *testing.T) {
	sessions := 0
	for _, file := range docFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte("\n```console\n")) {
				return
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, examples()); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			t.Setenv("NO_COLOR", "1")
			var printed strings.Builder // the document with what the commands print
			for _, p := range splitFences(string(text)) {
				lang, name, named := strings.Cut(p.info, " ")
				switch {
				case lang == "console":
					sessions++
					p.text = session(t, p.text)
				case named:
					if err := os.WriteFile(name, []byte(p.text), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				printed.WriteString(p.text)
			}
			switch {
			case printed.String() == string(text):
			case *update:
				if err := os.WriteFile(file, []byte(printed.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("the commands print something else (-update writes it): %s",
					cmp.Diff(strings.Split(string(text), "\n"), strings.Split(printed.String(), "\n")))
			}
		})
	}
	if sessions == 0 {
		t.Error("no document has an example")
	}
}

// part is what is in a fence, with what its first line says, or text around it with
// the marks.
type part struct {
	info, text string
	inside     bool
}

// splitFences cuts a document into parts.
func splitFences(text string) []part {
	all := []part{{}}
	for line := range strings.Lines(text) {
		at := &all[len(all)-1]
		info, mark := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case !mark:
			at.text += line
		case at.inside:
			all = append(all, part{text: line})
		default:
			at.text += line
			all = append(all, part{info: info, inside: true})
		}
	}
	return all
}

// session runs the commands of a console fence, and returns the fence with what
// they print.
func session(t *testing.T, text string) string {
	t.Helper()
	var commands, wants []string
	for line := range strings.Lines(text) {
		command, ok := strings.CutPrefix(line, "$ ")
		switch {
		case ok:
			commands, wants = append(commands, command), append(wants, "")
		case commands == nil:
			t.Errorf("a session doesn't begin with a command: %q", line)
			return text
		default:
			wants[len(wants)-1] += line
		}
	}
	var out strings.Builder
	for i, line := range commands {
		words := quoted.FindAllString(line, -1)
		for j, w := range words {
			words[j] = strings.Trim(w, "'")
		}
		if len(words) == 0 || words[0] != "rseqemu" {
			t.Errorf("%q doesn't run rseqemu", line)
			return text
		}
		var got bytes.Buffer
		run(words[1:], strings.NewReader(""), &got, &got)
		if !elided(wants[i]).MatchString(got.String()) {
			wants[i] = got.String()
		}
		out.WriteString("$ " + line + wants[i])
	}
	return out.String()
}

// quoted is a word of a command.
var quoted = regexp.MustCompile(`'[^']*'|\S+`)

// elided matches what a session shows, with any lines for a line of only "…" and any
// text for … in one.
func elided(want string) *regexp.Regexp {
	pattern := regexp.QuoteMeta("\n" + want)
	pattern = strings.ReplaceAll(pattern, "\n…\n", "\n(?:.*\n)*")
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, "…", ".*")[1:] + "$")
}

// TestDocsCommandsAreThere: what documents only name is no example that is run, but
// a command, with flags and built-in programs that there are.
func TestDocsCommandsAreThere(t *testing.T) {
	a := &app{out: newOutput(nil), err: newOutput(nil)}
	inCode := regexp.MustCompile("(?s)`(rseqemu [^`]*)`")
	for _, file := range append(docFiles(t), filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, m := range inCode.FindAllStringSubmatch(string(text), -1) {
			lines = append(lines, strings.ReplaceAll(m[1], "\n", " "))
		}
		for _, p := range splitFences(string(text)) {
			if p.inside && (p.info == "" || p.info == "console") {
				for line := range strings.Lines(p.text) {
					if line = strings.TrimPrefix(line, "$ "); strings.HasPrefix(line, "rseqemu ") {
						lines = append(lines, line)
					}
				}
			}
		}
		for _, line := range lines {
			line, _, _ = strings.Cut(line, " #")
			line, _, _ = strings.Cut(line, " |")
			line, _, _ = strings.Cut(line, ";")
			words := strings.Fields(line)[1:]
			root := a.root() // each line with flags of its own
			root.InitDefaultHelpCmd()
			c, rest, err := root.Find(words)
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if err == nil && len(c.Flags().Args()) > 0 { // else only a command's name
				err = c.ValidateArgs(c.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %s: %v", file, line, err)
			}
		}
		for _, name := range regexp.MustCompile(`\b(debate|percpu):[a-z][\w-]*`).FindAllString(string(text), -1) {
			if _, ok := builtIn(name); !ok {
				t.Errorf("%s: no program %s is built in", file, name)
			}
		}
	}
}

// caseLink is a conformance case as documents link it.
var caseLink = regexp.MustCompile(`\[([A-Z][A-Z0-9]*\.[\w-]+)\]\(([^)]*)\)`)

// TestDocsCasesExist: a case that a document names is one, and its link leads to
// where it is.
func TestDocsCasesExist(t *testing.T) {
	at := map[string]string{}
	groups := map[string]bool{}
	for _, c := range conform.Cases() {
		name, _, _ := strings.Cut(c.Name, "@")
		at[name] = fmt.Sprintf("../conform/cases/%s#L%d", c.File, c.Line)
		groups[c.Group()] = true
	}
	named := regexp.MustCompile(`\b([A-Z][A-Z0-9]*)\.[a-z][\w-]*\*?`)
	for _, file := range docFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			start, pattern := strings.CutSuffix(m[0], "*")
			if groups[m[1]] && at[m[0]] == "" && !(pattern && begins(at, start)) {
				t.Errorf("%s: there is no case %s", file, m[0])
			}
		}
		linked := caseLink.ReplaceAllStringFunc(string(text), func(link string) string {
			m := caseLink.FindStringSubmatch(link)
			if at[m[1]] == "" {
				t.Errorf("%s: there is no case %s to link", file, m[1])
			}
			return fmt.Sprintf("[%s](%s)", m[1], at[m[1]])
		})
		switch {
		case linked == string(text):
		case *update:
			if err := os.WriteFile(file, []byte(linked), 0o666); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s: links to cases lead elsewhere (-update corrects them): %s", file, cmp.Diff(string(text), linked))
		}
	}
}

// begins reports whether a case's name does so.
func begins(at map[string]string, start string) bool {
	for name := range at {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}
