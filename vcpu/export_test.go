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
