package abi_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/abi"
)

var samplePtrace = abi.PtraceRSeqConfiguration{
	Pointer:   0x0102030405060708,
	Size:      0x11121314,
	Signature: 0x15161718,
	Flags:     0x21222324,
	Pad:       0x25262728,
}

func TestPtraceRSeqConfigurationBytes(t *testing.T) {
	got := make([]byte, abi.PtraceRSeqConfigurationSize)
	if err := samplePtrace.Put(got, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	want := []byte("\x08\x07\x06\x05\x04\x03\x02\x01\x14\x13\x12\x11\x18\x17\x16\x15\x24\x23\x22\x21\x28\x27\x26\x25")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bytes (-want +got):\n%s", diff)
	}
}

func TestPtraceRSeqConfigurationShortBuffer(t *testing.T) {
	const name = "struct ptrace_rseq_configuration"
	for n := range abi.PtraceRSeqConfigurationSize {
		b := garbage(n)
		wantShort(t, samplePtrace.Put(b, binary.BigEndian), name, abi.PtraceRSeqConfigurationSize, n)
		if diff := cmp.Diff(garbage(n), b); diff != "" {
			t.Errorf("a failed Put wrote (-before +after):\n%s", diff)
		}
		c, err := abi.DecodePtraceRSeqConfiguration(b, binary.LittleEndian)
		wantShort(t, err, name, abi.PtraceRSeqConfigurationSize, n)
		if c != (abi.PtraceRSeqConfiguration{}) {
			t.Errorf("a failed Decode returned %+v", c)
		}
	}
}

func TestPtraceRSeqConfigurationRoundTrip(t *testing.T) {
	for _, o := range orders {
		t.Run(o.name, rapid.MakeCheck(func(t *rapid.T) {
			want := abi.PtraceRSeqConfiguration{
				Pointer:   rapid.Uint64().Draw(t, "pointer"),
				Size:      rapid.Uint32().Draw(t, "size"),
				Signature: rapid.Uint32().Draw(t, "signature"),
				Flags:     rapid.Uint32().Draw(t, "flags"),
				Pad:       rapid.Uint32().Draw(t, "pad"),
			}
			b := garbage(abi.PtraceRSeqConfigurationSize + rapid.IntRange(0, 40).Draw(t, "tail"))
			if err := want.Put(b, o.order); err != nil {
				t.Fatal(err)
			}
			got, err := abi.DecodePtraceRSeqConfiguration(b, o.order)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			wantBytes := garbage(len(b))
			if _, err := binary.Encode(wantBytes, o.order, want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wantBytes, b); diff != "" {
				t.Errorf("bytes (-want +got):\n%s", diff)
			}
		}))
	}
}

func TestPtraceRSeqConfigurationAllocs(t *testing.T) {
	allocs := testing.AllocsPerRun(100, func() {
		var b [abi.PtraceRSeqConfigurationSize]byte
		if err := samplePtrace.Put(b[:], binary.BigEndian); err != nil {
			t.Fatal(err)
		}
		if c, err := abi.DecodePtraceRSeqConfiguration(b[:], binary.BigEndian); err != nil || c != samplePtrace {
			t.Fatalf("got %+v, %v", c, err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}
