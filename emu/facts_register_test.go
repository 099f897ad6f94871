package emu

import (
	"fmt"
	"testing"
)

// The rows about the system call: what it returns, and what it writes.

// calls is a program whose thread makes system calls itself, with areas for
// them: area is 64-aligned, area+32 only 32-aligned.
const calls = `
data area: u64[24]
data seen: u64[4]
rodata readonly: u64[8]
register none

func rseq(addr, len, flags_, sig_)
    syscall rseq
    ret
func membarrier(cmd, flags_, cpu)
    syscall membarrier
    ret
func prctl(option, arg2, arg3)
    syscall prctl
    ret
func put(addr, value)
    st.8 [r0], r1
    mov r0, 0
    ret
func get4(addr)
    ld.4 r0, [r0]
    sext.4 r0, r0
    ret
func get8(addr)
    ld.8 r0, [r0]
    ret
`

func TestFactsAuxv(t *testing.T) {
	want := cells{"none", "none", "28 / 32", "28 / 32 | 7.0: 33 / 64", "33 / 64", "33 / 64"}
	for i, col := range columns {
		for _, name := range col.kernels {
			k, err := ParseKernel(name)
			if err != nil {
				t.Fatal(err)
			}
			got := "none"
			if k.FeatureSize != 0 || k.Align != 0 {
				got = fmt.Sprintf("%d / %d", k.FeatureSize, k.Align)
			}
			if want := cellOn(want[i], k.Release); got != want {
				t.Errorf("auxv feature size / align of %s is %s, want %s", name, got, want)
			}
		}
	}
}

