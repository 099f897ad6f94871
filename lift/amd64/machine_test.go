package amd64_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rseqemu/rseqemu/ir"
)

// The machine under the test runs instructions in a program of its own: a driver
// that for each state loads all registers, the flags, the fs base and the window
// of memory, goes to an instruction, and writes down what came of it. Nobody
// stops it in between. What it has in the end is its output.
//
//	code   the driver, then each instruction with a jump behind it to where
//	       falling through is noted, and one to where having branched is
//	window what instructions access
//	notes  the driver's variables and stack
//	states one behind the other, each overwritten by its outcome
const (
	codeAt   = uint64(ir.CodeBase)
	windowAt = uint64(ir.DataBase)
	notesAt  = 0x300000
	statesAt = 0x1000000

	noteCurrent = notesAt // the state that it is at
	noteEnd     = notesAt + 8
	noteJump    = notesAt + 16 // where it goes to
	noteTaken   = notesAt + 24
	noteSaved   = notesAt + 64
	stackAt     = notesAt + 0xf00
)

// windowSize is the length of the window.
const windowSize = 512

// state is all that an instruction can read or write.
type state struct {
	R      [16]uint64 // by x86-64's numbers
	Flags  uint64
	FSBase uint64
	Code   uint64 // the instruction's address
	Taken  uint64 // 1 if it didn't go on behind itself; an outcome
	Window [windowSize]byte
}

const (
	atFlags, atFSBase, atCode, atTaken, atWindow = 128, 136, 144, 152, 160
	stateSize                                    = atWindow + windowSize
)

// stubs lays out instructions behind the driver, and returns the code and where
// each is.
func stubs(codes [][]byte) (code []byte, addrs []ir.Addr) {
	d := driver()
	for _, c := range codes {
		addrs = append(addrs, ir.Addr(codeAt)+ir.Addr(len(d.code)))
		d.code = append(d.code, c...)
		d.jump(0xe9, d.fell)
		d.jump(0xe9, d.taken)
	}
	return d.code, addrs
}

// stubTail is the length of each of the jumps behind an instruction.
const stubTail = 5

// assembler writes the driver.
type assembler struct {
	code        []byte
	fell, taken int // offsets
}

func (a *assembler) put(b ...byte) { a.code = append(a.code, b...) }

func (a *assembler) imm32(v int) { a.code = binary.LittleEndian.AppendUint32(a.code, uint32(v)) }

// absolute is op reg, [addr] with 64 bits.
func (a *assembler) absolute(op byte, reg, addr int) {
	a.put(0x48|byte(reg>>3)<<2, op, byte(reg&7)<<3|4, 0x25)
	a.imm32(addr)
}

// based is op reg, [rbx+disp] with 64 bits.
func (a *assembler) based(op byte, reg, disp int) {
	a.put(0x48|byte(reg>>3)<<2, op, 0x80|byte(reg&7)<<3|3)
	a.imm32(disp)
}

// set is mov reg, imm32.
func (a *assembler) set(reg byte, v int) {
	a.put(0xb8 + reg)
	a.imm32(v)
}

// jump is one to an offset in the code, with a 32-bit displacement.
func (a *assembler) jump(op byte, to int) {
	a.put(op)
	a.imm32(to - (len(a.code) + 4))
}

// The registers that the driver names.
const (
	eax, ecx, edx, ebx, esp, ebp, esi, edi = 0, 1, 2, 3, 4, 5, 6, 7
	load, save, address                    = 0x8b, 0x89, 0x8d
)

