package emu

// Reason is why the kernel sent a signal that a thread didn't ask for. The set
// is closed: everything that a program can do wrong is here.
type Reason uint8

// The reasons, those of restartable sequences first.
const (
	ReasonNone Reason = iota
	ReasonAreaFault
	ReasonCSAddress
	ReasonCSFault
	ReasonVersion
	ReasonRange
	ReasonAbortInside
	ReasonAbortAddress
	ReasonSignature
	ReasonFlags
	ReasonIDs
	ReasonSyscall
	ReasonUnregister
	ReasonFrame
	ReasonLoad
	ReasonStore
	ReasonFetch
	ReasonAlign
	ReasonUD
	ReasonBrk
	ReasonSent
	ReasonSliceCtrl
	ReasonSliceFlags
	numReasons
)

var reasonText = [numReasons]string{
	ReasonNone:         "",
	ReasonAreaFault:    "the registered area isn't accessible",
	ReasonCSAddress:    "rseq_cs isn't a user address",
	ReasonCSFault:      "rseq_cs points to memory that isn't accessible",
	ReasonVersion:      "the descriptor's version isn't 0",
	ReasonRange:        "the descriptor's start_ip, post_commit_offset or abort_ip is out of range",
	ReasonAbortInside:  "abort_ip is inside the critical section",
	ReasonAbortAddress: "abort_ip isn't a user address",
	ReasonSignature:    "the 4 bytes before abort_ip aren't the registered signature",
	ReasonFlags:        "flags that this kernel refuses",
	ReasonIDs:          "the program wrote to cpu_id_start, cpu_id, node_id or mm_cid",
	ReasonSyscall:      "a system call inside a critical section",
	ReasonUnregister:   "the area isn't accessible while it is unregistered, or its ids aren't what debug wants",
	ReasonSliceCtrl:    "the program wrote to slice_ctrl what isn't its own, or asked in vain and made a system call",
	ReasonSliceFlags:   "the program took away the slice bits of flags",
	ReasonFrame:        "no room for a signal frame on the stack",
	ReasonLoad:         "a load from memory that isn't readable",
	ReasonStore:        "a store to memory that isn't writable",
	ReasonFetch:        "no instruction there",
	ReasonAlign:        "a misaligned ordered or atomic access",
	ReasonUD:           "an undefined instruction",
	ReasonBrk:          "trap brk: an assertion of the program failed",
	ReasonSent:         "the signal was sent",
}

func (r Reason) String() string { return reasonText[r] }
