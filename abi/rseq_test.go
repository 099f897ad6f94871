package abi_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/abi"
)

var layouts = []abi.Layout{abi.LayoutOriginal, abi.LayoutMMCID, abi.LayoutSlice}

// sampleRSeq has another value in every byte, so that no two can change places.
var sampleRSeq = abi.RSeq{
	CPUIDStart:    0x01020304,
	CPUID:         0x05060708,
	RSeqCS:        0x1112131415161718,
	Flags:         0x21222324,
	NodeID:        0x25262728,
	MMCID:         0x31323334,
	SliceRequest:  0x41,
	SliceGranted:  0x42,
	SliceReserved: 0x4344,
	Reserved:      0x51,
}

func TestRSeqBytes(t *testing.T) {
	tests := []struct {
		name   string
		order  binary.ByteOrder
		layout abi.Layout
		want   string
	}{
		{"4.18 little", binary.LittleEndian, abi.LayoutOriginal,
			"\x04\x03\x02\x01\x08\x07\x06\x05\x18\x17\x16\x15\x14\x13\x12\x11\x24\x23\x22\x21"},
		{"4.18 big", binary.BigEndian, abi.LayoutOriginal,
			"\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18\x21\x22\x23\x24"},
		{"6.3 little", binary.LittleEndian, abi.LayoutMMCID,
			"\x04\x03\x02\x01\x08\x07\x06\x05\x18\x17\x16\x15\x14\x13\x12\x11\x24\x23\x22\x21" +
				"\x28\x27\x26\x25\x34\x33\x32\x31"},
		{"7.0 little", binary.LittleEndian, abi.LayoutSlice,
			"\x04\x03\x02\x01\x08\x07\x06\x05\x18\x17\x16\x15\x14\x13\x12\x11\x24\x23\x22\x21" +
				"\x28\x27\x26\x25\x34\x33\x32\x31\x41\x42\x44\x43\x51"},
		{"7.0 big", binary.BigEndian, abi.LayoutSlice,
			"\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18\x21\x22\x23\x24" +
				"\x25\x26\x27\x28\x31\x32\x33\x34\x41\x42\x43\x44\x51"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := make([]byte, tt.layout.Size())
			if err := sampleRSeq.Put(got, tt.order, tt.layout); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]byte(tt.want), got); diff != "" {
				t.Errorf("bytes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRSeqOffsets writes one field at a time, and expects bytes to change at
// its offset and nowhere else.
func TestRSeqOffsets(t *testing.T) {
	tests := []struct {
		name      string
		off, size int
		r         abi.RSeq
	}{
		{"cpu_id_start", abi.OffCPUIDStart, 4, abi.RSeq{CPUIDStart: 0xffffffff}},
		{"cpu_id", abi.OffCPUID, 4, abi.RSeq{CPUID: abi.CPUIDUninitialized}},
		{"rseq_cs", abi.OffRSeqCS, 8, abi.RSeq{RSeqCS: 1<<64 - 1}},
		{"flags", abi.OffFlags, 4, abi.RSeq{Flags: 0xffffffff}},
		{"node_id", abi.OffNodeID, 4, abi.RSeq{NodeID: 0xffffffff}},
		{"mm_cid", abi.OffMMCID, 4, abi.RSeq{MMCID: 0xffffffff}},
		{"slice_ctrl", abi.OffSliceCtrl, 4, abi.RSeq{SliceRequest: 0xff, SliceGranted: 0xff, SliceReserved: 0xffff}},
		{"slice_ctrl.request", abi.OffSliceRequest, 1, abi.RSeq{SliceRequest: 0xff}},
		{"slice_ctrl.granted", abi.OffSliceGranted, 1, abi.RSeq{SliceGranted: 0xff}},
		{"slice_ctrl.reserved", abi.OffSliceReserved, 2, abi.RSeq{SliceReserved: 0xffff}},
		{"reserved", abi.OffReserved, 1, abi.RSeq{Reserved: 0xff}},
	}
	for _, tt := range tests {
		for _, o := range orders {
			got := make([]byte, abi.FeatureSizeSlice)
			if err := tt.r.Put(got, o.order, abi.LayoutSlice); err != nil {
				t.Fatal(err)
			}
			want := make([]byte, abi.FeatureSizeSlice)
			copy(want[tt.off:], bytes.Repeat([]byte{0xff}, tt.size))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", tt.name, o.name, diff)
			}
		}
	}
}

func TestRSeqShortBuffer(t *testing.T) {
	for _, l := range layouts {
		for n := range l.Size() {
			b := garbage(n)
			wantShort(t, sampleRSeq.Put(b, binary.LittleEndian, l), "struct rseq", l.Size(), n)
			if diff := cmp.Diff(garbage(n), b); diff != "" {
				t.Errorf("layout %v: a failed Put wrote (-before +after):\n%s", l, diff)
			}
			r, err := abi.DecodeRSeq(b, binary.BigEndian, l)
			wantShort(t, err, "struct rseq", l.Size(), n)
			if r != (abi.RSeq{}) {
				t.Errorf("layout %v: a failed Decode returned %+v", l, r)
			}
		}
	}
}

func TestRSeqUnknownLayout(t *testing.T) {
	const want = "abi: struct rseq has no layout 3"
	b := garbage(64)
	if err := sampleRSeq.Put(b, binary.LittleEndian, 3); err == nil || err.Error() != want {
		t.Errorf("Put: got %v, want %s", err, want)
	}
	if diff := cmp.Diff(garbage(64), b); diff != "" {
		t.Errorf("a failed Put wrote (-before +after):\n%s", diff)
	}
	if _, err := abi.DecodeRSeq(b, binary.LittleEndian, 3); err == nil || err.Error() != want {
		t.Errorf("Decode: got %v, want %s", err, want)
	}
}

func TestRSeqRegistered(t *testing.T) {
	tests := []struct {
		cpuID uint32
		want  bool
	}{
		{0, true},
		{4095, true},
		{abi.CPUIDRegistrationFailed - 1, true},
		{abi.CPUIDRegistrationFailed, false},
		{abi.CPUIDUninitialized, false},
	}
	for _, tt := range tests {
		if got := (abi.RSeq{CPUID: tt.cpuID}).Registered(); got != tt.want {
			t.Errorf("cpu_id %#x: got %v, want %v", tt.cpuID, got, tt.want)
		}
	}
}

// drawRSeq draws an area whose fields are those of l; the others are 0.
func drawRSeq(t *rapid.T, l abi.Layout) abi.RSeq {
	r := abi.RSeq{
		CPUIDStart: rapid.Uint32().Draw(t, "cpu_id_start"),
		CPUID:      rapid.Uint32().Draw(t, "cpu_id"),
		RSeqCS:     rapid.Uint64().Draw(t, "rseq_cs"),
		Flags:      rapid.Uint32().Draw(t, "flags"),
	}
	if l >= abi.LayoutMMCID {
		r.NodeID = rapid.Uint32().Draw(t, "node_id")
		r.MMCID = rapid.Uint32().Draw(t, "mm_cid")
	}
	if l >= abi.LayoutSlice {
		r.SliceRequest = rapid.Uint8().Draw(t, "request")
		r.SliceGranted = rapid.Uint8().Draw(t, "granted")
		r.SliceReserved = rapid.Uint16().Draw(t, "slice_reserved")
		r.Reserved = rapid.Uint8().Draw(t, "reserved")
	}
	return r
}

// TestRSeqRoundTrip encodes and decodes any area in any layout and order, and
// holds the bytes against encoding/binary's view of the struct, which has the
// fields in the same order and no padding either.
func TestRSeqRoundTrip(t *testing.T) {
	for _, o := range orders {
		for _, l := range layouts {
			t.Run(o.name+" "+l.String(), rapid.MakeCheck(func(t *rapid.T) {
				want := drawRSeq(t, l)
				b := garbage(l.Size() + rapid.IntRange(0, 40).Draw(t, "tail"))
				if err := want.Put(b, o.order, l); err != nil {
					t.Fatal(err)
				}
				got, err := abi.DecodeRSeq(b, o.order, l)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("area (-want +got):\n%s", diff)
				}
				wantBytes := garbage(len(b))
				full, err := binary.Append(nil, o.order, want)
				if err != nil {
					t.Fatal(err)
				}
				copy(wantBytes, full[:l.Size()])
				if diff := cmp.Diff(wantBytes, b); diff != "" {
					t.Errorf("bytes (-want +got):\n%s", diff)
				}
			}))
		}
	}
}

// TestRSeqDecodeAnyBytes decodes any bytes, and expects them back.
func TestRSeqDecodeAnyBytes(t *testing.T) {
	for _, o := range orders {
		t.Run(o.name, rapid.MakeCheck(func(t *rapid.T) {
			l := rapid.SampledFrom(layouts).Draw(t, "layout")
			want := rapid.SliceOfN(rapid.Byte(), l.Size(), l.Size()).Draw(t, "bytes")
			r, err := abi.DecodeRSeq(want, o.order, l)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, l.Size())
			if err := r.Put(got, o.order, l); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("bytes (-want +got):\n%s", diff)
			}
		}))
	}
}

// TestRSeqAllocs has its buffer on the stack, so that it would also see a
// buffer that escapes.
func TestRSeqAllocs(t *testing.T) {
	for _, o := range orders {
		allocs := testing.AllocsPerRun(100, func() {
			var b [abi.FeatureSizeSlice]byte
			if err := sampleRSeq.Put(b[:], o.order, abi.LayoutSlice); err != nil {
				t.Fatal(err)
			}
			if r, err := abi.DecodeRSeq(b[:], o.order, abi.LayoutSlice); err != nil || r != sampleRSeq {
				t.Fatalf("got %+v, %v", r, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want 0", o.name, allocs)
		}
	}
}

func BenchmarkRSeqPut(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.String(), func(b *testing.B) {
			buf := make([]byte, l.Size())
			b.ReportAllocs()
			b.SetBytes(int64(l.Size()))
			for b.Loop() {
				if err := sampleRSeq.Put(buf, binary.LittleEndian, l); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeRSeq(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.String(), func(b *testing.B) {
			buf := make([]byte, l.Size())
			b.ReportAllocs()
			b.SetBytes(int64(l.Size()))
			for b.Loop() {
				if _, err := abi.DecodeRSeq(buf, binary.BigEndian, l); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