func driver() *assembler {
	a := &assembler{}
	copyWords := func(n int) {
		a.set(ecx, n)
		a.put(0xfc, 0xf3, 0x48, 0xa5) // cld; rep movsq
	}
	// Each state: the fs base by arch_prctl(ARCH_SET_FS), the window, the flags,
	// the registers.
	a.absolute(load, ebx, noteCurrent)
	a.absolute(0x3b, ebx, noteEnd)
	a.put(0x0f)
	a.jump(0x84, 0) // je, filled in below
	toEnd := len(a.code)
	a.based(load, esi, atFSBase)
	a.set(edi, 0x1002)
	a.set(eax, 158)
	a.put(0x0f, 0x05)
	a.based(address, esi, atWindow)
	a.set(edi, int(windowAt))
	copyWords(windowSize / 8)
	a.based(load, eax, atCode)
	a.absolute(save, eax, noteJump)
	a.set(esp, stackAt)
	a.based(0xff, 6, atFlags) // push
	a.put(0x9d)               // popf
	for r := range 16 {
		if r != ebx {
			a.based(load, r, 8*r)
		}
	}
	a.based(load, ebx, 8*ebx)
	a.absolute(0xff, 4, noteJump) // jmp

	// The outcome. Until the flags are saved nothing changes them.
	note := func(v int) (at int) {
		at = len(a.code)
		a.put(0xc7, 0x04, 0x25)
		a.imm32(noteTaken)
		a.imm32(v)
		return at
	}
	a.fell = note(0)
	a.put(0xeb, 11) // over the next one
	a.taken = note(1)
	for r := range 16 {
		a.absolute(save, r, noteSaved+8*r)
	}
	a.set(esp, stackAt)
	a.put(0x9c) // pushf
	a.absolute(0x8f, 0, noteSaved+atFlags)
	a.absolute(load, ebx, noteCurrent)
	a.set(esi, noteSaved)
	a.put(0x48, 0x89, 0xdf) // mov %rbx,%rdi
	copyWords(17)
	a.absolute(load, eax, noteTaken)
	a.based(save, eax, atTaken)
	a.set(esi, int(windowAt))
	a.based(address, edi, atWindow)
	copyWords(windowSize / 8)
	a.absolute(0x81, 0, noteCurrent) // add
	a.imm32(stateSize)
	a.jump(0xe9, 0)

	binary.LittleEndian.PutUint32(a.code[toEnd-4:], uint32(len(a.code)-toEnd))
	a.set(eax, 1) // write(1, …)
	a.set(edi, 1)
	a.set(esi, statesAt)
	a.absolute(load, edx, noteEnd)
	a.put(0x48, 0x29, 0xf2) // sub %rsi,%rdx
	a.put(0x0f, 0x05)
	a.set(eax, 231) // exit_group(0)
	a.set(edi, 0)
	a.put(0x0f, 0x05)
	return a
}

// program is the executable: the code, and memory that it may write to.
func program(code []byte, states []state) []byte {
	var all bytes.Buffer
	write(&all, states)
	notes := make([]byte, 4096)
	binary.LittleEndian.PutUint64(notes[noteCurrent-notesAt:], statesAt)
	binary.LittleEndian.PutUint64(notes[noteEnd-notesAt:], uint64(statesAt+all.Len()))
	const page = 4096
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Entry: codeAt, Phoff: 64, Ehsize: 64, Phentsize: 56,
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
	}
	var progs []elf.Prog64
	var body []byte
	for _, s := range []struct {
		at    uint64
		data  []byte
		flags elf.ProgFlag
	}{
		{codeAt, code, elf.PF_R | elf.PF_X},
		{windowAt, make([]byte, page), elf.PF_R | elf.PF_W},
		{notesAt, notes, elf.PF_R | elf.PF_W},
		{statesAt, all.Bytes(), elf.PF_R | elf.PF_W},
	} {
		n := uint64(len(s.data))
		progs = append(progs, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(s.flags), Off: uint64(page + len(body)),
			Vaddr: s.at, Paddr: s.at, Filesz: n, Memsz: n, Align: page})
		body = append(append(body, s.data...), make([]byte, -n&(page-1))...)
	}
	header.Phnum = uint16(len(progs))
	var file bytes.Buffer
	write(&file, header)
	write(&file, progs)
	file.Write(make([]byte, page-file.Len()))
	file.Write(body)
	return file.Bytes()
}

func write(b *bytes.Buffer, v any) {
	if err := binary.Write(b, binary.LittleEndian, v); err != nil {
		panic(err)
	}
}

// needsMachine skips where x86-64 programs of Linux don't run.
func needsMachine(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("it takes Linux on amd64 to run x86-64 instructions")
	}
}

// execute runs the states natively and returns what came of each.
func execute(t *testing.T, code []byte, states []state) ([]state, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, program(code, states), 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(file).Output()
	if errors.Is(err, fs.ErrPermission) {
		t.Skipf("nothing can be run here: %v", err)
	}
	if err != nil {
		return nil, err
	}
	got := make([]state, len(states))
	if len(out) != len(got)*stateSize {
		return nil, fmt.Errorf("%d bytes of output, want %d", len(out), len(got)*stateSize)
	}
	return got, binary.Read(bytes.NewReader(out), binary.LittleEndian, got)
}
