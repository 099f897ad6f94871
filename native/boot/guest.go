package boot

// A guest's init knows that it is one by this in its environment. A kernel puts
// there what it doesn't know on its command line.
const (
	guestVariable = "RSEQEMU_GUEST"
	guestMark     = guestVariable + "=1"
)

// initComplains begins a line on the console about what the host can't be told
// otherwise.
const initComplains = "rseqemu: init: "
