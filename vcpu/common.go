package vcpu

import "encoding/binary"

// common runs micro-ops from index pc on, while they are common ones that find
// what they need, until n steps or instructions are done; stop says which of
// the two is counted. It returns where it got to, and writes the instruction
// pointer only if all n are done.
//
// It calls nothing, so that the compiler keeps everything in registers, and
// knows no errors: whatever is out of the ordinary is for [Code.slow], which
// begins that micro-op anew.
func (c *Code) common(m *Memory, r *Regs, pc, done, n int, stop uint8) (int, int) {
	ops := c.ops
	for {
		u := &ops[pc]
		switch u.kind {
		case kNop:
		case kMov:
			r.R[u.dst] = (r.R[u.a] + u.imm) & u.mask
		case kAdd:
			r.R[u.dst] = (r.R[u.a] + r.R[u.b] + u.imm) & u.mask
		case kSub:
			r.R[u.dst] = (r.R[u.a] - r.R[u.b] - u.imm) & u.mask
		case kAnd:
			r.R[u.dst] = r.R[u.a] & (r.R[u.b] + u.imm) & u.mask
		case kShl:
			r.R[u.dst] = r.R[u.a] << ((r.R[u.b] + u.imm) & u.lastBit() & 63) & u.mask
		case kAdds:
			a, b := r.R[u.a]&u.mask, (r.R[u.b]+u.imm)&u.mask
			v := (a + b) & u.mask
			r.R[u.dst], r.Flags = v, addFlags(a, b, v, u.mask)&^u.keep|r.Flags&u.keep
		case kSubs:
			a, b := r.R[u.a]&u.mask, (r.R[u.b]+u.imm)&u.mask
			v := (a - b) & u.mask
			r.R[u.dst], r.Flags = v, subFlags(a, b, v, u.mask)&^u.keep|r.Flags&u.keep
		case kAnds:
			v := r.R[u.a] & (r.R[u.b] + u.imm) & u.mask
			r.R[u.dst], r.Flags = v, flagsNZ(v, u.mask)
		case kLd:
			// Eight bytes whatever the width, and the upper ones masked away.
			// The few at a segment's end that aren't eight are not common.
			a := u.addr(r)
			w := &m.read[u.view(a)]
			off := uint64(a - w.base)
			if off >= uint64(len(w.bytes)) {
				return pc, done
			}
			b := w.bytes[off:]
			if len(b) < 8 {
				return pc, done
			}
			r.R[u.dst] = binary.LittleEndian.Uint64(b) & u.mask
		case kSt:
			a := u.addr(r)
			w := &m.write[u.view(a)]
			off := uint64(a - w.base)
			if off >= uint64(len(w.bytes)) {
				return pc, done
			}
			b := w.bytes[off:]
			if len(b) < 8 {
				return pc, done
			}
			keep := binary.LittleEndian.Uint64(b) &^ u.mask
			binary.LittleEndian.PutUint64(b, keep|(r.R[u.a]+u.imm)&u.mask)
		case kBeq:
			if (r.R[u.a]^(r.R[u.b]+u.imm))&u.mask == 0 {
				goto branch
			}
		case kBne:
			if (r.R[u.a]^(r.R[u.b]+u.imm))&u.mask != 0 {
				goto branch
			}
		case kBr:
			if cond(u.cond, r.Flags) {
				goto branch
			}
		case kJmp:
			goto branch
		default:
			return pc, done
		}
		pc++
		if u.end >= stop {
			if done++; done >= n {
				u.leave(r)
				return pc, done
			}
		}
		continue
	branch:
		pc = int(u.target)
		if done++; done >= n {
			r.SetIP(ops[pc].ip)
			return pc, done
		}
	}
}
