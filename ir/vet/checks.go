package vet

// Check is one kind of thing that [Program] looks for.
type Check struct {
	// ID names it in findings; it doesn't change.
	ID string
	// Doc says what is found and which rule makes it wrong.
	Doc string
}

// Checks returns every check, in a fixed order. The slice is the caller's.
func Checks() []Check {
	all := make([]Check, len(checks))
	for i, c := range checks {
		all[i] = c.Check
	}
	return all
}

// check is a Check with the code that does it.
type check struct {
	Check
	run func(*pass)
}

// checks is every one, from the descriptor over the way into a section and
// through it to the way out. Each stands in the file of its subject, behind
// its documentation.
var checks = []check{
	// descriptor.go
	versionNotZero,
	flagsNotZero,
	postCommitOffset,
	notAnInstruction,
	abortInside,
	wrongSignature,
	overlappingSections,
	duplicateDescriptor,
	// arming.go
	neverArmed,
	notArmed,
	armedTooEarly,
	armedForOther,
	// cpu.go
	noCPUCheck,
	storeBeforeCheck,
	cpuIDStartCompared,
	wrongIDCompared,
	indexFromOtherLoad,
	retryWithoutReload,
	unscaledIndex,
	// commit.go
	noCommitStore,
	latePostCommit,
	earlyPostCommit,
	updateBeforeCommit,
	// leave.go
	syscallInSection,
	callInSection,
	retInSection,
	indirectJumpInSection,
	trapInSection,
	jumpIntoSection,
	// loop.go
	endlessLoop,
	// abort.go
	abortAsSuccess,
	abortAtFunction,
	runsOffTheEnd,
	// area.go
	kernelFieldWritten,
}

func newCheck(id, doc string, run func(*pass)) check { return check{Check{id, doc}, run} }
