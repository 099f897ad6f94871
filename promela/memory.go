package promela

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// memory writes the bytes that can change, segment after segment as the linker
// laid them out, the read-only ones, and the ways to them.
func (x *exporter) memory() {
	mem := x.m.Memory(0)
	x.printf("/* Memory: ")
	off := 0
	for i, s := range x.writable() {
		if i > 0 {
			x.printf(", ")
		}
		x.printf("%s (at %#x) from %d on", s.Name, uint64(s.Base), s.off)
		off += int(s.Size)
	}
	x.printf(" */\n")
	x.bytes("", "mem", mem.Mutable())
	if len(x.im.Rodata) > 0 {
		x.bytes("hidden ", "ro", x.im.Rodata)
	}
	x.printf("#define AREA (%d + me*%d)  /* the thread's struct rseq in mem */\n\n", x.threadOff()+int(x.im.ThreadBefore), x.im.ThreadStride)

	x.printf("/* x = the place of the w bytes at address a in mem, or -1 */\ninline place(a, w) {\n    if\n")
	for _, s := range x.writable() {
		x.printf("    :: (a >= %d && a <= %d - w) -> x = a - %d\n", uint64(s.Base), uint64(s.Base)+s.Size, int(s.Base)-s.off)
	}
	x.printf("    :: else -> x = -1\n    fi\n}\n\n")

	x.printf("/* v = the w bytes at x of an array, zero-extended */\n" +
		"#define LOW(m, x) (m[x] | m[(x)+1]<<8 | m[(x)+2]<<16 | m[(x)+3]<<24)\n" +
		"#define HIGH(m, x) (m[(x)+4] == m[(x)+5] && m[(x)+5] == m[(x)+6] && m[(x)+6] == m[(x)+7] && m[(x)+7] == (m[(x)+3] >= 128 -> 255 : 0))\n" +
		"#define load1(m, x) v = m[x]\n" +
		"#define load2(m, x) v = m[x] | m[(x)+1]<<8\n" +
		"#define load4(m, x) need(m[(x)+3] < 128); v = LOW(m, x)\n" +
		"#define load8(m, x) need(HIGH(m, x)); v = LOW(m, x)\n" +
		"\ninline store1(x, v) { mem[x] = (v) & 255 }\n" +
		"inline store2(x, v) { mem[x] = (v) & 255; mem[(x)+1] = (v)>>8 & 255 }\n" +
		"inline store4(x, v) { mem[x] = (v) & 255; mem[(x)+1] = (v)>>8 & 255; mem[(x)+2] = (v)>>16 & 255; mem[(x)+3] = (v)>>24 & 255 }\n" +
		"inline store8(x, v) {\n    store4(x, v); f = ((v) < 0 -> 255 : 0);\n    mem[(x)+4] = f; mem[(x)+5] = f; mem[(x)+6] = f; mem[(x)+7] = f\n}\n\n")
	if x.links {
		x.printf("/* A store to the w bytes at address a breaks other CPUs' reservations. */\ninline broken(a, w) {\n" +
			"    i = 0;\n    do\n    :: (i < CPUS) ->\n" +
			"       if :: (reserved[i] != 0 && i != cpu[me]-1 && reserved[i]/8 >= (a)/8 && reserved[i]/8 <= ((a)+w-1)/8) -> reserved[i] = 0 :: else -> skip fi;\n" +
			"       i++\n    :: else -> break\n    od\n}\n\n")
	}
}

// placedSegment is a segment with its place in the mutable bytes.
type placedSegment struct {
	vcpu.Segment
	off int
}

// writable are the segments of the mutable bytes, which lie there one behind the
// other.
func (x *exporter) writable() []placedSegment {
	var out []placedSegment
	off := 0
	for _, s := range x.m.Memory(0).Segments() {
		if s.Perm&vcpu.Write != 0 {
			out = append(out, placedSegment{s, off})
			off += int(s.Size)
		}
	}
	return out
}

func (x *exporter) threadOff() int {
	for _, s := range x.writable() {
		if s.Base == ir.ThreadBase {
			return s.off
		}
	}
	panic("promela: BUG: a machine without thread areas")
}

// offset is the place of a fixed address in mem.
func (x *exporter) offset(a ir.Addr, w int) (int, bool) {
	for _, s := range x.writable() {
		if a >= s.Base && uint64(a-s.Base)+uint64(w) <= s.Size {
			return int(a-s.Base) + s.off, true
		}
	}
	return 0, false
}

func (x *exporter) bytes(prefix, name string, b []byte) {
	b2 := append([]byte(nil), b...)
	x.printf("%sbyte %s[%d]", prefix, name, max(len(b2), 1))
	for _, c := range b2 {
		if c != 0 {
			x.printf(" = {%s}", strings.Trim(strings.ReplaceAll(fmt.Sprint(b2), " ", ","), "[]"))
			break
		}
	}
	x.printf(";\n")
}
