package lifttest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
)

// Guest is how an instruction set runs under QEMU.
type Guest struct {
	QEMU    string // the program's name, qemu-aarch64
	CPU     string // -cpu
	Machine elf.Machine
	// Driver is the machine code at CodeBase, up to StubBase. It reads a record
	// to Block from file 0, and ends if there is none; sets registers as it says
	// and jumps to what it has in Stub; and, once there, is jumped back to.
	Driver []byte
	// Stub is the machine code of the instructions with the rest of what is
	// around them; skip is how many bytes precede them.
	Stub func(at ir.Addr, code []byte) (stub []byte)
	Skip int
}

// The guest's memory, which is all writable and executable. The window is
// where the program's data is in the emulator.
const (
	CodeBase   ir.Addr = 0x180000
	StubBase   ir.Addr = CodeBase + 0x1000
	Block              = Window - 8*Slots
	Window             = ir.DataBase
	WindowSize         = 256
)

// A record is a block of slots of eight bytes each, and the window behind it:
// the instruction set's registers by number, then what follows.
const (
	SlotFlags   = 32 + iota // as the processor has them
	SlotPointer             // the thread pointer, if it is no numbered register
	SlotStub                // in: where to jump to; out: 1 if the branch was taken
	_
	Slots
	RecordSize = 8*Slots + WindowSize
)

// record is a state of the processor and the window.
type record struct {
	Slot   [Slots]uint64
	Window [WindowSize]byte
}

// find returns QEMU's path, also under the name that its static build has, or
// skips the test.
func (g *Guest) find(t *testing.T) string {
	for _, name := range []string{g.QEMU, g.QEMU + "-static"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("%s isn't here (Debian: qemu-user)", g.QEMU)
	return ""
}

// executable is a static executable with the driver and the stubs, of one
// segment.
func (g *Guest) executable(stubs []byte) []byte {
	const page = 4096
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(g.Machine), Version: uint32(elf.EV_CURRENT), Entry: uint64(CodeBase),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	copy(header.Ident[:], elf.ELFMAG+string([]byte{byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}))
	code := make([]byte, int(StubBase-CodeBase)+len(stubs))
	copy(code, g.Driver)
	copy(code[StubBase-CodeBase:], stubs)
	segment := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W | elf.PF_X), Off: page, Vaddr: uint64(CodeBase), Paddr: uint64(CodeBase),
		Filesz: uint64(len(code)), Memsz: uint64(Window + page - CodeBase), Align: page,
	}
	var file bytes.Buffer
	binary.Write(&file, binary.LittleEndian, header)
	binary.Write(&file, binary.LittleEndian, segment)
	file.Write(make([]byte, page-file.Len()))
	file.Write(code)
	return file.Bytes()
}

// run has QEMU make of each record what the processor makes of it. There are
// fewer results if the guest dies.
func (g *Guest) run(t *testing.T, qemu string, stubs []byte, in []record) (out []record, end error) {
	dir := t.TempDir()
	program, stdin := filepath.Join(dir, "guest"), filepath.Join(dir, "in")
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, in)
	if err := os.WriteFile(stdin, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, g.executable(stubs), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(stdin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.CommandContext(t.Context(), qemu, "-cpu", g.CPU, program)
	cmd.Stdin = f
	got, end := cmd.Output()
	out = make([]record, len(got)/RecordSize)
	if err := binary.Read(bytes.NewReader(got), binary.LittleEndian, out); err != nil {
		t.Fatal(err)
	}
	return out, end
}
