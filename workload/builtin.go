package workload

import (
	"embed"
	"path"
	"strings"
)

//go:embed builtin
var files embed.FS

// BuiltIns are the names of the workloads that are built in, the published ones
// first.
var BuiltIns = []string{"kernel-build", "kernel-build-v2", "selftests", "selftests-v2", "database", "allocator", "idle"}

// BuiltIn returns the text of a workload that is built in.
func BuiltIn(name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	text, err := files.ReadFile(path.Join("builtin", name+".workload"))
	return text, err == nil
}
