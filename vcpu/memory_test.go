package vcpu_test

import (
	"bytes"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
	"pgregory.net/rapid"
)

// everything is a program that has every kind of segment, with two CPUs and
// three threads.
const everything = `
data   cell: u64[2] = 1, 2
percpu own: u32 = 3
tls    mine: u16 = 4
rodata fixed: u8[3] = 5, 6, 7
func f()
    cs section: start_ip=start post_commit_ip=post abort_ip=abort
start:
    nop
post:
    ret
    sig
abort:
    jmp start
thread: f
stack 32
`

func everywhere(t testing.TB, arch abi.Arch) (*ir.Image, *vcpu.Memory) {
	t.Helper()
	p, err := ir.Parse("everything.rseq", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, arch)
	if err != nil {
		t.Fatal(err)
	}
	return im, vcpu.NewMemory(im, 2, 3)
}

// TestSegments lays the memory out: what is where, how big, and with which
// permission; and the mutable ones back to back in the buffer.
func TestSegments(t *testing.T) {
	im, m := everywhere(t, abi.AMD64)
	want := []struct {
		name string
		base ir.Addr
		size uint64
		perm vcpu.Perm
	}{
		{"data", ir.DataBase, 16, vcpu.Read | vcpu.Write},
		{"percpu", ir.PerCPUBase, 2 * 64, vcpu.Read | vcpu.Write},
		{"thread", ir.ThreadBase, 3 * 128, vcpu.Read | vcpu.Write},
		{"stack", ir.StackBase, 3 * 32, vcpu.Read | vcpu.Write},
		{"rodata", ir.RodataBase, 35, vcpu.Read},
		{"code", ir.CodeBase, 16, vcpu.Read | vcpu.Exec},
	}
	segs := m.Segments()
	if len(segs) != len(want) {
		t.Fatalf("%d segments, want %d", len(segs), len(want))
	}
	mutable := uint64(0)
	for i, w := range want {
		if s := segs[i]; s.Name != w.name || s.Base != w.base || s.Size != w.size || s.Perm != w.perm {
			t.Errorf("segment %s at %#x, %d bytes, %03b; want %+v", s.Name, s.Base, s.Size, s.Perm, w)
		}
		if w.perm&vcpu.Write != 0 {
			mutable += w.size
		}
	}
	if n := uint64(len(m.Mutable())); n != mutable {
		t.Errorf("%d bytes can change, want %d", n, mutable)
	}
	if n := len(m.Reservations()); n != 2 {
		t.Errorf("%d reservations for 2 CPUs", n)
	}
	for _, c := range []struct {
		name string
		at   ir.Addr
		w    ir.Width
		want uint64
	}{
		{"cell[1]", im.Symbols["cell"] + 8, ir.W8, 2},
		{"own on c1", im.Symbols["own"] + 64, ir.W4, 3},
		{"mine of t2", im.TP(2) + im.Symbols["mine"], ir.W2, 4},
		{"fixed[2]", im.Symbols["fixed"] + 2, ir.W1, 7},
		{"the signature", ir.CodeBase + 8, ir.W4, uint64(abi.AMD64.Signature())},
		{"the last word of the stacks", im.StackTop(2) - 8, ir.W8, 0},
	} {
		if v, ok := m.Load(c.at, c.w); !ok || v != c.want {
			t.Errorf("%s is %#x %v, want %#x", c.name, v, ok, c.want)
		}
	}
}

// TestSegmentsThatAreNotThere has a program without data: only the thread's
// area can be written.
func TestSegmentsThatAreNotThere(t *testing.T) {
	p, err := ir.Parse("bare.rseq", []byte("func f()\n    nop\n"))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	m := vcpu.NewMemory(im, 1, 1)
	for _, a := range []ir.Addr{0, ir.DataBase, ir.PerCPUBase, ir.StackBase, ir.RodataBase, ir.ReturnIP} {
		if _, ok := m.Load(a, ir.W1); ok {
			t.Errorf("something is at %#x", a)
		}
	}
	if len(m.Mutable()) != ir.RSeqSpace || len(m.Segments()) != 3 {
		t.Errorf("%d bytes can change, in %+v", len(m.Mutable()), m.Segments())
	}
}

