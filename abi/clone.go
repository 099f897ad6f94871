package abi

// Flags of clone(2), its first argument (its second on s390x). What matters
// to restartable sequences is [CloneVM]: a child that shares the memory starts
// unregistered, one that has a copy of it inherits the registration.
const (
	CloneSignalMask    = 0xff      // CSIGNAL: the signal that the parent gets when the child exits
	CloneVM            = 0x100     // CLONE_VM: share the memory
	CloneFS            = 0x200     // CLONE_FS: share the root and working directory
	CloneFiles         = 0x400     // CLONE_FILES: share the file descriptors
	CloneSighand       = 0x800     // CLONE_SIGHAND: share the signal handlers; needs CloneVM
	ClonePtrace        = 0x2000    // CLONE_PTRACE: let the parent's tracer trace the child too
	CloneVfork         = 0x4000    // CLONE_VFORK: the parent waits until the child execs or exits
	CloneParent        = 0x8000    // CLONE_PARENT: the child's parent is that of the caller
	CloneThread        = 0x10000   // CLONE_THREAD: same process; needs CloneSighand
	CloneSysvsem       = 0x40000   // CLONE_SYSVSEM: share the System V semaphore adjustments
	CloneSettls        = 0x80000   // CLONE_SETTLS: the thread pointer is an argument
	CloneParentSettid  = 0x100000  // CLONE_PARENT_SETTID: write the child's id to the parent's memory
	CloneChildCleartid = 0x200000  // CLONE_CHILD_CLEARTID: zero the child's id and wake when it exits
	CloneChildSettid   = 0x1000000 // CLONE_CHILD_SETTID: write the child's id to the child's memory
)
