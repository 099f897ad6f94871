package boot

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/rseqemu/rseqemu/abi"
)

// checkImage says what is wrong with a kernel image before QEMU says it less
// clearly or, which is worse, starts it and nothing happens.
func checkImage(file string, arch abi.Arch) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 0x210)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	got, what := imageArch(head[:n])
	switch {
	case got == "":
		return fmt.Errorf("%s is no kernel image: wanted is a vmlinuz, and it is %s", file, what)
	case got != arch.String():
		return fmt.Errorf("%s is a kernel for %s, not %s", file, got, arch)
	}
	return nil
}

// imageArch returns the architecture that a kernel image is for, by the name
// that [abi.Arch] has, or "" and what the file is instead.
//
// An x86 image that QEMU boots is a bzImage, and on arm64 it is a plain Image,
// one in gzip, or an EFI program with a compressed one in it, which takes QEMU 8.
func imageArch(head []byte) (arch, what string) {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	switch {
	case has(0x202, "HdrS"):
		return abi.AMD64.String(), ""
	case has(56, "ARM\x64"), has(0, "MZ\x00\x00zimg"), has(0, "\x1f\x8b"):
		return abi.ARM64.String(), ""
	case has(0, "\x7fELF"):
		return "", "an ELF file (a vmlinux?)"
	case has(0, "!<arch>\n"):
		return "", "an archive, maybe the package that has one"
	case len(head) == 0:
		return "", "empty"
	case bytes.HasPrefix(head, []byte("MZ")):
		return "", "some other EFI program"
	}
	return "", "something else"
}

// ArchOf returns the architecture that a kernel image is for.
func ArchOf(file string) (abi.Arch, error) {
	if err := checkImage(file, abi.ARM64); err == nil {
		return abi.ARM64, nil
	}
	return abi.AMD64, checkImage(file, abi.AMD64)
}