func TestFactsRegister(t *testing.T) {
	testFacts(t, []fact{
		{
			row:      "len 31",
			program:  calls + `thread: rseq area, 31, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "op",
			want:     cells{"EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL"},
		},
		{
			row:      "len 32",
			program:  calls + `thread: rseq area, 32, 0, RSEQ_SIG; rseq area, 32, 1, RSEQ_SIG; rseq area + 32, 32, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("0 0 0"),
		},
		{
			row:      "len 32, not aligned",
			program:  calls + `thread: rseq area + 8, 32, 0, RSEQ_SIG; rseq area + 16, 32, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("EINVAL EINVAL"),
		},
		{
			row: "len 33, 40, 64, 128, only 32-aligned",
			program: calls + `thread: rseq area + 32, 33, 0, RSEQ_SIG; rseq area + 32, 33, 1, RSEQ_SIG; ` +
				`rseq area + 32, 40, 0, RSEQ_SIG; rseq area + 32, 40, 1, RSEQ_SIG; ` +
				`rseq area + 32, 64, 0, RSEQ_SIG; rseq area + 32, 64, 1, RSEQ_SIG; ` +
				`rseq area + 32, 128, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want: cells{
				"EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
				"EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
				"0 0 0 0 0 0 0",
				"0 0 0 0 0 0 0 | 7.0: EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
				"EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
				"EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
			},
		},
		{
			row: "len 33, 40, 64, 128, 64-aligned",
			program: calls + `thread: rseq area, 33, 0, RSEQ_SIG; rseq area, 33, 1, RSEQ_SIG; ` +
				`rseq area, 40, 0, RSEQ_SIG; rseq area, 40, 1, RSEQ_SIG; ` +
				`rseq area, 64, 0, RSEQ_SIG; rseq area, 64, 1, RSEQ_SIG; ` +
				`rseq area, 128, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want: cells{
				"EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
				"EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
				"0 0 0 0 0 0 0", "0 0 0 0 0 0 0", "0 0 0 0 0 0 0", "0 0 0 0 0 0 0",
			},
		},
		{
			row:      "register unmapped",
			program:  calls + `thread: rseq 0x7000000, 32, 0, RSEQ_SIG; get8 area`,
			schedule: "t0 through",
			see:      "calls",
			want:     cells{"SIGSEGV area", "EFAULT 0", "EFAULT 0", "EFAULT 0", "EFAULT 0", "EFAULT 0"},
		},
		{
			// The row says "NULL or unmapped", and 5.10 kills for it. A null
			// pointer is what an unregistered thread has, so 5.10 goes on.
			row:      "register NULL",
			program:  calls + `thread: rseq 0, 32, 0, RSEQ_SIG; get8 area`,
			schedule: "t0 through",
			see:      "calls",
			want:     cells{"0 0", "EFAULT 0", "EFAULT 0", "EFAULT 0", "EFAULT 0", "EFAULT 0"},
		},
		{
			row:      "register beyond TASK_SIZE",
			program:  calls + `thread: rseq 0x7ffffffff000, 32, 0, RSEQ_SIG; rseq -64, 32, 0, RSEQ_SIG; rseq -32, 32, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("EFAULT EFAULT EFAULT"),
		},
		{
			row:      "register the last 32 bytes below TASK_SIZE",
			program:  calls + `thread: rseq 0x7fffffffefe0, 32, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want:     cells{"SIGSEGV area", "EFAULT", "EFAULT", "EFAULT", "EFAULT", "EFAULT"},
		},
		{
			row:      "register over a stale rseq_cs",
			program:  calls + `thread: put area + 8, 0x7000000; rseq area, 32, 0, RSEQ_SIG; get8 area + 8`,
			schedule: "t0 through",
			see:      "calls",
			want:     cells{"SIGSEGV cs unmapped", "0 0 0", "0 0 0", "0 0 0", "0 0 0", "0 0 0"},
		},
		{
			row:      "register again with flags 2",
			program:  calls + `thread: rseq area, 32, 0, RSEQ_SIG; rseq area, 32, RSEQ_FLAG_SLICE_EXT_DEFAULT_ON, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want:     cells{"0 EINVAL", "0 EINVAL", "0 EINVAL", "0 EINVAL | 7.0: 0 EBUSY", "0 EBUSY", "0 EBUSY"},
		},
		{
			row: "register again: same / other sig / addr / len",
			program: calls + `thread: rseq area, 32, 0, RSEQ_SIG; rseq area, 32, 0, RSEQ_SIG; rseq area, 32, 0, 1; ` +
				`rseq area + 64, 32, 0, RSEQ_SIG; rseq area, 64, 0, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("0 EBUSY EPERM EINVAL EINVAL"),
		},
		{
			row:      "register again: other addr and sig: the address is looked at first",
			program:  calls + `thread: rseq area, 32, 0, RSEQ_SIG; rseq area + 64, 32, 0, 1; rseq 0x7000000, 31, 4, 1`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("0 EINVAL EINVAL"),
		},
		{
			row: "unregister: wrong sig / len / flags 3 / twice",
			program: calls + `thread: rseq area, 32, 0, RSEQ_SIG; rseq area, 32, 1, 7; rseq area, 64, 1, RSEQ_SIG; ` +
				`rseq area, 32, 3, RSEQ_SIG; rseq area, 32, 1, RSEQ_SIG; rseq area, 32, 1, RSEQ_SIG`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("0 EPERM EINVAL EINVAL 0 EINVAL"),
		},
		{
			row:      "unregister: other addr, and its sig is looked at last",
			program:  calls + `thread: rseq area, 32, 0, RSEQ_SIG; rseq area + 64, 32, 1, 7; rseq area, 64, 1, 7`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("0 EINVAL EINVAL"),
		},
	})
}

func TestFactsAreaAfterRegistering(t *testing.T) {
	testFacts(t, []fact{
		{
			row:      "registered: cpu_id_start, cpu_id of the CPU, before the call returns",
			program:  calls + `thread on 1: rseq area, 32, 0, RSEQ_SIG; get4 area; get4 area + 4`,
			schedule: "c1 run t0; t0 through",
			see:      "calls",
			want:     everywhere("0 1 1"),
		},
		{
			row:      "cpu_id_start after unregister",
			program:  calls + `thread: rseq area, 32, 0, RSEQ_SIG; rseq area, 32, 1, RSEQ_SIG; get4 area`,
			schedule: "t0 through",
			see:      "op",
			want:     cells{"0", "0", "0", "EPERM | 7.0.7: 0", "0", "0"}, // -1 reads as EPERM
		},
		{
			row: "cpu_id, node_id, mm_cid after unregister",
			program: calls + `thread: rseq area, 32, 0, RSEQ_SIG; put area + 20, 0x700000007; rseq area, 32, 1, RSEQ_SIG; ` +
				`get4 area + 4; get4 area + 20; get4 area + 24`,
			schedule: "t0 through",
			see:      "calls",
			want:     cells{"0 0 0 EPERM 7 7", "0 0 0 EPERM 7 7", "0 0 0 EPERM 0 0", "0 0 0 EPERM 0 0", "0 0 0 EPERM 0 0", "0 0 0 EPERM 0 0"},
		},
		{
			row: "rseq_cs, flags after unregister",
			program: calls + `thread: rseq area, 32, 0, RSEQ_SIG; put area + 16, 5; put area + 8, readonly; ` +
				`rseq area, 32, 1, RSEQ_SIG; get8 area + 8; get4 area + 16`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere(fmt.Sprintf("0 0 0 0 %d 5", 0x100000)),
		},
		{
			// From 7.0 on the kernel tells there whether it has slices.
			row:      "flags after register",
			program:  calls + `thread: put area + 16, 5; rseq area, 32, 0, RSEQ_SIG; get4 area + 16`,
			schedule: "t0 through",
			see:      "op",
			want:     cells{"5", "5", "5", "5 | 7.0: 0", "0", "0"},
		},
		{
			// Bytes 28 to 31 are slice_ctrl since 7.0. Booted: a kernel without
			// slices built in cleared them until 7.0.9, and leaves them alone
			// from 7.0.10.
			row:      "slice_ctrl after register with 32 bytes",
			program:  calls + `thread: put area + 24, 0x700000000; rseq area, 32, 0, RSEQ_SIG; get4 area + 28`,
			schedule: "t0 through",
			see:      "op",
			want:     cells{"7", "7", "7", "7 | 7.0: 0", "7", "7"},
		},
		{
			row:      "slice_ctrl after register with 64 bytes",
			program:  calls + `thread: put area + 24, 0x700000000; rseq area, 64, 0, RSEQ_SIG; get4 area + 28`,
			schedule: "t0 through",
			see:      "op",
			want:     cells{"7", "7", "7", "7 | 7.0: 0", "7", "7"},
		},
		{
			row:      "register an area that is only readable",
			program:  calls + `thread: rseq readonly, 32, 0, RSEQ_SIG; get8 area`,
			schedule: "t0 through",
			see:      "calls",
			want:     cells{"SIGSEGV area", "SIGSEGV area", "SIGSEGV area", "EFAULT 0", "EFAULT 0", "EFAULT 0"},
		},
	})
}

// TestFactsSystemCalls are the rows about the other calls.
func TestFactsSystemCalls(t *testing.T) {
	testFacts(t, []fact{
		{
			row: "membarrier RSEQ: before register / after / cpu 4000 / flags 2",
			program: calls + `thread: membarrier MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0; ` +
				`membarrier MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0; ` +
				`membarrier MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0; ` +
				`membarrier MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 4000; ` +
				`membarrier MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 2, 0`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("EPERM 0 0 0 EINVAL"),
		},
		{
			row: "membarrier RSEQ: the caller's own ids are not rewritten",
			program: calls + `thread: rseq area, 32, 0, RSEQ_SIG; membarrier MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0; ` +
				`put area, 99; membarrier MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0; get4 area; ` +
				`membarrier MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0; get4 area`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("0 0 0 0 99 0 99"),
		},
		{
			row:      "membarrier RSEQ: flags for another command, two commands, no command",
			program:  calls + `thread: membarrier MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 1, 0; membarrier 0x180, 0, 0; membarrier 0x40000000, 0, 0; membarrier -1, 0, 0`,
			schedule: "t0 through",
			see:      "calls",
			want:     everywhere("EINVAL EINVAL EINVAL EINVAL"),
		},
		{
			row: "prctl 79 without the Kconfig",
			program: calls + `thread: prctl PR_RSEQ_SLICE_EXTENSION, PR_RSEQ_SLICE_EXTENSION_GET, 0; ` +
				`prctl PR_RSEQ_SLICE_EXTENSION, PR_RSEQ_SLICE_EXTENSION_SET, PR_RSEQ_SLICE_EXT_ENABLE`,
			schedule: "t0 through",
			see:      "calls",
			want: cells{"EINVAL EINVAL", "EINVAL EINVAL", "EINVAL EINVAL",
				"EINVAL EINVAL | 7.0: ENOTSUPP ENOTSUPP", "ENOTSUPP ENOTSUPP", "ENOTSUPP ENOTSUPP"},
		},
		{
			row:      "prctl of anything else",
			program:  calls + `thread: prctl 80, 1, 0`,
			schedule: "t0 through",
			see:      "op",
			want:     everywhere("EINVAL"),
		},
	})
}

// TestMembarrierRSEQCameIn510 is the release that brought the command.
func TestMembarrierRSEQCameIn510(t *testing.T) {
	program := calls + `thread: membarrier MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0; ` +
		`membarrier MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0; membarrier MEMBARRIER_CMD_QUERY, 0, 0`
	for kernel, want := range map[string]string{"5.5": "EINVAL EINVAL 31", "5.10": "0 0 415"} {
		if got := boot(t, kernel, program).run("t0 through").observe("calls"); got != want {
			t.Errorf("%s: register, command and query return %s, want %s", kernel, got, want)
		}
	}
}
