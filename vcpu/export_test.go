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
