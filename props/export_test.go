package props

// Bound has the monitor forget what it has worked out beyond a number of bytes.
func (mon *Monitor) Bound(bytes int) { mon.max = bytes }

// Size returns how many bytes it takes, about.
func (mon *Monitor) Size() int { return mon.size }
