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
}

// Counters returns the counts since the machine was made. They are saved and
// restored with a snapshot, but are no part of the state that [Machine.AppendState] gives.
func (m *Machine) Counters() Counters { return m.counters }
