package abi_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/abi"
)

var sampleRSeqCS = abi.RSeqCS{
	Version:          0x01020304,
	Flags:            0x05060708,
	StartIP:          0x1112131415161718,
	PostCommitOffset: 0x2122232425262728,
	AbortIP:          0x3132333435363738,
}

func TestRSeqCSBytes(t *testing.T) {
	tests := []struct {
		name  string
		order binary.ByteOrder
		want  string
	}{
		{"little", binary.LittleEndian, "\x04\x03\x02\x01\x08\x07\x06\x05\x18\x17\x16\x15\x14\x13\x12\x11" +
			"\x28\x27\x26\x25\x24\x23\x22\x21\x38\x37\x36\x35\x34\x33\x32\x31"},
		{"big", binary.BigEndian, "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18" +
			"\x21\x22\x23\x24\x25\x26\x27\x28\x31\x32\x33\x34\x35\x36\x37\x38"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := make([]byte, abi.RSeqCSSize)
			if err := sampleRSeqCS.Put(got, tt.order); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]byte(tt.want), got); diff != "" {
				t.Errorf("bytes (-want +got):\n%s", diff)
			}
			// The offsets must find the fields in those bytes.
			at := abi.RSeqCS{
				Version:          tt.order.Uint32(got[abi.OffCSVersion:]),
				Flags:            tt.order.Uint32(got[abi.OffCSFlags:]),
				StartIP:          tt.order.Uint64(got[abi.OffCSStartIP:]),
				PostCommitOffset: tt.order.Uint64(got[abi.OffCSPostCommitOffset:]),
				AbortIP:          tt.order.Uint64(got[abi.OffCSAbortIP:]),
			}
			if diff := cmp.Diff(sampleRSeqCS, at); diff != "" {
				t.Errorf("fields at their offsets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRSeqCSContains(t *testing.T) {
	const top = 1<<64 - 1
	section := abi.RSeqCS{StartIP: 0x1000, PostCommitOffset: 0x20}
	wrapped := abi.RSeqCS{StartIP: top - 1, PostCommitOffset: 4} // top-1, top, 0, 1
	huge := abi.RSeqCS{StartIP: 0x1000, PostCommitOffset: top}   // everything but 0xfff
	tests := []struct {
		name string
		cs   abi.RSeqCS
		ip   uint64
		want bool
	}{
		{"before", section, 0xfff, false},
		{"start", section, 0x1000, true},
		{"commit", section, 0x101f, true},
		{"post-commit", section, 0x1020, false},
		{"zero", section, 0, false},
		{"top", section, top, false},
		{"empty", abi.RSeqCS{StartIP: 0x1000}, 0x1000, false},
		{"zero value", abi.RSeqCS{}, 0, false},
		{"wrapped before", wrapped, top - 2, false},
		{"wrapped start", wrapped, top - 1, true},
		{"wrapped top", wrapped, top, true},
		{"wrapped zero", wrapped, 0, true},
		{"wrapped commit", wrapped, 1, true},
		{"wrapped post-commit", wrapped, 2, false},
		{"huge before", huge, 0xfff, false},
		{"huge zero", huge, 0, true},
		{"huge top", huge, top, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.cs.Contains(tt.ip); got != tt.want {
				t.Errorf("ip %#x in %#x+%#x: got %v, want %v", tt.ip, tt.cs.StartIP, tt.cs.PostCommitOffset, got, tt.want)
			}
		})
	}
}

// TestRSeqCSContainsEnumerated walks a short section, wherever it lies, byte by
// byte: inside is what is met between StartIP and PostCommitIP.
func TestRSeqCSContainsEnumerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs := abi.RSeqCS{
			StartIP:          rapid.Uint64().Draw(t, "start_ip"),
			PostCommitOffset: rapid.Uint64Range(0, 64).Draw(t, "post_commit_offset"),
		}
		inside := make(map[uint64]bool)
		for ip := cs.StartIP; ip != cs.PostCommitIP(); ip++ {
			inside[ip] = true
		}
		for d := range uint64(200) {
			if ip := cs.StartIP - 64 + d; cs.Contains(ip) != inside[ip] {
				t.Fatalf("ip %#x: got %v, want %v", ip, cs.Contains(ip), inside[ip])
			}
		}
	})
}

func TestRSeqCSShortBuffer(t *testing.T) {
	for n := range abi.RSeqCSSize {
		b := garbage(n)
		wantShort(t, sampleRSeqCS.Put(b, binary.BigEndian), "struct rseq_cs", abi.RSeqCSSize, n)
		if diff := cmp.Diff(garbage(n), b); diff != "" {
			t.Errorf("a failed Put wrote (-before +after):\n%s", diff)
		}
		cs, err := abi.DecodeRSeqCS(b, binary.LittleEndian)
		wantShort(t, err, "struct rseq_cs", abi.RSeqCSSize, n)
		if cs != (abi.RSeqCS{}) {
			t.Errorf("a failed Decode returned %+v", cs)
		}
	}
}

func TestRSeqCSRoundTrip(t *testing.T) {
	for _, o := range orders {
		t.Run(o.name, rapid.MakeCheck(func(t *rapid.T) {
			want := abi.RSeqCS{
				Version:          rapid.Uint32().Draw(t, "version"),
				Flags:            rapid.Uint32().Draw(t, "flags"),
				StartIP:          rapid.Uint64().Draw(t, "start_ip"),
				PostCommitOffset: rapid.Uint64().Draw(t, "post_commit_offset"),
				AbortIP:          rapid.Uint64().Draw(t, "abort_ip"),
			}
			b := garbage(abi.RSeqCSSize + rapid.IntRange(0, 40).Draw(t, "tail"))
			if err := want.Put(b, o.order); err != nil {
				t.Fatal(err)
			}
			got, err := abi.DecodeRSeqCS(b, o.order)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("descriptor (-want +got):\n%s", diff)
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

func TestRSeqCSAllocs(t *testing.T) {
	for _, o := range orders {
		allocs := testing.AllocsPerRun(100, func() {
			var b [abi.RSeqCSSize]byte
			if err := sampleRSeqCS.Put(b[:], o.order); err != nil {
				t.Fatal(err)
			}
			if cs, err := abi.DecodeRSeqCS(b[:], o.order); err != nil || cs != sampleRSeqCS {
				t.Fatalf("got %+v, %v", cs, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want 0", o.name, allocs)
		}
	}
}

func BenchmarkRSeqCSPut(b *testing.B) {
	buf := make([]byte, abi.RSeqCSSize)
	b.ReportAllocs()
	b.SetBytes(abi.RSeqCSSize)
	for b.Loop() {
		if err := sampleRSeqCS.Put(buf, binary.LittleEndian); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRSeqCS(b *testing.B) {
	buf := make([]byte, abi.RSeqCSSize)
	b.ReportAllocs()
	b.SetBytes(abi.RSeqCSSize)
	for b.Loop() {
		if _, err := abi.DecodeRSeqCS(buf, binary.BigEndian); err != nil {
			b.Fatal(err)
		}
	}
}
