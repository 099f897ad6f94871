package abi_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// TestNumbers restates the constants that are no field and no table, as the
// kernel's headers have them.
func TestNumbers(t *testing.T) {
	tests := []struct {
		name      string
		got, want uint64
	}{
		{"RSEQ_CPU_ID_UNINITIALIZED", uint64(abi.CPUIDUninitialized), 1<<32 - 1},
		{"RSEQ_CPU_ID_REGISTRATION_FAILED", uint64(abi.CPUIDRegistrationFailed), 1<<32 - 2},
		{"RSEQ_FLAG_UNREGISTER", abi.RSeqFlagUnregister, 1},
		{"RSEQ_FLAG_SLICE_EXT_DEFAULT_ON", abi.RSeqFlagSliceExtDefaultOn, 2},
		{"RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT", abi.RSeqCSFlagNoRestartOnPreempt, 1},
		{"RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL", abi.RSeqCSFlagNoRestartOnSignal, 2},
		{"RSEQ_CS_FLAG_NO_RESTART_ON_MIGRATE", abi.RSeqCSFlagNoRestartOnMigrate, 4},
		{"the three of them", abi.RSeqCSFlagNoRestartMask, 7},
		{"RSEQ_CS_FLAG_SLICE_EXT_AVAILABLE", abi.RSeqCSFlagSliceExtAvailable, 16},
		{"RSEQ_CS_FLAG_SLICE_EXT_ENABLED", abi.RSeqCSFlagSliceExtEnabled, 32},
		{"AT_RSEQ_FEATURE_SIZE", abi.AuxvRSeqFeatureSize, 27},
		{"AT_RSEQ_ALIGN", abi.AuxvRSeqAlign, 28},
		{"PTRACE_GET_RSEQ_CONFIGURATION", abi.PtraceGetRSeqConfiguration, 0x420f},
		{"PR_RSEQ_SLICE_EXTENSION", abi.PrctlRSeqSliceExtension, 79},
		{"PR_RSEQ_SLICE_EXTENSION_GET", abi.PrctlRSeqSliceExtensionGet, 1},
		{"PR_RSEQ_SLICE_EXTENSION_SET", abi.PrctlRSeqSliceExtensionSet, 2},
		{"PR_RSEQ_SLICE_EXT_ENABLE", abi.PrctlRSeqSliceExtEnable, 1},
		{"MEMBARRIER_CMD_QUERY", abi.MembarrierQuery, 0},
		{"MEMBARRIER_CMD_GLOBAL", abi.MembarrierGlobal, 0x1},
		{"MEMBARRIER_CMD_GLOBAL_EXPEDITED", abi.MembarrierGlobalExpedited, 0x2},
		{"MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED", abi.MembarrierRegisterGlobalExpedited, 0x4},
		{"MEMBARRIER_CMD_PRIVATE_EXPEDITED", abi.MembarrierPrivateExpedited, 0x8},
		{"MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED", abi.MembarrierRegisterPrivateExpedited, 0x10},
		{"MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE", abi.MembarrierPrivateExpeditedSyncCore, 0x20},
		{"MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE", abi.MembarrierRegisterPrivateExpeditedSyncCore, 0x40},
		{"MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ", abi.MembarrierPrivateExpeditedRSeq, 0x80},
		{"MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ", abi.MembarrierRegisterPrivateExpeditedRSeq, 0x100},
		{"MEMBARRIER_CMD_GET_REGISTRATIONS", abi.MembarrierGetRegistrations, 0x200},
		{"MEMBARRIER_CMD_FLAG_CPU", abi.MembarrierCmdFlagCPU, 1},
		{"CSIGNAL", abi.CloneSignalMask, 0xff},
		{"CLONE_VM", abi.CloneVM, 0x00000100},
		{"CLONE_FS", abi.CloneFS, 0x00000200},
		{"CLONE_FILES", abi.CloneFiles, 0x00000400},
		{"CLONE_SIGHAND", abi.CloneSighand, 0x00000800},
		{"CLONE_PTRACE", abi.ClonePtrace, 0x00002000},
		{"CLONE_VFORK", abi.CloneVfork, 0x00004000},
		{"CLONE_PARENT", abi.CloneParent, 0x00008000},
		{"CLONE_THREAD", abi.CloneThread, 0x00010000},
		{"CLONE_SYSVSEM", abi.CloneSysvsem, 0x00040000},
		{"CLONE_SETTLS", abi.CloneSettls, 0x00080000},
		{"CLONE_PARENT_SETTID", abi.CloneParentSettid, 0x00100000},
		{"CLONE_CHILD_CLEARTID", abi.CloneChildCleartid, 0x00200000},
		{"CLONE_CHILD_SETTID", abi.CloneChildSettid, 0x01000000},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %#x, want %#x", tt.name, tt.got, tt.want)
		}
	}
}
