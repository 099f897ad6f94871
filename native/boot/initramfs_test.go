package boot

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
)

// TestInitramfs has every directory before what is in it, and the files.
func TestInitramfs(t *testing.T) {
	dir := t.TempDir()
	host := filepath.Join(dir, "a file")
	if err := os.WriteFile(host, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := order{Args: []string{"/cases/x", "with \"quotes\"", "\n"}, Env: []string{"A=b"}, Output: "/dev/ttyS1"}
	var b bytes.Buffer
	if err := writeInitramfs(&b, host, o, map[string]string{"/cases/deep/y": host, "/cases/x": host}); err != nil {
		t.Fatal(err)
	}
	var names []string
	content := map[string]string{}
	r := cpio.NewReader(&b)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		content[h.Name] = string(text)
		if isDir := h.Mode&cpio.TypeDir == cpio.TypeDir; isDir == (h.Size > 0) || h.Mode&0o444 != 0o444 {
			t.Errorf("%s has mode %v and %d bytes", h.Name, h.Mode, h.Size)
		}
	}
	want := []string{"dev", "proc", "sys", "tmp", "root", "rseqemu.json", "init", "cases", "cases/deep", "cases/deep/y", "cases/x"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if content["init"] != "text" || content["cases/deep/y"] != "text" {
		t.Errorf("the files are %q", content)
	}
	var got order
	if err := json.Unmarshal([]byte(content["rseqemu.json"]), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o, got); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatAGuestCantHave(t *testing.T) {
	host := filepath.Join(t.TempDir(), "f")
	os.WriteFile(host, nil, 0o600)
	for name, file := range map[string]string{"x": host, "/a/../b": host, "/init": host, "/rseqemu.json": host, "/a/": host, "/dir": t.TempDir(), "/missing": host + "x"} {
		if err := writeInitramfs(io.Discard, host, order{}, map[string]string{name: file}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s from %s: %v", name, file, err)
		}
	}
}
