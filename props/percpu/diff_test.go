package percpu

import (
	"strings"
	"testing"
)

const diffText = `const  A = 1

func f()
    nop
    mov   r0, 1
    nop
    ret

func g()
    mov   r0, 1
    ret
`

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, diff, want string
	}{
		{"replace", "What.\n\n@@ g\n-    mov   r0, 1\n+    mov   r0, 2\n     ret\n", strings.Replace(diffText, "r0, 1\n    ret", "r0, 2\n    ret", 1)},
		{"insert", "What.\n\n@@ f\n     mov   r0, 1\n+    fence\n", strings.Replace(diffText, "r0, 1\n    nop", "r0, 1\n    fence\n    nop", 1)},
		{"two hunks", "What.\n\n@@\n-const  A = 1\n+const  A = 2\n@@ g\n-    ret\n+    nop\n", strings.Replace(strings.TrimSuffix(diffText, "    ret\n")+"    nop\n", "A = 1", "A = 2", 1)},
		{"twice", "What.\n\n@@ f\n-    nop\n", "! @@ f: the lines are there more than once:\n    nop\n"},
		{"twice in all", "What.\n\n@@\n-    mov   r0, 1\n", "! @@: the lines are there more than once:\n    mov   r0, 1\n"},
		{"part of a line", "What.\n\n@@ f\n-mov   r0, 1\n", "! @@ f: the lines aren't there:\nmov   r0, 1\n"},
		{"elsewhere", "What.\n\n@@ g\n-    nop\n", "! @@ g: the lines aren't there:\n    nop\n"},
		{"nothing old", "What.\n\n@@ g\n+    nop\n", "! @@ g: the hunk has no old lines"},
		{"no function", "What.\n\n@@ h\n-    nop\n", `! there is no function "h"`},
		{"no mark", "What.\n\n@@ f\nnop\n", `! a hunk's line begins with "n"`},
		{"an empty line", "What.\n\n@@ f\n\n", `! a hunk's line begins with "\n"`},
		{"index", "index: node_id\nWhat.\n\n@@ f\n-    nop\n", `! unknown index "node_id"`},
		{"no hunk", "What.\n", "! there is no hunk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := parseDiff(c.diff)
			got := ""
			if err == nil {
				got, err = d.apply(diffText)
			}
			if err != nil {
				got = "! " + err.Error()
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestDiffHead(t *testing.T) {
	d, err := parseDiff("index: cpu_id\nWhat is\nwrong.\n\n@@ f\n-    nop\n@@ g\n-    ret\n")
	want := diff{index: "cpu_id", comment: "# What is\n# wrong.\n", hunks: "@@ f\n-    nop\n@@ g\n-    ret\n"}
	if err != nil || d != want {
		t.Errorf("got %+v, %v, want %+v", d, err, want)
	}
}
