package percpu

import "testing"

func TestDiffHead(t *testing.T) {
	d, err := parseDiff("index: cpu_id\nWhat is\nwrong.\n\n@@ f\n-    nop\n@@ g\n-    ret\n")
	want := diff{index: "cpu_id", comment: "# What is\n# wrong.\n", hunks: "@@ f\n-    nop\n@@ g\n-    ret\n"}
	if err != nil || d != want {
		t.Errorf("got %+v, %v, want %+v", d, err, want)
	}
	for text, want := range map[string]string{
		"index: node_id\nWhat.\n\n@@ f\n-    nop\n": `unknown index "node_id"`,
		"What.\n": "there is no hunk",
	} {
		if _, err := parseDiff(text); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}
