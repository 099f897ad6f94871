package ir_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// errorCases are texts and the error of Parse or, if they parse, of Link.
var errorCases = []struct {
	name string
	src  string
	want string
}{
	// Lines.
	{"unknown declaration", "cnst A = 1", `1:1: unknown declaration "cnst"; did you mean "const"?`},
	{"unknown word", "hello", `1:1: unknown declaration "hello"`},
	{"no word", "\n  = 3", `2:3: expected a declaration, a label or an instruction, found "="`},
	{"instruction outside", "mov r1, r2", `1:1: an instruction outside of a function`},
	{"bundle outside", "{ nop }", `1:1: an instruction outside of a function`},
	{"label outside", "retry:", `1:1: a label outside of a function`},
	{"sig outside", "const A = 1\nsig", `2:1: sig outside of a function`},
	{"code behind label", "func f()\nretry: nop", `2:8: a label stands on a line of its own`},
	{"label is a register", "func f()\nr1:", `2:1: "r1" is a register; expected a label`},
	{"declaration for a label", "data: u8", `1:5: expected a name, found ":"`},
	{"typo in a function", "func f()\n  thred: f", `2:10: a label stands on a line of its own`},

	// Constants and data.
	{"constant without value", "const A", `1:8: expected "=", found the end of the line`},
	{"constant of a symbol", "const A = B", `1:11: expected a number, found "B"`},
	{"register's name", "const r5 = 1", `1:7: "r5" is a register; expected a name`},
	{"register's name of another machine", "data r77: u8", `1:6: "r77" is a register; expected a name`},
	{"long name", "const " + strings.Repeat("a", 65) + " = 1", `1:7: a name has at most 64 characters, not 65`},
	{"name with a dot", "data a.b: u8", `1:7: a name has no dot`},
	{"type", "data a: i8", `1:9: unknown type "i8" (u8, u16, u32, u64)`},
	{"no type", "data a: 8", `1:9: expected a type (u8, u16, u32, u64), found "8"`},
	{"no elements", "data a: u8[0]", `1:12: number of elements is 1 to 65536`},
	{"many elements", "data a: u8[65537]", `1:12: number of elements is 1 to 65536`},
	{"many values", "data a: u8[2] = 1, 2, 3", `1:23: more values than the 2 of "a"`},
	{"missing value", "data a: u8[2] = 1,", `1:19: expected a value, found the end of the line`},
	{"place of data", "data a: u8 @ 4", `1:12: only tls data has a place`},

	// Functions.
	{"no parentheses", "func f", `1:7: expected "(", found the end of the line`},
	{"parameters", "func f(a b)", `1:10: expected ",", found "b"`},
	{"open parentheses", "func f(a,", `1:10: expected a parameter, found the end of the line`},
	{"many parameters", "func f(a, b, c, d, e, f, g)", `1:1: a function has at most 6 parameters, not 7`},
	{"cs after code", "func f()\nnop\ncs x: start_ip=1", `3:1: cs stands before the first line of code`},
	{"cs without start", "func f()\ncs x: abort_ip=1", `2:7: start_ip is missing`},
	{"cs without end", "func f()\ncs x: start_ip=1 abort_ip=1", `2:7: one of post_commit_ip and post_commit_offset is needed`},
	{"cs with two ends", "func f()\ncs x: start_ip=1 post_commit_ip=1 post_commit_offset=1 abort_ip=1", `2:7: one of post_commit_ip and post_commit_offset is needed`},
	{"cs without abort", "func f()\ncs x: start_ip=1 post_commit_ip=1", `2:7: abort_ip is missing`},
	{"cs field", "func f()\ncs x: strat_ip=1", `2:7: unknown field "strat_ip"; did you mean "start_ip"?`},
	{"cs field twice", "func f()\ncs x: start_ip=1 start_ip=2", `2:18: start_ip is given twice`},
	{"cs version", "func f()\ncs x: version=0x100000000", `2:15: the field has 32 bits`},
	{"sig", "func f()\nsig 0x100000000", `2:5: a signature has 32 bits`},

	// Scripts, handlers, setup.
	{"thread without colon", "thread push", `1:8: expected ":", found "push"`},
	{"call without name", "thread: push 1; 2", `1:17: expected a function, found "2"`},
	{"script ends in ;", "thread: push 1;", `1:16: expected a function, found the end of the line`},
	{"seven arguments", "thread: f 1, 2, 3, 4, 5, 6, 7", `1:29: a function has at most 6 arguments`},
	{"arguments without comma", "thread: f 1 2", `1:13: expected the end of the line, found "2"`},
	{"CPU", "thread on 64: f", `1:11: CPU is 0 to 63`},
	{"CPUs", "thread on 3-1: f", `1:13: CPU is 3 to 63`},
	{"signal", "handler SIGUSR3: f", `1:9: unknown signal "SIGUSR3"; did you mean "SIGUSR1"?`},
	{"no CPUs", "cpus 0", `1:6: number of CPUs is 1 to 64`},
	{"negative CPUs", "cpus -1", `1:6: number of CPUs is 1 to 64`},
	{"twice", "cpus 1\n\ncpus 2", `3:1: cpus is given twice, first in line 1`},
	{"registration", "register later", `1:10: expected full, legacy or none, found "later"`},
	{"no kernels", "kernels # none", `1:9: expected kernel patterns, such as 6.3.., found the end of the line`},
	{"no budget", "budget", `1:7: expected an event, such as preempt=2, found the end of the line`},
	{"budget twice", "budget a=1 a=2", `1:12: "a" has two bounds`},
	{"bound", "budget a=-1", `1:10: bound is 0 to 2147483647`},

	// Conditions.
	{"no condition", "final", `1:6: expected a number, a name or "(", found the end of the line`},
	{"open", "final (1", `1:9: expected ")", found the end of the line`},
	{"no operand", "final 1 +", `1:10: expected a number, a name or "(", found the end of the line`},
	{"one equals sign", "final a = 1", `1:9: expected the end of the line, found "="`},
	{"comparisons", "final 1 < 2 < 3", `1:13: comparisons in a row need parentheses`},
	{"not", "final !a", `1:7: expected a number, a name or "(", found "!"`},
	{"minus", "final -a", `1:7: only a number or an errno can be negative, not "a"`},
	{"address", "final &1", `1:8: expected the name of data, found "1"`},
	{"list", "final list(a)", `1:13: expected ",", found ")"`},
	{"deep", "final " + strings.Repeat("(", 100), `1:72: the expression is nested too deeply (at most 64)`},
	{"long", "final 1" + strings.Repeat("+1", 1000), `1:1007: the expression is too long (at most 500 names and numbers)`},

	// No text.
	{"zero byte", "const A = 1\nELF\x00", `2:4: this is no text: a zero byte`},
	{"control character", "\x1b[1m", `1:1: this is no text: control character U+001B`},
	{"return", "nop\rnop", `1:4: this is no text: control character U+000D`},
	{"UTF-8", "# \xff", `1:3: this is no text: invalid UTF-8`},

	// Linking.
	{"defined twice", "const A = 1\n  data A: u8", `2:3: "A" is defined twice`},
	{"built in", "data flags: u8", `1:1: "flags" is built in`},
	{"label twice", "func f()\nx:\n x:\n nop", `3:2: label "x" is defined twice in f`},
	{"label and name", "data x: u8\nfunc f()\nx:\nnop", `3:1: label "x" is also a global name`},
	{"undefined", "data node: u8\nfunc f()\nmov r1, nodde", `3:1: "nodde" is not defined; did you mean "node"?`},
	{"undefined in an address", "func f()\nld.8 r1, [x]", `2:1: "x" is not defined`},
	{"undefined label", "func f()\nretry:\njmp rety", `3:1: "rety" is not defined; did you mean "retry"?`},
	{"branch to data", "data x: u8\nfunc f()\njmp x", `3:1: "x" is no instruction to go to`},
	{"branch to a signature", "func f()\njmp x\nx:\nsig\nnop", `2:1: "x" is no instruction to go to`},
	{"branch to the end", "func f()\njmp x\nx:", `2:1: "x" is no instruction to go to`},
	{"label elsewhere", "func f()\nx:\nnop\nfunc g()\njmp x", `5:1: "x" is not defined`},
	{"label in data", "func f()\nx:\nnop\n\ndata d: u64 = x", `5:1: "x" is not defined`},
	{"label in cs", "func f()\ncs c: start_ip=a post_commit_ip=a abort_ip=a\nnop", `2:1: "a" is not defined`},
	{"value too large", "data d: u8 = 256", `1:1: 256 does not fit into 8 bits`},
	{"value too small", "data d: u16[2] = 0, -32769", `1:1: -0x8001 does not fit into 16 bits`},
	{"address too large", "data d: u8 = d", `1:1: d does not fit into 8 bits`},
	{"data too large", "data a: u8\ndata b: u8[65536]", `2:1: data "b" does not fit: more than 65536 bytes`},
	{"tls too far", "tls a: u8 @ 65536", `1:1: tls "a" at 65536 is out of range (-65536..65536)`},
	{"tls overlap", "tls a: u64 @ -8\ntls b: u32 @ -4", `2:1: tls "b" overlaps with "a"`},
	{"tls overlap backwards", "tls a: u32 @ -4\ntls b: u64 @ -8", `2:1: tls "b" overlaps with "a"`},
	{"tls overlap placed", "tls a: u32\ntls b: u64 @ 64", `2:1: tls "b" overlaps with "a"`},
	{"script", "func push()\nret\nthread: psh", `3:9: there is no function "psh"; did you mean "push"?`},
	{"script's argument", "func f()\nret\nthread: f; f x", `3:12: "x" is not defined`},
	{"empty function", "func f()\nthread: f", `2:9: function "f" does not begin with an instruction`},
	{"signature first", "func f()\nsig\nret\nthread: f", `4:9: function "f" does not begin with an instruction`},
	{"thread elsewhere", "cpus 2\nfunc f()\nret\nthread on 2: f", `4:1: the thread's CPUs are more than the machine's 2`},
	{"handler", "handler SIGUSR1: f", `1:1: there is no function "f"`},
	{"handler twice", "func f()\nret\nhandler SIGUSR1: f\nhandler 10: f", `4:1: SIGUSR1 has two handlers`},
	{"handler of SIGKILL", "func f()\nret\nhandler SIGKILL: f", `3:1: SIGKILL can't have a handler`},
	{"spec", "spec stack(push)", `1:1: there is no function "push"`},
	{"norace", "data head: u64\nnorace head, haed", `2:1: there is no data "haed"; did you mean "head"?`},
	{"blocks", "func f()\n ret\nblocks 16 free(f, g)", `3:1: there is no function "g"`},
	{"blocks twice", "func f()\n ret\nblocks 16 alloc(f) free(f)", `3:1: function "f" is named twice`},
	{"blocks size", "blocks 0 free(f)", `1:8: number of bytes is 1 to 65536`},
	{"blocks word", "blocks 16 fre(f)", `1:11: expected alloc, free or retire, found "fre"`},
	{"blocks word twice", "blocks 16 free(f) free(g)", `1:19: free is given twice`},
	{"blocks without functions", "blocks 16 free()", `1:11: free needs a function`},
	{"blocks never freed", "blocks 16 alloc(f)", `1:19: expected free or retire: nothing frees a block, found the end of the line`},
	{"norace of nothing", "norace", `1:7: expected data, found the end of the line`},
	{"spec word", "func f()\n ret\nspec stack(f) linear", `3:15: expected the end of the line, found "linear"`},
	{"nodes", "cpus 2\nnodes 3", `2:1: 3 nodes are more than the 2 CPUs`},
	{"name in a condition", "final x", `1:7: "x" is not defined`},
	{"function in a condition", "func f()\nret\nfinal f", `3:7: "f" is neither data nor a constant`},
	{"percpu in a condition", "percpu x: u8\nfinal x", `2:7: "x" is percpu data: there is more than one`},
	{"tls in a condition", "tls x: u8\nfinal x", `2:7: "x" is tls data: there is more than one`},
	{"index", "const x = 1\nfinal x[0]", `2:7: there is no data "x"`},
	{"sum of tls", "tls x: u8\nfinal sum(x)", `2:7: "x" is tls data, which conditions can't see`},
	{"calls", "final calls(f)", `1:7: there is no function "f"`},
}

