package vet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/internal/irtest"
	"github.com/rseqemu/rseqemu/ir/vet"
	"pgregory.net/rapid"
)

func link(t testing.TB, file string, arch abi.Arch) *ir.Image {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ir.Parse(file, src)
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, arch)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files
}

// want is an expectation: a comment
//
//	# want `regexp` `regexp`
//
// at the end of a line, one regexp for each finding there, in order. It is
// matched against the finding's check and message.
var (
	want   = regexp.MustCompile("# want((?: `[^`]*`)+)$")
	quoted = regexp.MustCompile("`([^`]*)`")
)

func wants(t *testing.T, file string) map[int][]string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int][]string{}
	for i, line := range strings.Split(string(src), "\n") {
		if m := want.FindStringSubmatch(line); m != nil {
			for _, q := range quoted.FindAllStringSubmatch(m[1], -1) {
				all[i+1] = append(all[i+1], q[1])
			}
		} else if strings.Contains(line, "# want") {
			t.Errorf("%s:%d: what is wanted?", file, i+1)
		}
	}
	return all
}

// Each program of testdata/bad has the findings that its comments want, no
// other, and on every architecture.
func TestBadPrograms(t *testing.T) {
	for _, file := range glob(t, "testdata/bad/*.rseq") {
		for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64BE, abi.S390X} {
			t.Run(fmt.Sprint(filepath.Base(file), "/", arch), func(t *testing.T) {
				expected := wants(t, file)
				for _, f := range vet.Program(link(t, file, arch)) {
					list := expected[f.Pos.Line]
					text := f.Check + ": " + f.Msg
					i := slices.IndexFunc(list, func(re string) bool { return regexp.MustCompile(re).MatchString(text) })
					if i < 0 {
						t.Errorf("%s:%v", file, f)
						continue
					}
					expected[f.Pos.Line] = slices.Delete(slices.Clone(list), i, i+1)
				}
				for line, list := range expected {
					for _, re := range list {
						t.Errorf("%s:%d: no finding matches %q", file, line, re)
					}
				}
			})
		}
	}
}

// Programs that do nothing wrong have no findings.
func TestGoodPrograms(t *testing.T) {
	for _, file := range slices.Concat(glob(t, "testdata/good/*.rseq"), glob(t, "../testdata/list.rseq")) {
		for _, f := range vet.Program(link(t, file, abi.AMD64)) {
			t.Errorf("%s:%v", file, f)
		}
	}
}

// Every check has a program that it finds something in, and one beside it that
// does the same thing right.
func TestEveryCheckHasFixtures(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range vet.Checks() {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		if len(c.Doc) < 80 || strings.Contains(c.Doc, "  ") || !strings.HasSuffix(c.Doc, ".") {
			t.Errorf("%s: documentation %q", c.ID, c.Doc)
		}
		found := false
		for _, f := range vet.Program(link(t, "testdata/bad/"+c.ID+".rseq", abi.AMD64)) {
			found = found || f.Check == c.ID
		}
		if !found {
			t.Errorf("%s finds nothing in its program", c.ID)
		}
		if _, err := os.Stat("testdata/good/" + c.ID + ".rseq"); err != nil {
			t.Error(err)
		}
	}
	for _, file := range glob(t, "testdata/bad/*.rseq") {
		if id := strings.TrimSuffix(filepath.Base(file), ".rseq"); !seen[id] {
			t.Errorf("%s is for no check", file)
		}
	}
}

// The fixtures are canonical text.
func TestFixturesAreFormatted(t *testing.T) {
	for _, file := range glob(t, "testdata/*/*.rseq") {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := ir.Format(file, src)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(src)); diff != "" {
			t.Errorf("%s: -canonical +is\n%s", file, diff)
		}
	}
}

