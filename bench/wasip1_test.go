package bench

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// TestTraceIsTheSameInWebAssembly is here because wazero is: it runs the
// command that hashes a thousand runs of the emulator, built for WebAssembly,
// and holds it against the result that all platforms have.
func TestTraceIsTheSameInWebAssembly(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a command for WebAssembly")
	}
	const command = "../emu/internal/tracehash"
	want, err := os.ReadFile(filepath.Join(command, "testdata", "trace.golden"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tracehash.wasm")
	build := exec.Command("go", "build", "-o", file, ".")
	build.Dir = command
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	var got, messages bytes.Buffer
	if _, err := rt.InstantiateWithConfig(ctx, binary, wazero.NewModuleConfig().WithStdout(&got).WithStderr(&messages)); err != nil {
		t.Fatalf("%v\n%s", err, messages.String())
	}
	if got.String() != string(want) {
		t.Errorf("in WebAssembly the trace is\n%swant\n%s", got.String(), want)
	}
}
