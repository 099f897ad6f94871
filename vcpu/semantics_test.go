package vcpu_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// tables are the files with columns instruction | before | after | trap.
var tables = []string{"arithmetic.txt", "moves.txt", "memory.txt", "branches.txt", "atomics.txt", "bundles.txt"}

// arches are one of each byte order: what a table says in numbers holds in both.
var arches = []abi.Arch{abi.AMD64, abi.S390X}

// TestInstructionsDoWhatTheTablesSay copies the machine before each
// instruction, applies what the table says to the copy, and then compares
// everything, so that an instruction does that and nothing else.
func TestInstructionsDoWhatTheTablesSay(t *testing.T) {
	for _, file := range tables {
		for _, arch := range arches {
			t.Run(file+"/"+arch.String(), func(t *testing.T) {
				for _, r := range table(t, file, 4) {
					if err := checkRow(arch, r.col); err != nil {
						t.Errorf("%s: %s\n%v", r.at, r.col[0], err)
					}
				}
			})
		}
	}
}

func checkRow(arch abi.Arch, col []string) error {
	w, err := newWorld(arch, col[0])
	if err != nil {
		return err
	}
	before := w.machine()
	if _, err := w.set(before, col[1]); err != nil {
		return err
	}
	wantTrap, err := w.trap(col[3])
	if err != nil {
		return err
	}
	want := before.clone()
	if wantTrap.Kind == vcpu.TrapNone {
		want.regs.IP = w.symbols["next"]
	}
	rest, err := w.set(want, col[2])
	if err != nil {
		return err
	}
	wantSteps := 1
	if rest["steps"] != "" {
		if wantSteps, err = strconv.Atoi(rest["steps"]); err != nil {
			return err
		}
	}

	got, steps := before.clone(), 0
	var trap vcpu.Trap
	for ok := true; ok; ok = trap.Kind == vcpu.TrapNone && !got.regs.Boundary() {
		trap = w.code.Step(got.mem, 0, &got.regs)
		steps++
	}
	var b strings.Builder
	b.WriteString(diff(got, want))
	if trap != wantTrap {
		fmt.Fprintf(&b, "  trap is %v %+v, want %v %+v\n", trap, trap, wantTrap, wantTrap)
	}
	if steps != wantSteps {
		fmt.Fprintf(&b, "  %d steps, want %d\n", steps, wantSteps)
	}
	got = before.clone()
	if done, trap := w.code.Run(got.mem, 0, &got.regs, 1); trap != wantTrap || done != b2i(trap.Kind <= vcpu.TrapSyscall) {
		fmt.Fprintf(&b, "  Run does %d instructions and returns %v, want %v\n", done, trap, wantTrap)
	}
	if d := diff(got, want); d != "" {
		b.WriteString("  after Run\n" + d)
	}
	if b.Len() > 0 {
		return fmt.Errorf("%s", b.String())
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestConditions holds all conditions against all flags, as branches and as
// selections.
func TestConditions(t *testing.T) {
	rows := table(t, "conditions.txt", 1)
	for _, r := range rows {
		name, cells, _ := strings.Cut(r.col[0], " ")
		cells = strings.ReplaceAll(cells, " ", "")
		w, err := newWorld(abi.AMD64, "b."+name+" target", "csel."+name+" r0, r1, r2")
		if err != nil || len(cells) != 16 {
			t.Fatalf("%s: %v", r.at, err)
		}
		for n := range uint8(16) {
			holds := cells[n] == 'x'
			m := w.machine()
			m.regs.R[1], m.regs.R[2] = 1, 2
			// The table's order is N Z C V, and so is that of the bits.
			m.regs.Flags = b2u(n&8 != 0)*vcpu.FlagN | b2u(n&4 != 0)*vcpu.FlagZ | b2u(n&2 != 0)*vcpu.FlagC | b2u(n&1 != 0)*vcpu.FlagV
			w.code.Step(m.mem, 0, &m.regs)
			if got := m.regs.IP == w.symbols["target"]; got != holds {
				t.Errorf("%s: b.%s with N Z C V %04b: taken is %v", r.at, name, n, got)
			}
			m.regs.SetIP(w.symbols["i1"])
			w.code.Step(m.mem, 0, &m.regs)
			if got := m.regs.R[0] == 1; got != holds {
				t.Errorf("%s: csel.%s with N Z C V %04b: r0 is %d", r.at, name, n, m.regs.R[0])
			}
		}
	}
	if len(rows) != 12 {
		t.Errorf("%d conditions, want 12", len(rows))
	}
}

func b2u(b bool) uint8 { return uint8(b2i(b)) }

func TestByteOrder(t *testing.T) {
	for _, r := range table(t, "byteorder.txt", 4) {
		for i, arch := range arches {
			w, err := newWorld(arch, r.col[0])
			if err != nil {
				t.Fatalf("%s: %v", r.at, err)
			}
			m := w.machine()
			m.regs.R[1], m.regs.R[5] = 1, 0xa1a2a3a4a5a6a7a8
			if !m.mem.WriteBytes(0, w.symbols["cell"], unhex(t, r.col[1])) {
				t.Fatalf("%s: not written", r.at)
			}
			w.code.Step(m.mem, 0, &m.regs)
			want := r.col[2+i]
			if text, ok := strings.CutPrefix(want, "r0="); ok {
				if v, err := strconv.ParseUint(text, 0, 64); err != nil || m.regs.R[0] != v {
					t.Errorf("%s: %s: r0 is %#x, want %s %v", r.at, r.col[0], m.regs.R[0], text, err)
				}
				want = r.col[1]
			}
			if r.col[0][0] == 'x' {
				m.regs.R[0] = 0
			}
			got := make([]byte, 8)
			if !m.mem.ReadBytes(w.symbols["cell"], got) || !bytes.Equal(got, unhex(t, want)) {
				t.Errorf("%s: %s: %v: memory is % x, want %s", r.at, r.col[0], arch, got, want)
			}
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReservations runs the cases of reservations.txt, on a CPU's registers
// each.
func TestReservations(t *testing.T) {
	b, err := os.ReadFile("testdata/reservations.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, text := range strings.Split(string(b), "\n\n") {
		title, lines, ok := strings.Cut(strings.TrimSpace(text), "\n")
		if !ok || title[0] == '#' {
			continue
		}
		cases++
		for _, arch := range arches {
			t.Run(title+"/"+arch.String(), func(t *testing.T) { reservation(t, arch, strings.Split(lines, "\n")) })
		}
	}
	if cases < 20 {
		t.Errorf("only %d cases", cases)
	}
}

func reservation(t *testing.T, arch abi.Arch, lines []string) {
	var instrs []string
	for _, line := range lines {
		in, _, _ := strings.Cut(strings.TrimSpace(line)[3:], "|")
		if word, _, _ := strings.Cut(strings.TrimSpace(in), " "); word == "kernel" || word == "writes" {
			in = "nop"
		}
		instrs = append(instrs, in)
	}
	w, err := newWorld(arch, instrs...)
	if err != nil {
		t.Fatal(err)
	}
	m := w.machine()
	cpus := [2]vcpu.Regs{}
	for i := range cpus {
		if _, err := w.set(m, "r1=1 r2=2 r3=cell"); err != nil {
			t.Fatal(err)
		}
		cpus[i] = m.regs
	}
	for i, line := range lines {
		do, want, _ := strings.Cut(line, "|")
		words := strings.Fields(do)
		cpu := int(words[0][1] - '0')
		switch words[1] {
		case "kernel":
			m.mem.Unreserve(cpu)
		case "writes":
			a, err := w.value(words[2])
			n, err2 := strconv.Atoi(words[3])
			if err != nil || err2 != nil || !m.mem.WriteBytes(cpu, ir.Addr(a), make([]byte, n)) {
				t.Fatalf("%s: %v %v", line, err, err2)
			}
		default:
			cpus[cpu].SetIP(w.im.Addrs[w.im.Index(w.symbols["here"])+i])
			w.code.Step(m.mem, cpu, &cpus[cpu])
		}
		// What isn't named stays: the comparison is of the whole machine.
		got := &machine{m.mem, cpus[cpu]}
		expect := got.clone()
		if _, err := w.set(expect, want); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		copy(expect.mem.Reservations(), got.mem.Reservations())
		if d := diff(got, expect); d != "" {
			t.Fatalf("%s\n%s", line, d)
		}
	}
}
