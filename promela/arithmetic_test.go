package promela_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// arithmetic is a program that computes and asserts what it should have come
// out as, by this test's own arithmetic: an operation at each width, and the
// conditions that hold behind it.
func arithmetic(cases int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("func f()\n")
	for n := range cases {
		op := []string{"adds", "subs", "ands", "ors", "xors", "andns", "shl", "shr", "sar", "cmp", "zext", "sext", "ins"}[n%13]
		bits := []uint{8, 16, 32, 64}[rng.IntN(4)]
		if bits == 64 && (op == "zext" || op == "sext" || op == "ins") {
			bits = 16
		}
		small := uint64(1) << min(bits, 31) // what the model can hold of the width
		x, y := rng.Uint64N(small), rng.Uint64N(small)
		if rng.IntN(3) == 0 {
			y = x // equal, or a carry
		}
		if bits >= 32 {
			x, y = x/2, y/2
		}
		if bits == 64 && rng.IntN(2) == 0 && op != "shr" {
			x = -x
		}
		if strings.HasPrefix(op, "sh") || op == "sar" {
			y = rng.Uint64N(uint64(bits))
		}
		mask := ^uint64(0) >> (64 - bits)
		sign := func(v uint64) int64 { return int64(v<<(64-bits)) >> (64 - bits) }
		v, carry, overflow := x, false, false
		switch op {
		case "adds":
			v = (x + y) & mask
			carry, overflow = v < x&mask, (x^v)&(y^v)&^(mask>>1)&mask != 0
		case "subs", "cmp":
			v = (x - y) & mask
			carry, overflow = x&mask < y&mask, (x^y)&(x^v)&^(mask>>1)&mask != 0
		case "ands":
			v = x & y & mask
		case "ors":
			v = (x | y) & mask
		case "xors":
			v = (x ^ y) & mask
		case "andns":
			v = x &^ y & mask
		case "shl":
			v = x << y & mask
		case "shr":
			v = x & mask >> y
		case "sar":
			v = uint64(sign(x)>>y) & mask
		case "zext":
			v = x & mask
		case "sext":
			v = uint64(sign(x))
		case "ins":
			v = y&^mask | x&mask
		}
		if int64(v) != int64(int32(v)) && op != "cmp" {
			continue // the model would refuse it, and says so elsewhere
		}
		width := map[uint]string{8: ".1", 16: ".2", 32: ".4"}[bits]
		fmt.Fprintf(&b, "    mov r1, %d\n    mov r2, %d\n", int64(x), int64(y))
		switch op {
		case "cmp":
			fmt.Fprintf(&b, "    cmp%s r1, r2\n", width)
		case "zext", "sext":
			fmt.Fprintf(&b, "    %s%s r3, r1\n", op, width)
		case "ins":
			fmt.Fprintf(&b, "    mov r3, r2\n    ins%s r3, r1\n", width)
		default:
			fmt.Fprintf(&b, "    %s%s r3, r1, r2\n", op, width)
		}
		if op != "cmp" {
			fmt.Fprintf(&b, "    bne r3, %d, wrong\n", int64(v))
		}
		if op == "ins" || !strings.HasSuffix(op, "s") && op != "cmp" {
			continue
		}
		zero, negative := v == 0, sign(v) < 0
		for _, c := range []struct {
			is, not string
			holds   bool
		}{
			{"ne", "eq", zero}, {"pl", "mi", negative}, {"hs", "lo", carry},
			{"ge", "lt", negative != overflow}, {"gt", "le", zero || negative != overflow}, {"hi", "ls", carry || zero},
		} {
			branch := c.is // taken if it doesn't hold
			if !c.holds {
				branch = c.not
			}
			fmt.Fprintf(&b, "    b.%s wrong\n", branch)
		}
	}
	b.WriteString("    ret\nwrong:\n    trap brk\n\nthread: f\ncpus 1\nbudget preempt=0 migrate=0\n")
	return b.String()
}
