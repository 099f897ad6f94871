package amd64_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/amd64"
	"github.com/rseqemu/rseqemu/lift/isa"
	"golang.org/x/arch/x86/x86asm"
)

// oracleLen is the length that x86asm gives an instruction, or 0 if it has none.
// It takes endbr64 for a repeated nothing of one byte, and prefixes that belong
// to nothing for instructions of their own. It doesn't know AVX.
func oracleLen(code []byte) int {
	if bytes.HasPrefix(code, []byte{0xf3, 0x0f, 0x1e, 0xfa}) {
		return 4
	}
	if i := slices.IndexFunc(code, func(b byte) bool { return !slices.Contains(prefixes, b) }); i >= 0 && slices.Contains(avx, code[i]) {
		return 0
	}
	in, err := x86asm.Decode(code[:min(len(code), ir.MaxSize)], 64)
	if err != nil || in.Op == 0 {
		return 0
	}
	return in.Len
}

var (
	prefixes = []byte{0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3}
	avx      = []byte{0xc4, 0xc5, 0x62}
)

// agree holds the length of what Decode decodes, and of what it doesn't lift,
// against the oracle's.
func agree(t interface{ Errorf(string, ...any) }, code []byte) (decoded, known bool) {
	in, err := amd64.Decode(code, at)
	n := oracleLen(code)
	if u := new(isa.Unsupported); errors.As(err, &u) {
		if n != 0 && n != len(u.Code) {
			t.Errorf("% x: unsupported, of %d bytes, and of %d for x86asm", code, len(u.Code), n)
		}
		return false, false
	}
	if n != 0 && n != int(in.IR.Len()) {
		t.Errorf("% x: %q has %d bytes, and %d for x86asm", code, in.Text, in.IR.Len(), n)
	}
	return true, n != 0
}

func TestLengthsAreX86asms(t *testing.T) {
	decoded, known := 0, 0
	for _, l := range readGolden(t) {
		if l.code == nil {
			continue
		}
		d, k := agree(t, l.code)
		if d {
			decoded++
		}
		if k {
			known++
		}
	}
	if known < decoded*9/10 {
		t.Errorf("x86asm knows %d of %d instructions", known, decoded)
	}
}

// TestLengthsOfEveryOpening goes through every opening of one and two opcode
// bytes with the prefixes that matter, and every kind of ModRM byte or with -long
// every one.
func TestLengthsOfEveryOpening(t *testing.T) {
	decoded := 0
	for _, prefix := range []string{"", "\x66", "\x48", "\x45", "\xf3", "\xf2", "\x64", "\xf0", "\x66\x4f", "\x2e"} {
		for _, escape := range []string{"", "\x0f"} {
			for op := range 256 {
				for modrm := range 256 {
					if !*long && (modrm+op)%9 != 0 {
						continue
					}
					code := append([]byte(prefix+escape), byte(op), byte(modrm), 0x25, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88)
					if d, _ := agree(t, code); d {
						decoded++
					}
				}
			}
		}
	}
	if decoded < 100_000/9 {
		t.Errorf("%d openings are decoded", decoded)
	}
}

func TestLengthsOfRandomBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 4))
	code := make([]byte, 20)
	for range 100_000 {
		for i := range code {
			code[i] = byte(r.Uint32())
		}
		agree(t, code[:1+r.IntN(len(code))])
	}
}

// TestTextIsObjdumps has objdump disassemble everything in the golden file.
func TestTextIsObjdumps(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("there is no objdump")
	}
	var all []byte
	want := map[string]string{} // by address
	for _, l := range readGolden(t) {
		if in, err := amd64.Decode(l.code, at+ir.Addr(len(all))); err == nil {
			want[fmt.Sprintf("%x", uint64(in.Addr))] = in.Text
			all = append(all, l.code...)
		}
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, all, 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(objdump, "-D", "-w", "-b", "binary", "-m", "i386:x86-64", "--no-show-raw-insn", fmt.Sprintf("--adjust-vma=%#x", at), file).Output()
	if err != nil {
		t.Skipf("objdump doesn't know x86-64: %v", err)
	}
	seen := 0
	for _, s := range strings.Split(string(out), "\n") {
		where, text, ok := strings.Cut(s, ":\t")
		if !ok {
			continue
		}
		seen++
		text = objdumps(text)
		if got := want[strings.TrimSpace(where)]; got != text {
			t.Errorf("at %s: %q, and for objdump %q", strings.TrimSpace(where), got, text)
		}
	}
	if seen != len(want) {
		t.Errorf("objdump finds %d instructions in %d", seen, len(want))
	}
}

var (
	spaces  = regexp.MustCompile(` +`)
	byOne   = regexp.MustCompile(`^((?:lock )?(?:shl|shr|sar|rol|ror)[bwlq]?) ([^,]+)$`)
	rexOnly = regexp.MustCompile(`\brex(\.[WRXB]+)? `)
)

// objdumps is a line of objdump's without padding and comments, and, from old
// ones, with the 1 of a shift by one.
func objdumps(s string) string {
	s, _, _ = strings.Cut(s, "#")
	s = strings.TrimSpace(spaces.ReplaceAllString(s, " "))
	s = rexOnly.ReplaceAllString(s, "")
	return byOne.ReplaceAllString(s, "$1 $$1,$2")
}
