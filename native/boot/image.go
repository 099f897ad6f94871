package boot

import (
	"fmt"
	"io"
	"os"

	"github.com/rseqemu/rseqemu/abi"
)

// ArchOf returns the architecture that a kernel image is for. Its error says
// what the file is instead of one, before QEMU says it less clearly or, which is
// worse, starts it and nothing happens.
func ArchOf(file string) (abi.Arch, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	head := make([]byte, 0x210)
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return 0, fmt.Errorf("%s is no kernel image but a directory: wanted is a vmlinuz", file)
	}
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	arch, what := imageArch(head[:n])
	if what != "" {
		return 0, fmt.Errorf("%s is no kernel image but %s: wanted is a vmlinuz", file, what)
	}
	return arch, nil
}

// checkImage says what is wrong with the machine's kernel.
func (m *Machine) checkImage() error {
	arch, err := ArchOf(m.Kernel)
	if err == nil && arch != m.Arch {
		err = fmt.Errorf("%s is a kernel for %v, not %v", m.Kernel, arch, m.Arch)
	}
	return err
}

// imageArch returns the architecture that an image with these first bytes is
// for, or what the file is instead of an image.
//
// An x86 image that QEMU boots is a bzImage, and on arm64 it is a plain Image,
// one in gzip, or an EFI program with a compressed one in it, which takes QEMU 8.
func imageArch(head []byte) (arch abi.Arch, what string) {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	switch {
	case has(0x202, "HdrS"):
		return abi.AMD64, ""
	case has(56, "ARM\x64"), has(0, "MZ\x00\x00zimg"), has(0, "\x1f\x8b"):
		return abi.ARM64, ""
	case has(0, "\x7fELF"):
		return 0, "an ELF file (a vmlinux?)"
	case has(0, "!<arch>\n"):
		return 0, "an archive (the package of one?)"
	case len(head) == 0:
		return 0, "an empty file"
	case has(0, "MZ"):
		return 0, "another EFI program"
	}
	return 0, "something else"
}