// TestPermissions tries every kind of access, of every length, around the edges
// of every segment: it succeeds if one segment holds all bytes and allows it.
func TestPermissions(t *testing.T) {
	for _, arch := range arches {
		_, m := everywhere(t, arch)
		segs := m.Segments()
		allowed := func(a ir.Addr, n int, need vcpu.Perm) bool {
			for _, s := range segs {
				if a >= s.Base && a+ir.Addr(n) <= s.Base+ir.Addr(s.Size) && a+ir.Addr(n) > a && s.Perm&need != 0 {
					return true
				}
			}
			return false
		}
		var edges []ir.Addr
		for _, s := range segs {
			edges = append(edges, s.Base, s.Base+ir.Addr(s.Size/2), s.Base+ir.Addr(s.Size))
		}
		edges = append(edges, 0, 1<<63)
		for _, edge := range edges {
			for a := edge - 20; a != edge+20; a++ {
				for _, w := range []ir.Width{ir.W1, ir.W2, ir.W4, ir.W8} {
					read, write := allowed(a, w.Bytes(), vcpu.Read), allowed(a, w.Bytes(), vcpu.Write)
					if _, ok := m.Load(a, w); ok != read {
						t.Errorf("%v: load of %d at %#x: %v, want %v", arch, w, a, ok, read)
					}
					if ok := m.Store(0, a, w, 1); ok != write {
						t.Errorf("%v: store of %d at %#x: %v, want %v", arch, w, a, ok, write)
					}
				}
				for n := 1; n < 40; n += 6 {
					b := make([]byte, n)
					if ok := m.ReadBytes(a, b); ok != allowed(a, n, vcpu.Read) {
						t.Errorf("%v: ReadBytes of %d at %#x: %v", arch, n, a, ok)
					}
					if ok := m.WriteBytes(0, a, b); ok != allowed(a, n, vcpu.Write) {
						t.Errorf("%v: WriteBytes of %d at %#x: %v", arch, n, a, ok)
					}
				}
			}
		}
	}
}

// TestSegmentsAsBigAsTheyGet has areas that reach beyond a megabyte, where the
// quick way to a segment doesn't lead.
func TestSegmentsAsBigAsTheyGet(t *testing.T) {
	im := mustLink(t, "tls mine: u64[8000] = 1\nfunc f()\n    ld.8 r0, [r3]\n    st.4 [r3 + 4], r1\n")
	const threads = 64
	code, m := vcpu.Compile(im), vcpu.NewMemory(im, 1, threads)
	if size := len(m.Mutable()); size <= 1<<20 {
		t.Fatalf("only %d bytes", size)
	}
	for i := range threads {
		at := im.TP(i) + im.Symbols["mine"]
		r := vcpu.Regs{IP: ir.CodeBase}
		r.R[1], r.R[3] = uint64(100+i), uint64(at)
		if done, trap := code.Run(m, 0, &r, 2); done != 2 || r.R[0] != 1 {
			t.Errorf("t%d: %v, and r0 is %d", i, trap, r.R[0])
		}
		if v, ok := m.Load(at+4, ir.W4); !ok || v != uint64(100+i) {
			t.Errorf("t%d's word is %d, %v", i, v, ok)
		}
	}
	end := im.TP(threads) - ir.Addr(im.ThreadBefore)
	if _, ok := m.Load(end-4, ir.W8); ok {
		t.Error("a load goes beyond the last area")
	}
}

func TestNoBytesAreAlwaysThere(t *testing.T) {
	_, m := everywhere(t, abi.AMD64)
	if !m.ReadBytes(0, nil) || !m.WriteBytes(0, ir.CodeBase, nil) {
		t.Error("an empty copy fails")
	}
}

// TestBytesAreWhatNumbersAre writes bytes and loads numbers, and the other way
// round, in both byte orders.
func TestBytesAreWhatNumbersAre(t *testing.T) {
	for _, arch := range arches {
		_, m := everywhere(t, arch)
		order := arch.ByteOrder()
		rapid.Check(t, func(t *rapid.T) {
			at := ir.DataBase + ir.Addr(rapid.IntRange(0, 8).Draw(t, "offset"))
			v := rapid.Uint64().Draw(t, "v")
			b := make([]byte, 8)
			for _, w := range []ir.Width{ir.W8, ir.W4, ir.W2, ir.W1} {
				n := w.Bytes()
				v &= ^uint64(0) >> (64 - 8*n)
				want := make([]byte, 8)
				order.PutUint64(want, v)
				if arch == abi.S390X {
					want = want[8-n:]
				}
				if !m.Store(0, at, w, v) || !m.ReadBytes(at, b[:n]) || !bytes.Equal(b[:n], want[:n]) {
					t.Errorf("%v: %#x stored in %d bytes is % x, want % x", arch, v, n, b[:n], want[:n])
				}
				if !m.Store(0, at, w, ^v) || !m.WriteBytes(0, at, want[:n]) {
					t.Error("not written")
				}
				if got, ok := m.Load(at, w); !ok || got != v {
					t.Errorf("%v: % x is the number %#x, want %#x", arch, want[:n], got, v)
				}
			}
		})
	}
}

