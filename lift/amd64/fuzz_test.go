package amd64_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/amd64"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// FuzzDecode: whatever the bytes are, there is an instruction or an Unsupported;
// an instruction is one, is as long as it says, depends on nothing behind it, and
// has no more on the way out than what it was made of.
func FuzzDecode(f *testing.F) {
	for _, l := range readGolden(f) {
		if l.code != nil {
			f.Add(l.code, uint64(at))
		}
	}
	f.Add([]byte{}, uint64(0))
	f.Add(bytes.Repeat([]byte{0x66}, 20), ^uint64(0))
	f.Fuzz(func(t *testing.T, code []byte, where uint64) {
		check(t, code, ir.Addr(where))
	})
}

func check(t *testing.T, code []byte, where ir.Addr) {
	in, err := amd64.Decode(code, where)
	if err != nil {
		u := new(isa.Unsupported)
		if !errors.As(err, &u) {
			t.Fatalf("% x: %v is no Unsupported", code, err)
		}
		if in.IR.N != 0 || u.Addr != where || u.Why == "" || len(u.Code) > ir.MaxSize || !bytes.HasPrefix(code, u.Code) {
			t.Errorf("% x: %#v", code, u)
		}
		return
	}
	n := int(in.IR.Len())
	if n < 1 || n > len(code) || n > ir.MaxSize || in.Addr != where || in.Text == "" {
		t.Fatalf("% x: %#v", code, in)
	}
	if err := named(in.IR).Validate(); err != nil {
		t.Errorf("% x: %q is %v: %v", code, in.Text, named(in.IR), err)
	}
	for _, r := range in.Refs {
		if o := in.IR.Ops[r.Op]; r.Op >= int(in.IR.N) || r.Mem && !o.Loads() && !o.Stores() && o.Code != ir.La {
			t.Errorf("% x: %q has a reference %+v", code, in.Text, r)
		}
	}
	last := in.IR.Ops[in.IR.N-1]
	if ends := last.Branches() || last.Code == ir.Syscall || last.Code == ir.Trap; ends != (in.Flow != isa.Falls) {
		t.Errorf("% x: %q flows as %d", code, in.Text, in.Flow)
	}
	if again, err := amd64.Decode(append(bytes.Clone(code[:n]), 0xff, 0xff), where); err != nil || !cmp.Equal(again, in) {
		t.Errorf("% x: with something else behind it %v, %v", code, again, err)
	}
	for short := range n {
		if again, err := amd64.Decode(code[:short], where); err == nil {
			t.Errorf("% x: %q, and of %d bytes %q", code, in.Text, short, again.Text)
		}
	}
}

// TestEveryOpeningIsSound checks what the fuzzer checks on every opcode of one
// and two bytes with every kind of ModRM byte, or with -long every one.
func TestEveryOpeningIsSound(t *testing.T) {
	for _, prefix := range []string{"", "\x66", "\x4c", "\x64", "\xf0"} {
		for _, escape := range []string{"", "\x0f"} {
			for op := range 256 {
				for modrm := range 256 {
					if *long || (modrm+op)%9 == 0 {
						check(t, append([]byte(prefix+escape), byte(op), byte(modrm), 0x9d, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9), at)
					}
				}
			}
		}
	}
}

// TestEveryThreeBytesAreDecodedOrNot goes through all of three bytes.
func TestEveryThreeBytesAreDecodedOrNot(t *testing.T) {
	step := 509
	if *long {
		step = 1
	}
	code := make([]byte, 3, 16)
	for i := 0; i < 1<<24; i += step {
		code[0], code[1], code[2] = byte(i>>16), byte(i>>8), byte(i)
		if in, err := amd64.Decode(code, at); err == nil && in.IR.Len() > 3 {
			t.Fatalf("% x: %d bytes", code, in.IR.Len())
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name string
		code []byte
	}{
		{"mov", []byte{0x48, 0x89, 0x47, 0x08}},
		{"add-memory", []byte{0x48, 0x01, 0x04, 0xcf}},
		{"cmp-fs", []byte{0x64, 0x44, 0x39, 0x41, 0x04}},
		{"jcc", []byte{0x0f, 0x85, 0x10, 0x00, 0x00, 0x00}},
		{"unsupported", []byte{0xf2, 0x0f, 0x58, 0xc1}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				amd64.Decode(c.code, at)
			}
		})
	}
}
