package emu

// Counters count the work on the way to user mode, under the names of the
// kernel's debugfs file rseq/stats (CONFIG_RSEQ_STATS).
type Counters struct {
	Exit     uint64 // exit: returns to user mode
	Signal   uint64 // signal: signal deliveries that looked at the section
	SlowPath uint64 // slowp: work in the loop with faults allowed (before 6.19: all work)
	FastPath uint64 // fastp: work at the last point, with faults not allowed
	IDs      uint64 // ids: writes of the ids
	CS       uint64 // cs: evaluations of an rseq_cs that wasn't 0
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
