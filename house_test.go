package rseqemu_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rseqemu/rseqemu"

// rooms lists, for each package, which others of the module it may import and
// which of the world's; the standard library is free.
var rooms = map[string]struct{ rooms, world []string }{
	".":             {},
	"abi":           {},
	"ir":            {rooms: []string{"abi"}},
	"ir/vet":        {rooms: []string{"abi", "ir"}},
	"ir/live":       {rooms: []string{"abi", "ir"}},
	"ir/symmetry":   {rooms: []string{"abi", "ir", "ir/live"}},
	"vcpu":          {rooms: []string{"abi", "ir"}},
	"emu":           {rooms: []string{"abi", "ir", "ir/live", "ir/symmetry", "vcpu"}},
	"explore":       {rooms: []string{"abi", "ir", "ir/symmetry", "vcpu", "emu"}, world: []string{"github.com/zeebo/xxh3"}},
	"props":         {rooms: []string{"abi", "ir", "ir/symmetry", "vcpu", "emu", "explore"}, world: []string{"github.com/anishathalye/porcupine"}},
	"props/percpu":  {rooms: []string{"abi", "ir", "internal/hunk"}},
	"props/debates": {rooms: []string{"abi", "ir"}},
	"promela":       {rooms: []string{"abi", "ir", "vcpu", "emu"}},
	"props/gen":     {rooms: []string{"abi", "ir", "emu", "explore"}, world: []string{"pgregory.net/rapid"}},
	"mmcid":         {},
	"lift":          {rooms: []string{"abi", "ir", "lift/isa", "lift/elf", "lift/amd64", "lift/arm64", "lift/riscv64"}},
	"lift/trial":    {rooms: []string{"abi", "ir", "ir/live", "vcpu", "lift", "lift/elf"}},
	"lift/isa":      {rooms: []string{"ir"}},
	"lift/elf":      {rooms: []string{"abi", "ir"}},
	"lift/amd64":    {rooms: []string{"ir", "lift/isa"}},
	"lift/arm64":    {rooms: []string{"ir", "lift/isa"}},
	"lift/riscv64":  {rooms: []string{"ir", "lift/isa"}},
	"lift/lint":     {rooms: []string{"abi", "ir", "lift/isa", "lift/elf", "lift/amd64", "lift/arm64", "lift/riscv64"}},
	"workload":      {rooms: []string{"ir", "emu"}},
	"report":        {rooms: []string{"abi", "ir", "vcpu", "emu", "explore", "lift", "workload"}},
	"fuzz":          {},
	"conform":       {rooms: []string{"abi", "ir", "emu", "props/percpu"}, world: []string{"github.com/google/go-cmp/cmp", "github.com/google/go-cmp/cmp/cmpopts", "golang.org/x/tools/txtar"}},
	"native":        {rooms: []string{"abi", "ir", "conform"}, world: []string{"golang.org/x/sys/unix"}},
	"stress":        {rooms: []string{"abi", "ir", "emu", "explore", "props", "native"}},
	"native/boot":   {rooms: []string{"abi"}, world: []string{"github.com/cavaliergopher/cpio", "golang.org/x/sys/unix"}},
	"native/debian": {rooms: []string{"abi"}},
	"cmd/rseqemu":   {rooms: []string{"abi", "ir", "ir/vet", "vcpu", "emu", "explore", "promela", "props", "props/debates", "props/percpu", "report", "conform", "native", "native/boot", "native/debian", "lift", "lift/elf", "lift/lint", "lift/trial", "workload", "stress"}, world: []string{"github.com/rogpeppe/go-internal/diff", "github.com/spf13/cobra", "github.com/zeebo/xxh3"}},
}

// TestARoomImportsOnlyRoomsAboveIt holds the house's plan against the code.
func TestARoomImportsOnlyRoomsAboveIt(t *testing.T) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		file = filepath.ToSlash(file)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (file == "bench" || d.Name() == "testdata" || d.Name() == "internal" || strings.HasPrefix(d.Name(), ".") && file != "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		room, ok := rooms[path.Dir(file)]
		if !ok {
			t.Errorf("%s: the plan has no room %q", file, path.Dir(file))
			return nil
		}
		for _, spec := range f.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			inside, isOurs := strings.CutPrefix(imp, module+"/")
			switch {
			case isOurs && !slices.Contains(room.rooms, inside):
				t.Errorf("%s imports %s, which isn't above it", file, inside)
			case !isOurs && strings.Contains(strings.Split(imp, "/")[0], ".") && !slices.Contains(room.world, imp):
				t.Errorf("%s imports %s", file, imp)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
