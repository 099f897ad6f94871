package amd64_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// form is an encoding as the manual writes it, written down a second time: the
// decoder's own table is what is tested.
type form struct {
	spelled string
	size    byte // of the operands: b, v (2, 4 or 8 by prefix), w (8: needs REX.W), - (no prefix makes a difference)
	opcode  []byte
	digit   int  // of ModRM.reg, or asReg, or noModRM
	plus    bool // a register in the opcode
	imm     byte // b, w, z, v, or o for an address of 8 bytes
	rel     int  // bytes of a branch displacement
	has     map[string]bool
}

const (
	asReg   = -1
	noModRM = -2
)

// forms lists the vocabulary: size, opcode, /digit or /r or +r, immediate, and
//
//	lock    may have the prefix before memory      mem, reg   ModRM is only that
//	atomic  needs alignment                        stack      uses rsp
//	target  jumps to where its operand says        ret        to where the stack says
func forms(t testing.TB) (all []form) {
	add := func(format string, args ...any) {
		f := form{spelled: fmt.Sprintf(format, args...), digit: noModRM, has: map[string]bool{}}
		for i, w := range strings.Fields(f.spelled) {
			switch {
			case i == 0:
				f.size = w[0]
			case i == 1:
				var err error
				if f.opcode, err = hex.DecodeString(w); err != nil {
					t.Fatalf("%s: %v", f.spelled, err)
				}
			case w == "/r":
				f.digit = asReg
			case w[0] == '/':
				f.digit = int(w[1] - '0')
			case w == "+r":
				f.plus = true
			case len(w) == 2 && w[0] == 'i':
				f.imm = w[1]
			case w == "rel8":
				f.rel = 1
			case w == "rel32":
				f.rel = 4
			default:
				f.has[w] = true
			}
		}
		all = append(all, f)
	}
	for i := range 8 {
		lock := "lock"
		if i == 7 {
			lock = ""
		}
		if i != 2 && i != 3 { // adc and sbb of a byte
			add("b %02x /r %s", i<<3, lock)
			add("b %02x /r", i<<3|2)
			add("b %02x ib", i<<3|4)
			add("b 80 /%d ib %s", i, lock)
		}
		add("v %02x /r %s", i<<3|1, lock)
		add("v %02x /r", i<<3|3)
		add("v %02x iz", i<<3|5)
		add("v 81 /%d iz %s", i, lock)
		add("v 83 /%d ib %s", i, lock)
	}
	for _, digit := range []int{0, 1, 4, 5, 7} {
		add("v c1 /%d ib", digit)
		add("v d1 /%d", digit)
		if digit < 4 { // rotations: only some
			continue
		}
		add("b c0 /%d ib", digit)
		add("b d0 /%d", digit)
		add("v d3 /%d", digit)
	}
	for cc := range 16 {
		if cc < 2 || cc == 10 || cc == 11 {
			continue
		}
		add("- %02x rel8", 0x70|cc)
		add("- 0f%02x rel32", 0x80|cc)
		add("v 0f%02x /r", 0x40|cc)
		add("b 0f%02x /0 reg", 0x90|cc)
	}
	for i := range 4 {
		lock := "lock"
		if i == 0 {
			lock = ""
		}
		add("v 0fba /%d ib %s", 4+i, lock)
		add("v 0f%02x /r reg", 0xa3+i<<3)
		add("- 0f18 /%d mem", i)
	}
	for _, s := range []string{
		"b 84 /r", "v 85 /r", "b a8 ib", "v a9 iz", "b f6 /0 ib", "v f7 /0 iz",
		"b f6 /2 lock", "v f7 /2 lock", "b f6 /3 reg", "v f7 /3 reg",
		"b fe /0 lock", "v ff /0 lock", "b fe /1 lock", "v ff /1 lock",
		"v 69 /r iz", "v 6b /r ib", "v 98", "v 99", "- f5", "- f8", "- f9",
		"b 88 /r", "v 89 /r", "b 8a /r", "v 8b /r", "b c6 /0 ib", "v c7 /0 iz", "b b0 +r ib", "v b8 +r iv",
		"v 8d /r mem", "w 63 /r", "b a0 io", "v a1 io", "b a2 io", "v a3 io",
		"v 0fb6 /r", "v 0fb7 /r", "v 0fbe /r", "v 0fbf /r",
		"b 86 /r lock atomic", "v 87 /r lock atomic", "v 90 +r",
		"b 0fb0 /r lock atomic", "v 0fb1 /r lock atomic", "b 0fc0 /r lock atomic", "v 0fc1 /r lock atomic",
		"- 50 +r stack", "- 58 +r stack", "- 68 iz stack", "- 6a ib stack", "- 8f /0 stack", "- ff /6 stack", "- c9",
		"- eb rel8", "- e9 rel32", "- e8 rel32 stack", "- ff /2 reg target stack", "- ff /4 target", "- c3 stack ret", "- c2 iw stack ret",
		"- 0faee8", "- 0faef0", "- 0faef8", "v 0f1f /0", "- 0f0d /1 mem", "- f30f1efa", "- f390", "- f3c3 stack ret", "- 90",
	} {
		add("%s", s)
	}
	return all
}

// sample is one instruction of a form.
type sample struct {
	form   *form
	code   []byte
	memory bool // it has a memory operand: fs? + base + index<<scale + disp
	fs     bool
	rip    bool
	base   int // or none
	index  int // or none
	scale  int
	disp   int64
	reg    int // ModRM.rm if that is a register
}

const none = -1

