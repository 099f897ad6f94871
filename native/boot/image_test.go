package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

func at(offset int, magic string) string { return strings.Repeat("\x00", offset) + magic }

func TestArchOf(t *testing.T) {
	for _, c := range []struct{ head, want string }{
		{at(0x202, "HdrS"), "amd64"},
		{"MZ" + at(54, "ARM\x64"), "arm64"},
		{"MZ\x00\x00zimg", "arm64"},
		{"\x1f\x8b\x08", "arm64"},
		{"", "no kernel image but an empty file"},
		{"\x7fELF\x02", "no kernel image but an ELF file"},
		{"!<arch>\ndebian-binary", "no kernel image but an archive"},
		{"MZ", "no kernel image but another EFI program"},
		{at(0x202, "Hdr"), "no kernel image but something else"},
	} {
		file := filepath.Join(t.TempDir(), "vmlinuz")
		if err := os.WriteFile(file, []byte(c.head), 0o600); err != nil {
			t.Fatal(err)
		}
		arch, err := ArchOf(file)
		if err == nil && arch.String() != c.want || err != nil && !strings.Contains(err.Error(), file+" is "+c.want) {
			t.Errorf("%q: %v, %v", c.head, arch, err)
		}
		m := Machine{Kernel: file, Arch: abi.AMD64}
		if err := m.checkImage(); (err == nil) != (c.want == "amd64") {
			t.Errorf("%q for amd64: %v", c.head, err)
		}
	}
	if _, err := ArchOf(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Error(err)
	}
}
