package vcpu_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// The tables in testdata are lines of columns between bars; # starts a comment.

// row is a line of a table.
type row struct {
	at  string // file:line
	col []string
}

// table reads the lines of a file in testdata, each with that many columns at
// least; missing ones are empty.
func table(t *testing.T, file string, columns int) []row {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for i, line := range strings.Split(string(b), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		r := row{at: fmt.Sprintf("%s:%d", file, i+1)}
		for _, c := range strings.Split(line, "|") {
			r.col = append(r.col, strings.TrimSpace(c))
		}
		for len(r.col) < columns {
			r.col = append(r.col, "")
		}
		if len(r.col) > columns {
			t.Fatalf("%s: %d columns, want %d", r.at, len(r.col), columns)
		}
		rows = append(rows, r)
	}
	return rows
}

// world is a program with one instruction to look at, and names for places.
type world struct {
	im      *ir.Image
	code    *vcpu.Code
	symbols map[string]ir.Addr
}

// newWorld puts the instructions, at labels here, i1, i2, …, next, between other
// ones.
func newWorld(arch abi.Arch, instrs ...string) (*world, error) {
	var text strings.Builder
	text.WriteString(`
data   cell: u64[4]
rodata fixed: u64[2] = 7, 9
func other()
    nop
func f()
`)
	for i, in := range instrs {
		label := "here"
		if i > 0 {
			label = fmt.Sprintf("i%d", i)
		}
		fmt.Fprintf(&text, "%s:\n    %s\n", label, in)
	}
	text.WriteString("next:\n    nop\ntarget:\n    nop\n")
	p, err := ir.Parse("world.rseq", []byte(text.String()))
	if err != nil {
		return nil, err
	}
	im, err := ir.Link(p, arch)
	if err != nil {
		return nil, err
	}
	w := &world{im: im, code: vcpu.Compile(im), symbols: map[string]ir.Addr{"hole": 0x9000000}}
	for name, a := range im.Symbols {
		w.symbols[name] = a
	}
	f, _ := im.Func("f")
	for _, l := range f.Labels {
		w.symbols[l.Name] = l.Addr
	}
	return w, nil
}

// machine is everything that an instruction can read or write.
type machine struct {
	mem  *vcpu.Memory
	regs vcpu.Regs
}

func (w *world) machine() *machine {
	return &machine{vcpu.NewMemory(w.im, 2, 1), vcpu.Regs{IP: w.symbols["here"]}}
}

func (m *machine) clone() *machine { return &machine{m.mem.Clone(), m.regs} }

// set makes the machine what the words say: r1=5, NZ, [cell+8].4=0x12,
// reserved=cell, ip=target; and returns the words that it leaves to others.
func (w *world) set(m *machine, words string) (rest map[string]string, err error) {
	rest = map[string]string{}
	for _, word := range strings.Fields(words) {
		name, text, assigns := strings.Cut(word, "=")
		if !assigns {
			if m.regs.Flags, err = flags(word); err != nil {
				return nil, err
			}
			continue
		}
		if name == "steps" {
			rest[name] = text
			continue
		}
		v, err := w.value(text)
		if err != nil {
			return nil, err
		}
		switch r, isReg := ir.ParseReg(name); {
		case isReg:
			m.regs.R[r] = v
		case name == "ip":
			m.regs.IP = ir.Addr(v)
		case name == "reserved":
			m.mem.Reservations()[0] = ir.Addr(v)
		case name[0] == '[':
			place, width, _ := strings.Cut(name[1:], "]")
			a, err := w.value(place)
			if err != nil {
				return nil, err
			}
			n := ir.W8
			if width != "" {
				n = ir.Width(width[1] - '0')
			}
			if !m.mem.Store(0, ir.Addr(a), n, v) {
				return nil, fmt.Errorf("%s: no such memory", word)
			}
		default:
			return nil, fmt.Errorf("%s: nothing of that name", word)
		}
	}
	return rest, nil
}