func TestErrors(t *testing.T) {
	for _, c := range errorCases {
		t.Run(c.name, func(t *testing.T) {
			p, err := ir.Parse("x.rseq", []byte(c.src))
			if err != nil {
				checkError(t, err, []byte(c.src))
			} else {
				_, err = ir.Link(p, abi.AMD64)
			}
			if want := "x.rseq:" + c.want; err == nil || err.Error() != want {
				t.Errorf("%s\n got %v\nwant %s", c.src, err, want)
			}
		})
	}
}

// What is too large is refused by its size alone.
func TestTooLarge(t *testing.T) {
	_, err := ir.Parse("big", bytes.Repeat([]byte("\xff"), 10<<20))
	if want := "big: a source of 10485760 bytes is too large (at most 1048576)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	lines := "func f()\n" + strings.Repeat("nop\n", ir.MaxLines)
	if _, err := ir.Parse("", []byte(lines)); err != nil {
		t.Error(err)
	}
	_, err = ir.Parse("", []byte(lines+" ret"))
	if want := "16386:2: a program has at most 16384 lines of code"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Texts that make a sloppy reader quadratic, or its output much larger than its
// input. Each is about as large as a source may be.
func TestHostile(t *testing.T) {
	fill := func(begin, part, end string) string {
		return begin + strings.Repeat(part, (ir.MaxSource-len(begin)-len(end))/len(part)) + end
	}
	wide := fill("const a = 1 # c\nthread: ", "f;", "f # c\nthread: f # c\n")
	var names strings.Builder
	for i := 0; names.Len() < ir.MaxSource-100; i++ {
		names.WriteString("data a" + strings.Repeat("b", i%50) + "_" + strings.Repeat("c", i/50%50) + ": u8\n")
	}
	for name, src := range map[string]string{
		"blank lines":   fill("", "\n", ""),
		"comments":      fill("", "#\n", ""),
		"one comment":   fill("#", " ", "x"),
		"spaces":        fill("", " ", "x"),
		"parentheses":   fill("final ", "(", ""),
		"sum":           fill("final 1", "+1", ""),
		"calls":         fill("thread:f", ";f", ""),
		"wide line":     wide,
		"budget":        fill("budget", " a=1", ""),
		"names":         names.String(),
		"quotes":        fill("", "'", ""),
		"long name":     fill("", "a", ""),
		"digits":        fill("const a = ", "1", ""),
		"labels":        fill("func f()\n", "a:\n", ""),
		"minus":         fill("final ", "-", "1"),
		"functions":     fill("", "func a()\n", ""),
		"kernels":       fill("kernels", " 6", ""),
		"dots":          fill("func f()\nmov", ".4", ""),
		"threads":       fill("", "thread:\n", ""),
		"trail columns": fill(strings.Repeat("a", 60)+": #\n", "const a = 1 # c\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ir.Parse("x", []byte(src))
			if err != nil {
				checkError(t, err, []byte(src))
				return
			}
			if text := p.String(); len(text) > 20*ir.MaxSource {
				t.Errorf("%d bytes of source make %d of text", len(src), len(text))
			}
			if _, err := ir.Link(p, abi.ARM64); err != nil && len(err.Error()) > 500 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestSnippet(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"func f()\n\tmov\tr1, r99 # oops", "\tmov\tr1, r99 # oops\n\t   \t    ^"},
		{"# ä\nfunc f()\n  mov ä, r1", "  mov ä, r1\n      ^"},
		{"const A", "const A\n       ^"},
		{"const A = 1\r\nconst B\r\n", "const B\n       ^"},
		{"const A = \x01", "const A = ?\n          ^"},
	} {
		_, err := ir.Parse("", []byte(c.src))
		var syn *ir.SyntaxError
		if !errors.As(err, &syn) {
			t.Errorf("%s: got %v", c.src, err)
			continue
		}
		if got := syn.Snippet(); got != c.want {
			t.Errorf("%q:\n%s\nwant\n%s", c.src, got, c.want)
		}
	}
	// Of a long line, the part around the column.
	long := "const A = " + strings.Repeat("ä", 1000) + "$"
	err := &ir.SyntaxError{Pos: ir.Pos{Line: 1, Col: 1011}, Line: long}
	got := strings.Split(err.Snippet(), "\n")
	if len(got[0]) > 130 || len([]rune(got[1])) > 70 || !strings.HasSuffix(got[1], "^") {
		t.Errorf("snippet %q", got)
	}
	if got := (&ir.SyntaxError{Msg: "too large"}).Snippet(); got != "" {
		t.Errorf("snippet without a position: %q", got)
	}
}