// TestClonesAreIndependent changes each of two copies, memory and reservations,
// and looks at the other.
func TestClonesAreIndependent(t *testing.T) {
	im, a := everywhere(t, abi.AMD64)
	cell := im.Symbols["cell"]
	a.Reservations()[1] = cell
	b := a.Clone()
	if !bytes.Equal(a.Mutable(), b.Mutable()) || b.Reservations()[1] != cell {
		t.Fatal("a clone differs")
	}
	// Through every way to memory there is.
	a.Store(0, cell, ir.W8, 10)
	b.WriteBytes(0, cell+8, []byte{20})
	code := vcpu.Compile(mustLink(t, "func f()\n    st.8 [r3], r1\n    ld.8 r0, [r3]\n"))
	for i, m := range []*vcpu.Memory{a, b} {
		r := vcpu.Regs{IP: ir.CodeBase}
		r.R[1], r.R[3] = uint64(30+i), uint64(ir.PerCPUBase)
		if done, trap := code.Run(m, 0, &r, 2); done != 2 || r.R[0] != uint64(30+i) {
			t.Fatalf("r0 is %d, %v", r.R[0], trap)
		}
	}
	for _, c := range []struct {
		at     ir.Addr
		inA    uint64
		inB    uint64
		places string
	}{
		{cell, 10, 1, "cell[0]"},
		{cell + 8, 2, 20, "cell[1]"},
		{ir.PerCPUBase, 30, 31, "own"},
	} {
		va, _ := a.Load(c.at, ir.W8)
		vb, _ := b.Load(c.at, ir.W8)
		if va != c.inA || vb != c.inB {
			t.Errorf("%s is %d and %d, want %d and %d", c.places, va, vb, c.inA, c.inB)
		}
	}
	if a.Reservations()[1] != 0 || b.Reservations()[1] != cell {
		t.Errorf("c1 has reserved %#x and %#x after a store in the first", a.Reservations()[1], b.Reservations()[1])
	}
}

func mustLink(t *testing.T, text string) *ir.Image {
	t.Helper()
	p, err := ir.Parse("test.rseq", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// TestMutableIsTheMemory restores a memory by copying, as a snapshot does.
func TestMutableIsTheMemory(t *testing.T) {
	im, m := everywhere(t, abi.AMD64)
	saved := append([]byte(nil), m.Mutable()...)
	m.Store(0, im.Symbols["cell"], ir.W8, 99)
	copy(m.Mutable(), saved)
	if v, _ := m.Load(im.Symbols["cell"], ir.W8); v != 1 {
		t.Errorf("cell is %d after its bytes were restored, want 1", v)
	}
}

func TestLoadRSeqCS(t *testing.T) {
	for _, arch := range arches {
		im, m := everywhere(t, arch)
		s := im.Sections[0]
		if cs, ok := m.LoadRSeqCS(s.Addr); !ok || cs != s.CS {
			t.Errorf("%v: descriptor is %+v %v, want %+v", arch, cs, ok, s.CS)
		}
		want := abi.RSeqCS{Version: 0x01020304, Flags: 0x05060708, StartIP: 0x1112131415161718, PostCommitOffset: 0x2122232425262728, AbortIP: 0x3132333435363738}
		at, b := ir.ThreadBase+4, make([]byte, abi.RSeqCSSize)
		if err := want.Put(b, arch.ByteOrder()); err != nil || !m.WriteBytes(0, at, b) {
			t.Fatal(err)
		}
		if cs, ok := m.LoadRSeqCS(at); !ok || cs != want {
			t.Errorf("%v: descriptor is %+v %v, want %+v", arch, cs, ok, want)
		}
		for _, a := range []ir.Addr{0, ir.RodataBase + 4, ir.DataBase, ^ir.Addr(0) - 8} {
			if cs, ok := m.LoadRSeqCS(a); ok || cs != (abi.RSeqCS{}) {
				t.Errorf("%v: there is a descriptor at %#x: %+v", arch, a, cs)
			}
		}
	}
}
