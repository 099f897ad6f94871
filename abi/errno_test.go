package abi_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rseqemu/rseqemu/abi"
)

func TestErrno(t *testing.T) {
	tests := []struct {
		errno abi.Errno
		value uint16
		name  string
		ret   uint64
	}{
		{abi.EPERM, 1, "EPERM", 0xffffffffffffffff},
		{abi.ENOENT, 2, "ENOENT", 0xfffffffffffffffe},
		{abi.ESRCH, 3, "ESRCH", 0xfffffffffffffffd},
		{abi.EINTR, 4, "EINTR", 0xfffffffffffffffc},
		{abi.ENXIO, 6, "ENXIO", 0xfffffffffffffffa},
		{abi.ECHILD, 10, "ECHILD", 0xfffffffffffffff6},
		{abi.EAGAIN, 11, "EAGAIN", 0xfffffffffffffff5},
		{abi.ENOMEM, 12, "ENOMEM", 0xfffffffffffffff4},
		{abi.EFAULT, 14, "EFAULT", 0xfffffffffffffff2},
		{abi.EBUSY, 16, "EBUSY", 0xfffffffffffffff0},
		{abi.EINVAL, 22, "EINVAL", 0xffffffffffffffea},
		{abi.ENOSYS, 38, "ENOSYS", 0xffffffffffffffda},
		{abi.ETIMEDOUT, 110, "ETIMEDOUT", 0xffffffffffffff92},
		{abi.ENOTSUPP, 524, "ENOTSUPP", 0xfffffffffffffdf4},
		{4095, 4095, "errno 4095", 0xfffffffffffff001},
	}
	for _, tt := range tests {
		if uint16(tt.errno) != tt.value {
			t.Errorf("%v: got %d, want %d", tt.errno, uint16(tt.errno), tt.value)
		}
		if got := tt.errno.Error(); got != tt.name {
			t.Errorf("%d: got %q, want %q", tt.value, got, tt.name)
		}
		if got := tt.errno.Ret(); got != tt.ret {
			t.Errorf("%v: got register %#x, want %#x", tt.errno, got, tt.ret)
		}
		if got, ok := abi.ErrnoOf(tt.ret); !ok || got != tt.errno {
			t.Errorf("%#x: got %v, %v, want %v", tt.ret, got, ok, tt.errno)
		}
	}
}

// TestErrnoRange goes through all errors and through the results beside them.
func TestErrnoRange(t *testing.T) {
	for e := abi.Errno(1); e <= 4095; e++ {
		if got, ok := abi.ErrnoOf(e.Ret()); !ok || got != e {
			t.Errorf("register %#x: got %v, %v, want %v", e.Ret(), got, ok, e)
		}
		if got, ok := abi.ParseErrno(e.String()); !ok || got != e {
			t.Errorf("%q: got %v, %v, want %v", e.String(), got, ok, e)
		}
		if got, ok := abi.ParseErrno(fmt.Sprint(uint16(e))); !ok || got != e {
			t.Errorf("%d: got %v, %v, want %v", uint16(e), got, ok, e)
		}
	}
	for _, ret := range []uint64{0, 1, 4095, 1 << 63, 1<<64 - 4096, 1<<32 - 1, 0x7fffffffffffffff} {
		if e, ok := abi.ErrnoOf(ret); ok {
			t.Errorf("register %#x: got %v, want a result", ret, e)
		}
	}
	if got := abi.Errno(0).Ret(); got != 0 {
		t.Errorf("no error: got register %#x, want 0", got)
	}
}

func TestErrnoOfAnyRegister(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ret := rapid.Uint64().Draw(t, "ret")
		e, ok := abi.ErrnoOf(ret)
		if want := int64(ret) >= -4095 && int64(ret) <= -1; ok != want {
			t.Fatalf("got %v, %v, want %v", e, ok, want)
		}
		if ok && e.Ret() != ret || !ok && e != 0 {
			t.Fatalf("got %v, %v, whose register is %#x", e, ok, e.Ret())
		}
	})
}

func TestParseErrnoFails(t *testing.T) {
	for _, s := range []string{"", "0", "4096", "65558", "-22", "+22", "einval", "EINVAL ", "errno", "errno ", "errno 0", "EWHAT", "0x16"} {
		if e, ok := abi.ParseErrno(s); ok {
			t.Errorf("%q: got %v", s, e)
		}
	}
}

func TestErrnoIsError(t *testing.T) {
	err := fmt.Errorf("rseq: %w", abi.EBUSY)
	if !errors.Is(err, abi.EBUSY) || errors.Is(err, abi.EPERM) {
		t.Errorf("errors.Is doesn't find EBUSY, or finds EPERM, in %v", err)
	}
}
