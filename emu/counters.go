package emu

// Counters count the work on the way to user mode, under the names of the
// kernel's debugfs file rseq/stats (CONFIG_RSEQ_STATS, 6.19). Kernels before it
// have no such file; theirs count as the patch did that was used to compare them:
// a signal's work isn't slowp, and every look at rseq_cs is cs and, even if it was 0
// already, clear.
type Counters struct {
	Exit     uint64 // exit: returns to user mode
	NoWork   uint64 // (not the kernel's) … of these, those without any of the work below
	Signal   uint64 // signal: signal deliveries that looked at the section
	SlowPath uint64 // slowp: work in the loop with faults allowed (before 6.19: all but signals')
	FastPath uint64 // fastp: work at the last point, with faults not allowed
	IDs      uint64 // ids: writes of the ids
	CS       uint64 // cs: evaluations of an rseq_cs that wasn't 0 (before 6.19: or was)
	Clear    uint64 // clear: … that found the thread outside
	Fixup    uint64 // fixup: … that aborted the section

	// Of time slices. An expiry is followed by a revocation, as the kernel counts
	// them, so that granted is revoked, yielded, aborted, and what is under way or
	// ended with its process.
	SliceGranted uint64 // sgrant
	SliceExpired uint64 // sexpir: … whose timer came
	SliceRevoked uint64 // srevok: … that were taken away, by timer or otherwise
	SliceYielded uint64 // syield: … that rseq_slice_yield ended
	SliceAborted uint64 // sabort: … that another system call ended
}

// Counters returns the counts since the machine was made. They are saved and
// restored with a snapshot, but are no part of the state that [Machine.AppendState] gives.
func (m *Machine) Counters() Counters { return m.counters }

// Work is how often there was work on the way to user mode: a signal's, the slow
// path's or the fast path's.
func (c *Counters) Work() uint64 { return c.Signal + c.SlowPath + c.FastPath }

func (c *Counters) add(d *Counters) {
	c.Exit += d.Exit
	c.NoWork += d.NoWork
	c.Signal += d.Signal
	c.SlowPath += d.SlowPath
	c.FastPath += d.FastPath
	c.IDs += d.IDs
	c.CS += d.CS
	c.Clear += d.Clear
	c.Fixup += d.Fixup
	c.SliceGranted += d.SliceGranted
	c.SliceExpired += d.SliceExpired
	c.SliceRevoked += d.SliceRevoked
	c.SliceYielded += d.SliceYielded
	c.SliceAborted += d.SliceAborted
}
