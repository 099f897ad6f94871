package hunk

import (
	"strings"
	"testing"
)

const sample = `const  A = 1

func f()
    nop
    mov   r0, 1
    nop
    ret

func g()
    mov   r0, 1
    ret

func (m *machine) method(s string) {
    return
}
`

// TestApply: a hunk fits one place, or it is an error.
func TestApply(t *testing.T) {
	for _, c := range []struct {
		name, hunks, want string
	}{
		{"replace", "@@ g\n-    mov   r0, 1\n+    mov   r0, 2\n     ret\n", strings.Replace(sample, "r0, 1\n    ret", "r0, 2\n    ret", 1)},
		{"insert", "@@ f\n     mov   r0, 1\n+    fence\n", strings.Replace(sample, "r0, 1\n    nop", "r0, 1\n    fence\n    nop", 1)},
		{"two hunks", "@@\n-const  A = 1\n+const  A = 2\n@@ g\n-    ret\n+    nop\n", strings.Replace(strings.Replace(sample, "r0, 1\n    ret", "r0, 1\n    nop", 1), "A = 1", "A = 2", 1)},
		{"method", "@@ method\n-    return\n+    panic(s)\n", strings.Replace(sample, "return", "panic(s)", 1)},
		{"twice", "@@ f\n-    nop\n", "! @@ f: the lines are there more than once:\n    nop\n"},
		{"twice in all", "@@\n-    mov   r0, 1\n", "! @@: the lines are there more than once:\n    mov   r0, 1\n"},
		{"part of a line", "@@ f\n-mov   r0, 1\n", "! @@ f: the lines aren't there:\nmov   r0, 1\n"},
		{"elsewhere", "@@ g\n-    nop\n", "! @@ g: the lines aren't there:\n    nop\n"},
		{"nothing old", "@@ g\n+    nop\n", "! @@ g: the hunk has no old lines"},
		{"no function", "@@ h\n-    nop\n", `! there is no function "h"`},
		{"no mark", "@@ f\nnop\n", `! a hunk's line begins with "n"`},
		{"an empty line", "@@ f\n\n", `! a hunk's line begins with "\n"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Apply(sample, c.hunks)
			if err != nil {
				got = "! " + err.Error()
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	head, hunks, err := Cut("What.\n\n@@ f\n-    nop\n@@ g\n-    ret\n")
	if head != "What.\n" || hunks != "@@ f\n-    nop\n@@ g\n-    ret\n" || err != nil {
		t.Errorf("%q, %q, %v", head, hunks, err)
	}
	if _, _, err := Cut("What.\n"); err == nil {
		t.Error("there is no hunk, and no error")
	}
}