// holds are the promises of every result.
func holds(t interface{ Fatalf(string, ...any) }, im *ir.Image) {
	findings := vet.Program(im)
	ids := map[string]bool{}
	for _, c := range vet.Checks() {
		ids[c.ID] = true
	}
	for i, f := range findings {
		switch {
		case !ids[f.Check]:
			t.Fatalf("unknown check in %v", f)
		case f.Msg == "" || strings.ContainsAny(f.Msg, "\n\x00") || strings.Contains(f.Msg, "%!") || strings.HasSuffix(f.Msg, "."):
			t.Fatalf("message of %v", f)
		case i > 0 && f.Addr < findings[i-1].Addr:
			t.Fatalf("%v is behind %v", f, findings[i-1])
		case i > 0 && f == findings[i-1]:
			t.Fatalf("%v is there twice", f)
		}
	}
	if diff := cmp.Diff(findings, vet.Program(im)); diff != "" {
		t.Fatalf("two calls differ:\n%s", diff)
	}
}

// Whatever parses and links can be vetted.
func FuzzProgram(f *testing.F) {
	for _, file := range glob(f, "testdata/*/*.rseq") {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := ir.Parse("fuzz.rseq", src)
		if err != nil {
			return
		}
		for _, arch := range []abi.Arch{abi.AMD64, abi.S390X} {
			if im, err := ir.Link(p, arch); err == nil {
				holds(t, im)
			}
		}
	})
}

func TestRandomPrograms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		im, err := ir.Link(irtest.Program().Draw(t, "program"), abi.AMD64)
		if err != nil {
			t.Skip(err)
		}
		holds(t, im)
	})
}

// A program as long as one can be, of the shapes that are the worst for a
// fixed point: it takes a bounded time.
func TestLongestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("long programs")
	}
	jumps := func(n int) string { // every instruction but the last goes backwards
		var b strings.Builder
		b.WriteString("func f()\n cs c: start_ip=start post_commit_ip=end abort_ip=abort\nstart:\n jmp l" + strconv.Itoa(n) + "\n")
		for i := range n {
			fmt.Fprintf(&b, "l%d:\n b.eq l%d\n", i+1, max(1, i))
		}
		b.WriteString("end:\n ret\n sig\nabort:\n jmp start\n")
		return b.String()
	}
	loads := func(n int) string { // each id is one more origin, in a loop
		var b strings.Builder
		b.WriteString("percpu x: u64\nfunc f()\n cs c: start_ip=start post_commit_ip=end abort_ip=abort\nstart:\n")
		for i := range n {
			fmt.Fprintf(&b, " ld.4 r%d, [tp + cpu_id]\n add r%d, r%d, r%d\n", i%30, (i+1)%30, i%30, (i+7)%30)
		}
		b.WriteString(" beq r1, r2, start\nend:\n ret\n sig\nabort:\n jmp start\n")
		return b.String()
	}
	sections := func(n int) string {
		var b strings.Builder
		b.WriteString("func f()\n")
		for i := range n {
			fmt.Fprintf(&b, " cs c%d: start_ip=start+%d post_commit_ip=end abort_ip=abort\n", i, i*4)
		}
		b.WriteString("start:\n" + strings.Repeat(" mov r1, c1\n st.8 [tp + rseq_cs], r1\n", 4000) + "end:\n ret\n sig\nabort:\n jmp start\n")
		return b.String()
	}
	handlers := func(n int) string { // each goes on at post_commit_ip, and from there to the end
		var b strings.Builder
		b.WriteString("func f()\n")
		for i := range n {
			fmt.Fprintf(&b, " cs c%d: start_ip=start%d post_commit_ip=commit%d abort_ip=abort%d\n", i, i, i, i)
		}
		for i := range n {
			fmt.Fprintf(&b, " st.8 [tp + rseq_cs], c%d\n jmp start%d\n sig\nabort%d:\n jmp commit%d\nstart%d:\n st.8 [r0], 1\ncommit%d:\n nop\n", i, i, i, i, i, i)
		}
		return b.String() + " ret\n"
	}
	for name, src := range map[string]string{
		"handlers":       handlers(ir.MaxLines / 10),
		"backward jumps": jumps(ir.MaxLines/2 - 8),
		"origins":        loads(ir.MaxLines/2 - 8),
		"sections":       sections(8000),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ir.Parse("", []byte(src))
			if err != nil {
				t.Fatal(err)
			}
			im, err := ir.Link(p, abi.AMD64)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, im)
		})
	}
}
