package vcpu_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
	"pgregory.net/rapid"
)

// arithmetic computes an operation on numbers without bounds, and says by the
// definitions what the flags are: N is the result's sign, C whether an addition
// or subtraction left the unsigned range, V whether it left the signed one.
func arithmetic(code ir.Opcode, w ir.Width, a, b uint64) (v uint64, flags uint8) {
	bits := uint(w.Bytes()) * 8
	size := new(big.Int).Lsh(big.NewInt(1), bits)
	half := new(big.Int).Rsh(size, 1)
	unsigned := func(x uint64) *big.Int { return new(big.Int).Mod(new(big.Int).SetUint64(x), size) }
	signed := func(x uint64) *big.Int {
		n := unsigned(x)
		if n.Cmp(half) >= 0 {
			n.Sub(n, size)
		}
		return n
	}
	ua, ub, sa, sb := unsigned(a), unsigned(b), signed(a), signed(b)
	distance := uint(new(big.Int).Mod(ub, big.NewInt(int64(bits))).Uint64())
	exact, wide := new(big.Int), new(big.Int)
	switch code {
	case ir.Add:
		exact.Add(ua, ub)
		wide.Add(sa, sb)
	case ir.Sub:
		exact.Sub(ua, ub)
		wide.Sub(sa, sb)
	case ir.And:
		exact.And(ua, ub)
	case ir.Or:
		exact.Or(ua, ub)
	case ir.Xor:
		exact.Xor(ua, ub)
	case ir.Andn:
		exact.AndNot(ua, ub)
	case ir.Shl:
		exact.Lsh(ua, distance)
	case ir.Shr:
		exact.Rsh(ua, distance)
	case ir.Sar:
		exact.Rsh(sa, distance)
	}
	result := new(big.Int).Mod(exact, size)
	if result.Cmp(half) >= 0 {
		flags |= vcpu.FlagN
	}
	if result.Sign() == 0 {
		flags |= vcpu.FlagZ
	}
	if code == ir.Add || code == ir.Sub {
		if exact.Cmp(result) != 0 {
			flags |= vcpu.FlagC
		}
		if wide.Cmp(half) >= 0 || wide.Cmp(new(big.Int).Neg(half)) < 0 {
			flags |= vcpu.FlagV
		}
	}
	return result.Uint64(), flags
}

// operand draws numbers, mostly those where something changes.
func operand() *rapid.Generator[uint64] {
	return rapid.Custom(func(t *rapid.T) uint64 {
		n := rapid.Uint64().Draw(t, "n")
		edge := uint64(1) << rapid.SampledFrom([]uint{0, 7, 8, 15, 16, 31, 32, 63}).Draw(t, "edge")
		near := edge + uint64(rapid.IntRange(-2, 2).Draw(t, "near"))
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return n
		case 1:
			return near
		case 2:
			return -near
		}
		return n<<32 | near&0xffffffff // something above what counts
	})
}

// TestArithmeticIsThatOfNumbers holds every arithmetic instruction against
// numbers without bounds.
func TestArithmeticIsThatOfNumbers(t *testing.T) {
	var text strings.Builder
	text.WriteString("func f()\n")
	var names []string
	for code := ir.Add; code <= ir.Sar; code++ {
		for _, flags := range []string{"", "s", "sk"} {
			if flags == "sk" && code != ir.Add && code != ir.Sub {
				continue
			}
			for _, w := range []ir.Width{ir.W1, ir.W2, ir.W4, ir.W8} {
				name := fmt.Sprintf("%v%s.%d", code, flags, w)
				fmt.Fprintf(&text, "    %s r0, r1, r2\n", name)
				names = append(names, name)
			}
		}
	}
	p, err := ir.Parse("alu.rseq", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	code, mem := vcpu.Compile(im), vcpu.NewMemory(im, 1, 1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := operand().Draw(t, "a"), operand().Draw(t, "b")
		before := vcpu.Regs{Flags: rapid.Uint8Range(0, 15).Draw(t, "flags")}
		for i, name := range names {
			o := im.Instrs[i].Ops[0]
			r := before
			r.IP, r.R[1], r.R[2] = im.Addrs[i], a, b
			code.Step(mem, 0, &r)
			v, f := arithmetic(o.Code, o.Width, a, b)
			switch o.Flags {
			case ir.NoFlags:
				f = before.Flags
			case ir.KeepC:
				f = f&^vcpu.FlagC | before.Flags&vcpu.FlagC
			}
			if r.R[0] != v || r.Flags != f {
				t.Fatalf("%s of %#x and %#x, flags %04b: %#x, flags %04b, want %#x, %04b", name, a, b, before.Flags, r.R[0], r.Flags, v, f)
			}
		}
	})
}
