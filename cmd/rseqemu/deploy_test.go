package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestJobsRunWhatThereIs: the Kubernetes jobs' arguments are commands of this
// program, and the number of parts is the same in both places.
func TestJobsRunWhatThereIs(t *testing.T) {
	for _, name := range []string{"job.yaml", "merge.yaml"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "deploy", "kubernetes", name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		one := func(pattern string) string {
			found := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
			if len(found) != 1 {
				t.Fatalf("%s: %q is there %d times", name, pattern, len(found))
			}
			return found[0][1]
		}
		for i, line := range strings.Split(text, "\n") {
			if indent := len(line) - len(strings.TrimLeft(line, " ")); strings.Contains(line, "\t") || indent%2 != 0 || line != strings.TrimRight(line, " ") {
				t.Errorf("%s:%d: %q isn't indented as YAML is", name, i+1, line)
			}
		}
		var args []string
		if err := json.Unmarshal([]byte(one(`(?m)^          args: (\[.*\])$`)), &args); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a := &app{out: newOutput(nil), err: newOutput(nil)}
		tryExample(t, a.root(), args)
		one(`(?m)^(kind: Job)$`)
		one(`(?m)^(apiVersion: batch/v1)$`)
		if name == "merge.yaml" {
			continue
		}
		one(`(?m)^  (completionMode: Indexed)$`)
		completions := one(`(?m)^  completions: (\d+)$`)
		if shards := one(`(?m)- name: RSEQEMU_SHARDS\n +value: "(\d+)"$`); shards != completions {
			t.Errorf("%s: %s completions, but %s shards", name, completions, shards)
		}
	}
}