// value reads a number, a symbol, or a symbol ± a number.
func (w *world) value(s string) (uint64, error) {
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return n, nil
	}
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return uint64(n), nil
	}
	end := strings.IndexAny(s, "+-")
	if end < 0 {
		end = len(s)
	}
	a, ok := w.symbols[s[:end]]
	if !ok {
		return 0, fmt.Errorf("%q is no value", s)
	}
	if end == len(s) {
		return uint64(a), nil
	}
	n, err := strconv.ParseInt(s[end:], 0, 64)
	return uint64(a) + uint64(n), err
}

// trap reads "load cell+8", "syscall getpid", "ud".
func (w *world) trap(s string) (vcpu.Trap, error) {
	kind, arg, _ := strings.Cut(s, " ")
	kinds := map[string]vcpu.TrapKind{"": vcpu.TrapNone, "syscall": vcpu.TrapSyscall, "ud": vcpu.TrapUD,
		"brk": vcpu.TrapBrk, "fetch": vcpu.TrapFetch, "load": vcpu.TrapLoad, "store": vcpu.TrapStore, "align": vcpu.TrapAlign}
	k, ok := kinds[kind]
	t := vcpu.Trap{Kind: k, Addr: w.symbols["here"]}
	switch {
	case !ok:
		return t, fmt.Errorf("%q is no trap", s)
	case k == vcpu.TrapNone:
		return vcpu.Trap{}, nil
	case k == vcpu.TrapSyscall && arg == "r8":
		t.Arg = ir.SyscallInR8
	case k == vcpu.TrapSyscall:
		call, ok := abi.ParseSyscall(arg)
		if t.Arg = int64(call); !ok {
			return t, fmt.Errorf("%q is no trap", s)
		}
	case arg != "":
		a, err := w.value(arg)
		t.Addr = ir.Addr(a)
		return t, err
	}
	return t, nil
}

var flagLetters = []struct {
	letter rune
	bit    uint8
}{{'N', vcpu.FlagN}, {'Z', vcpu.FlagZ}, {'C', vcpu.FlagC}, {'V', vcpu.FlagV}}

func flags(s string) (f uint8, err error) {
	if s == "-" {
		return 0, nil
	}
next:
	for _, c := range s {
		for _, l := range flagLetters {
			if l.letter == c && f&l.bit == 0 {
				f |= l.bit
				continue next
			}
		}
		return 0, fmt.Errorf("%q: want flags, a letter each of NZCV", s)
	}
	return f, nil
}

// diff says where two machines differ, apart from what is dead: temporaries
// between instructions.
func diff(got, want *machine) string {
	var b bytes.Buffer
	for i := range ir.NumRegs {
		r := ir.Reg(i)
		if r.Temp() && got.regs.Micro == 0 {
			continue
		}
		if g, w := got.regs.R[i], want.regs.R[i]; g != w {
			fmt.Fprintf(&b, "  %v is %#x, want %#x\n", r, g, w)
		}
	}
	if g, w := got.regs, want.regs; g.IP != w.IP || g.Micro != w.Micro {
		fmt.Fprintf(&b, "  ip is %#x.%d, want %#x.%d\n", g.IP, g.Micro, w.IP, w.Micro)
	}
	if g, w := got.regs.Flags, want.regs.Flags; g != w {
		fmt.Fprintf(&b, "  flags are %04b, want %04b (N Z C V)\n", g, w)
	}
	if g, w := got.mem.Mutable(), want.mem.Mutable(); !bytes.Equal(g, w) {
		fmt.Fprintf(&b, "  memory is\n    % x, want\n    % x\n", g, w)
	}
	for i, w := range want.mem.Reservations() {
		if g := got.mem.Reservations()[i]; g != w {
			fmt.Fprintf(&b, "  c%d has reserved %#x, want %#x\n", i, g, w)
		}
	}
	return b.String()
}
