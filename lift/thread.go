package lift

import (
	"errors"
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// The machine's tp is the address of struct rseq; compiled code has a thread
// pointer that is elsewhere, and finds struct rseq by a distance that libc
// publishes (__rseq_offset), or as a thread-local variable of its own
// (__rseq_abi). The loader decides where, as libc does.

// ownArea are the names under which programs keep a struct rseq of their own.
var ownArea = []string{"__rseq_abi"}

// distance returns how far above struct rseq the thread pointer is, in bytes.
func (b *builder) distance() int64 {
	for _, name := range ownArea {
		if sym, ok := b.o.Lookup(name); ok && sym.TLS {
			return -int64(sym.Addr)
		}
	}
	if b.arch.below {
		// Below the thread pointer the file's variables, below them struct rseq.
		return ir.RSeqSpace + int64(b.o.TLS.Size+ir.RSeqSpace-1)&^(ir.RSeqSpace-1)
	}
	return ir.RSeqSpace
}

// planting is what the loader gives a variable of libc or of librseq.
type planting struct {
	width ir.Width
	value int64
}

// plantable returns the variables by which code finds struct rseq, as libc
// (__rseq_*, glibc 2.35 on) and librseq or the kernel's selftests (rseq_*) name
// them.
func (b *builder) plantable(name string) (planting, bool) {
	switch name {
	case "__rseq_offset", "rseq_offset":
		return planting{ir.W8, -b.tp}, true
	case "__rseq_size", "rseq_size", "rseq_feature_size":
		return planting{ir.W4, 28}, true
	case "__rseq_flags", "rseq_flags":
		return planting{ir.W4, 0}, true
	}
	return planting{}, false
}

// plant has the loader set a variable, if it is one of those.
func (b *builder) plant(name string) bool {
	p, ok := b.plantable(name)
	if ok {
		b.planted[name] = p
	}
	return ok
}

// threadPointer makes the machine's tp of the platform's in one instruction.
func (b *builder) threadPointer(in *ir.Instr) error {
	for i := range in.Micro() {
		op := &in.Ops[i]
		if m := &op.Mem; m.Base == ir.TP || m.Index == ir.TP {
			if b.arch.selfPointer && op.Code == ir.Ld && op.Width.Bytes() == 8 && *m == ir.Off(ir.TP, 0) {
				*op = ir.Lea(op.Dst, ir.Off(ir.TP, b.tp)) // the word holds its own address
				continue
			}
			m.Sym, m.Disp = b.threadPlace(m.Disp+b.tp, m.Index == ir.None)
		}
		if op.Code == ir.Add && op.B == ir.TP && op.A != ir.TP && op.A != ir.None && op.Flags == ir.NoFlags {
			// A variable's distance in a register, and the thread pointer.
			*op = ir.Lea(op.Dst, ir.Off(ir.TP, b.tp).Indexed(op.A, 0))
		}
		switch {
		case op.Dst == ir.TP, op.B == ir.TP, op.A == ir.TP && op.Code != ir.Mov && op.Code != ir.Add:
			return errors.New("it uses the thread pointer in a way that isn't followed")
		case op.A == ir.TP && op.Code == ir.Mov:
			*op = ir.Lea(op.Dst, ir.Off(ir.TP, b.tp))
		case op.A == ir.TP && (op.Flags != ir.NoFlags || op.B != ir.None):
			return errors.New("it uses the thread pointer in a way that isn't followed")
		case op.A == ir.TP:
			op.Sym, op.Imm = b.threadPlace(op.Imm+b.tp, false)
		}
	}
	return nil
}

// fields are struct rseq's, by which an access at a fixed distance is named.
var fields = map[int64]string{
	abi.OffCPUIDStart: "cpu_id_start", abi.OffCPUID: "cpu_id", abi.OffRSeqCS: "rseq_cs",
	abi.OffNodeID: "node_id", abi.OffMMCID: "mm_cid",
}

// fieldOffset is fields the other way round.
var fieldOffset = func() map[string]int64 {
	m := map[string]int64{}
	for off, name := range fields {
		m[name] = off
	}
	return m
}()

// threadPlace names what is at a distance from tp: a thread-local variable,
// which the program then gets, or, if that is all of the address, a field of
// struct rseq.
func (b *builder) threadPlace(at int64, exact bool) (name string, off int64) {
	for i, sym := range b.o.Symbols {
		if d := at - b.tp - int64(sym.Addr); sym.TLS && !sym.Extern && d >= 0 && d < int64(sym.Size) && int64(sym.Addr) != -b.tp {
			b.threadLocal[i] = true
			return b.dataName(sym.Name), d
		}
	}
	if f, ok := fields[at]; ok && exact {
		return f, 0
	}
	// The first words above x86-64's thread pointer are libc's; the stack
	// protector's canary is there.
	if exact && b.arch.below && at >= b.tp && at < b.tp+maxTCB {
		b.tcb = true
	}
	return "", at
}

// maxTCB is how much of what libc keeps at x86-64's thread pointer there is.
const maxTCB = 64

// threadData declares the thread-local variables that the code uses.
func (b *builder) threadData() error {
	if b.tcb {
		b.out.VarAt(b.tp, "libc_tcb", ir.W8, maxTCB/8)
	}
	for i, sym := range b.o.Symbols {
		if !b.threadLocal[i] || b.declared[sym.Name] {
			continue
		}
		if sym.Size > ir.MaxArea {
			return fmt.Errorf("%s: the thread-local %s has %d bytes (at most %d)", b.o.Name, sym.Name, sym.Size, ir.MaxArea)
		}
		init := make([]byte, sym.Size)
		if off := int64(sym.Addr) - b.o.TLS.Offset; off >= 0 && off < int64(len(b.o.TLS.Init)) {
			copy(init, b.o.TLS.Init[off:])
		}
		d := data(b.dataName(sym.Name), init, nil)
		d.Kind, d.At, d.HasAt = ir.PerThread, int64(sym.Addr)+b.tp, true
		b.out.Data = append(b.out.Data, d)
	}
	return nil
}
