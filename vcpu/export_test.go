package vcpu

// Fence moves the mutable bytes into the middle of a larger buffer, and returns
// what is before and behind them.
func (m *Memory) Fence() (before, behind []byte) {
	const margin = 64
	n := len(m.rw)
	all := make([]byte, margin+n+margin)
	copy(all[margin:], m.rw)
	m.rw = all[margin : margin+n]
	m.open()
	return all[:margin], all[margin+n:]
}

// Common reports whether the next n instructions need nothing but [Code.common].
func (c *Code) Common(m *Memory, r *Regs, n int) bool {
	_, done := c.common(m, r, c.resume(r), 0, n, endsInstruction)
	return done == n
}

// Uncommon returns the code with nothing left to [Code.common], so that
// [Code.exec] runs what it otherwise only tries.
func (c *Code) Uncommon() *Code {
	slow := *c
	slow.ops = append([]uop(nil), c.ops...)
	for i := range slow.ops {
		if u := &slow.ops[i]; u.kind != kCheck && u.kind != kGap {
			u.kind = kSlow
		}
	}
	return &slow
}