// encode makes an instruction of the form with everything else drawn. ripTo
// returns the displacement that reaches the window from behind an instruction of
// that length.
func (f *form) encode(r *rand.Rand, ripTo func(length int) int64) sample {
	s := sample{form: f, base: none, index: none, reg: none}
	rex := byte(0)
	var pre, tail []byte
	if f.digit != noModRM {
		s.memory = f.has["mem"] || !f.has["reg"] && r.IntN(2) == 0
	}
	bytesOfV := 4
	switch f.size {
	case 'v':
		switch r.IntN(3) {
		case 0:
			pre, bytesOfV = append(pre, 0x66), 2
		case 1:
			rex, bytesOfV = 0x48, 8
		}
	case 'w':
		rex, bytesOfV = 0x48, 8
	}
	if s.memory && f.has["lock"] && (r.IntN(3) == 0 || f.has["atomic"]) {
		pre = append(pre, 0xf0)
	}
	if s.memory && r.IntN(4) == 0 && !(f.opcode[0] == 0x8d || f.has["stack"]) {
		s.fs = true
		pre = append(pre, 0x64)
	}
	if r.IntN(2) == 0 || s.memory && f.size == 'b' && r.IntN(2) == 0 {
		rex |= 0x40 | byte(r.IntN(8))
	}
	if f.opcode[0] == 0xf3 { // the prefix is part of it, and REX comes behind
		rex = 0
	}
	opcode := append([]byte(nil), f.opcode...)
	if f.plus {
		opcode[len(opcode)-1] += byte(r.IntN(8))
	}
	ripDisp := -1
	if f.digit != noModRM {
		digit := byte(f.digit)
		if f.digit == asReg {
			digit = byte(r.IntN(8))
		}
		if !s.memory {
			rm := byte(r.IntN(8))
			s.reg = int(rm | rex&1<<3)
			tail = append(tail, 0xc0|digit<<3|rm)
		} else {
			tail, ripDisp = s.modRM(r, digit, rex)
		}
	}
	if f.rel > 0 { // over the jump behind it
		tail = append(tail, []byte{stubTail, 0, 0, 0}[:f.rel]...)
	}
	n := map[byte]int{'b': 1, 'w': 2, 'z': min(4, bytesOfV), 'v': bytesOfV}[f.imm]
	for i := range n {
		b := byte(r.Uint32())
		if i == 0 && r.IntN(2) == 0 {
			b = byte(r.IntN(9))
		}
		if i > 0 && r.IntN(2) == 0 {
			b = byte(int8(tail[len(tail)-1]) >> 7)
		}
		tail = append(tail, b)
	}
	if f.opcode[0] == 0x69 && n == 4 && r.IntN(2) == 0 { // a sum of two powers
		v := uint32(1)<<r.IntN(32) + uint32(r.IntN(3)-1)<<r.IntN(32)
		binary.LittleEndian.PutUint32(tail[len(tail)-4:], v)
	}
	if f.imm == 'o' {
		s.memory, s.disp = true, int64(windowAt)+64+int64(r.IntN(300))
		for i := range 8 {
			tail = append(tail, byte(s.disp>>(8*i)))
		}
	}
	s.code = append(s.code, pre...)
	if rex != 0 {
		s.code = append(s.code, rex)
	}
	s.code = append(append(s.code, opcode...), tail...)
	if ripDisp >= 0 {
		if s.disp = ripTo(len(s.code)); s.fs {
			s.disp = int64(r.IntN(1000))
		}
		at := len(s.code) - len(tail) + ripDisp
		for i := range 4 {
			s.code[at+i] = byte(s.disp >> (8 * i))
		}
	}
	return s
}

// modRM draws a memory operand. For one that is relative to rip it returns where
// its displacement is.
func (s *sample) modRM(r *rand.Rand, digit, rex byte) (b []byte, rip int) {
	mod := byte(r.IntN(3))
	rm := byte(r.IntN(8))
	if s.form.has["stack"] { // [rsp+disp8], or by a register that isn't rsp
		mod = 1
	}
	b = append(b, mod<<6|digit<<3|rm)
	absolute := false
	switch {
	case rm == 5 && mod == 0:
		s.rip = true
		return append(b, 0, 0, 0, 0), len(b)
	case rm == 4:
		base, index, scale := byte(r.IntN(8)), byte(r.IntN(8)), byte(r.IntN(4))
		if s.form.has["stack"] {
			index = 4
		}
		b = append(b, scale<<6|index<<3|base)
		if s.base = int(base | rex&1<<3); base == 5 && mod == 0 {
			s.base = none
		}
		if i := int(index | rex&2<<2); i != 4 && !s.form.has["stack"] {
			s.index, s.scale = i, int(scale)
		} else if i != 4 { // r12 isn't none
			b[1] &^= 7 << 3
			s.index, s.scale = 8, int(scale)
		}
		absolute = s.base == none && s.index == none
	default:
		s.base = int(rm | rex&1<<3)
	}
	n := [3]int{0, 1, 4}[mod]
	if s.base == none {
		n = 4
	}
	switch {
	case absolute && !s.fs:
		s.disp = int64(windowAt) + 64 + int64(r.IntN(300))&^7
	case absolute: // the fs base is nothing negative
		s.disp = -int64(r.Uint32() >> 1)
	case n == 1:
		s.disp = int64(int8(r.Uint32()))
		if s.form.has["stack"] {
			s.disp = int64(r.IntN(64) - 32)
		}
	case n == 4 && r.IntN(2) == 0:
		s.disp = int64(int32(r.Uint32()))
	case n == 4:
		s.disp = int64(r.IntN(2000) - 1000)
	}
	if s.base == s.index || s.base == none {
		s.disp &^= 7
	}
	for i := range n {
		b = append(b, byte(s.disp>>(8*i)))
	}
	return b, -1
}
