package abi_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// orders are the byte orders that every encoding is tried in. NativeEndian is
// another type than the two that it stands for.
var orders = []struct {
	name  string
	order binary.ByteOrder
}{
	{"little", binary.LittleEndian},
	{"big", binary.BigEndian},
	{"native", binary.NativeEndian},
}

// wantShort fails t unless err says that a structure of need bytes doesn't fit
// into have.
func wantShort(t *testing.T, err error, structure string, need, have int) {
	t.Helper()
	var short *abi.ShortBufferError
	if !errors.As(err, &short) {
		t.Fatalf("%d of %d bytes: got error %v, want a ShortBufferError", have, need, err)
	}
	if want := (abi.ShortBufferError{Struct: structure, Need: need, Have: have}); *short != want {
		t.Errorf("got %+v, want %+v", *short, want)
	}
}

// garbage returns n bytes that no field of a test leaves behind.
func garbage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xa5 ^ byte(i)
	}
	return b
}

func TestShortBufferErrorText(t *testing.T) {
	err := abi.RSeq{}.Put(make([]byte, 32), binary.LittleEndian, abi.LayoutSlice)
	if got, want := err.Error(), "abi: struct rseq needs 33 bytes, buffer has 32"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
