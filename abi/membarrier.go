package abi

// Commands of membarrier(2), its first argument: bits, so that
// [MembarrierQuery] can return the set that a kernel supports.
const (
	MembarrierQuery                            = 0      // MEMBARRIER_CMD_QUERY, 4.3: the set of commands
	MembarrierGlobal                           = 1 << 0 // MEMBARRIER_CMD_GLOBAL, 4.3 as MEMBARRIER_CMD_SHARED
	MembarrierGlobalExpedited                  = 1 << 1 // MEMBARRIER_CMD_GLOBAL_EXPEDITED, 4.16
	MembarrierRegisterGlobalExpedited          = 1 << 2 // MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 4.16
	MembarrierPrivateExpedited                 = 1 << 3 // MEMBARRIER_CMD_PRIVATE_EXPEDITED, 4.14
	MembarrierRegisterPrivateExpedited         = 1 << 4 // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 4.14
	MembarrierPrivateExpeditedSyncCore         = 1 << 5 // MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 4.16
	MembarrierRegisterPrivateExpeditedSyncCore = 1 << 6 // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 4.16
	MembarrierGetRegistrations                 = 1 << 9 // MEMBARRIER_CMD_GET_REGISTRATIONS, 6.3: the set of registrations

	// MembarrierPrivateExpeditedRSeq (MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
	// 5.10) restarts the sections that the threads of the process are in: when
	// it returns, none is still inside one that it entered before the call.
	// EPERM unless the process has registered for it.
	MembarrierPrivateExpeditedRSeq = 1 << 7

	// MembarrierRegisterPrivateExpeditedRSeq
	// (MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 5.10) registers the
	// process for [MembarrierPrivateExpeditedRSeq].
	MembarrierRegisterPrivateExpeditedRSeq = 1 << 8
)

// MembarrierCmdFlagCPU (MEMBARRIER_CMD_FLAG_CPU, 5.10) in the second argument of
// membarrier(2) limits [MembarrierPrivateExpeditedRSeq] to the CPU in the third.
// No other command takes a flag.
const MembarrierCmdFlagCPU = 1 << 0
